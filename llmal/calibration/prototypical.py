"""Prototypical calibration."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.calibration.fittable import Fittable, FittedOn
from llmal.calibration.protocol import FitsOn, Scores
from llmal.calibration.scores import (
    probabilities_of,
    raise_to_least,
    read_fitting_scores,
    refuse_labels,
)
from llmal.errors import DataError

log = logging.getLogger("llmal.calibration")

_WIDTH = 1e-3


@dataclass(eq=False)
class Prototypical(Fittable):
    """Clusters of the pool's log-probability vectors stand for the labels.

    A Gaussian mixture of C components, each with a full covariance, on log p normalised over the
    labels; a probability is the responsibility of a label's component. Our reconstruction of
    ProCa (Han et al. 2022). Components are matched to labels one to one so that the sum of the
    mean log-probability that each gives to its label is largest. A label that the model favours
    everywhere adds the same to every matching, so the label prior has no say in it.

    It finds the labels rather than their probabilities: unless the clusters really are Gaussian,
    responsibilities are far too sure, and a `Temperature` should follow.

    Expectation maximisation starts from the groups of rows whose label stands out most against
    its own mean, so there is no draw. Scores below e^-50 are read as e^-50.
    """

    name: ClassVar[str] = "prototypical"
    fits_on: ClassVar[FitsOn] = "pool"
    layout: ClassVar[dict[str, str]] = {
        "log_weights": "C",
        "means": "CC",
        "precision_factors": "CCC",
    }

    def fit(self, scores: Scores, labels: ArrayLike | None = None) -> Self:
        """Find the clusters in scores of the pool, shape (n, C).

        Raises:
            DataError: There are fewer than C (C + 1) rows, a score is NaN, all of a row are minus
                infinity, or labels were given.
        """
        from scipy.optimize import linear_sum_assignment

        refuse_labels(labels, self.name)
        matrix = read_fitting_scores(scores, self.normalise, self.name, self.fits_on)
        rows, columns = matrix.shape
        if rows < columns * (columns + 1):
            raise DataError(
                f"{rows} rows are too few to find clusters of {columns} labels",
                fix=f"give at least {columns * (columns + 1)}, better some hundreds",
            )
        weights, means, factors = _mixture(raise_to_least(matrix))
        _, component = linear_sum_assignment(means.T, maximize=True)
        self._keep(
            {
                "log_weights": np.log(weights[component]),
                "means": means[component],
                "precision_factors": factors[component],
            },
            FittedOn(rows, columns),
        )
        return self

    def transform(self, scores: Scores) -> NDArray[np.float64]:
        """Responsibilities, shape (n, C).

        Raises:
            DataError: Not fitted, another number of columns, or scores that are not usable.
        """
        matrix = self._read(scores)
        if not len(matrix):
            return matrix
        logs, density = raise_to_least(matrix), np.empty_like(matrix)
        means, factors = self._number("means"), self._number("precision_factors")
        for column, weight in enumerate(self._number("log_weights")):
            factor = factors[column]
            away = (logs - means[column]) @ factor
            spread = np.log(np.abs(np.diag(factor))).sum()
            density[:, column] = weight + spread - (away**2).sum(axis=1) / 2
        return probabilities_of(density)


def _mixture(
    logs: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weights (C,), means (C, C) and Cholesky factors of the precisions (C, C, C)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    columns = logs.shape[1]
    against = logs - logs.mean(axis=0)
    group = against.argmax(axis=1)
    # Every group gets the row that stands out most for its label, so that none is empty.
    group[against.argmax(axis=0)] = np.arange(columns)
    sizes = np.bincount(group, minlength=columns).astype(np.float64)
    sizes = np.maximum(sizes, 1.0)
    means = np.zeros((columns, columns))
    np.add.at(means, group, logs)
    means /= sizes[:, None]
    spread = logs - means[group]
    covariance = spread.T @ spread / len(logs) + _WIDTH * np.eye(columns)
    mixture = GaussianMixture(
        columns,
        covariance_type="full",
        reg_covar=_WIDTH,
        tol=1e-6,
        max_iter=500,
        weights_init=sizes / sizes.sum(),
        means_init=means,
        precisions_init=np.repeat(np.linalg.inv(covariance)[None], columns, axis=0),
        random_state=0,
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ConvergenceWarning)
        try:
            mixture.fit(logs)
        except ValueError as error:
            raise DataError(f"the scores have no clusters to find ({error})") from error
    if any(issubclass(one.category, ConvergenceWarning) for one in told):
        log.warning("the clusters of the prototypical calibrator had not settled after 500 steps")
    return mixture.weights_, mixture.means_, mixture.precisions_cholesky_
