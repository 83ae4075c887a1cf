"""Batch calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.calibration.fittable import FittedOn, label_counts
from llmal.calibration.likelihood import minimise_scalar, nll
from llmal.calibration.prior_correction import PriorCorrection, log_mean
from llmal.calibration.protocol import FitsOn, Scores
from llmal.calibration.scores import (
    log_over_labels,
    raise_to_least,
    read_fitting_scores,
    read_labels,
)
from llmal.errors import ConfigError, DataError

_MOST = 3.0


@dataclass(eq=False)
class Batch(PriorCorrection):
    """The prior is the mean probability over the pool: log p - gamma log prior.

    Zhou et al. 2023; the CBM of Yang et al. 2024 with gamma 1. It takes the labels to be about
    equally frequent, and where they are not it takes that for a bias. Of a prior that the model
    multiplies to its probabilities it undoes only a part, since the mean of probabilities that are
    already sure is pulled less far; `PriorMatching` goes all the way.

    Args:
        gamma: How much of the correction is applied. None to fit it on labels by `fit_gamma`
            after `fit`; until then the calibrator is not fitted.
    """

    name: ClassVar[str] = "batch"
    fits_on: ClassVar[FitsOn] = "pool"
    layout: ClassVar[dict[str, str]] = {"log_prior": "C", "gamma": ""}

    gamma: float | None = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma is not None and not np.isfinite(self.gamma):
            raise ConfigError(f"the gamma of the batch calibrator is {self.gamma}")

    @property
    def strength(self) -> float:
        """The gamma in use: the option, or what `fit_gamma` found.

        Raises:
            DataError: Not fitted.
        """
        return float(self._number("gamma"))

    def fit_gamma(self, scores: Scores, labels: ArrayLike) -> Self:
        """Choose gamma, from 0 to 3, by the likelihood of labels; the prior stays as it is.

        A Gaussian prior of mean 1 and standard deviation 1 on gamma keeps it sensible with few
        labels.

        Args:
            scores: Of texts whose label is known, shape (m, C).
            labels: Their columns, shape (m,).

        Raises:
            ConfigError: gamma was given as an option.
            DataError: The prior is not fitted, or scores or labels are not usable.
        """
        if self.gamma is not None:
            raise ConfigError(
                f"the batch calibrator was made with gamma {self.gamma}",
                fix="make it with gamma=None to fit it",
            )
        if self.fitted_on is None or "log_prior" not in self._numbers:
            raise DataError("the batch calibrator is not fitted", fix="call fit on the pool first")
        matrix = read_fitting_scores(scores, self.normalise, self.name, "labels")
        columns = self.fitted_on.columns
        if matrix.shape[1] != columns:
            raise DataError(
                f"the batch calibrator was fitted on {columns} labels, and these scores have "
                f"{matrix.shape[1]}"
            )
        truth = read_labels(labels, len(matrix), columns, self.name)
        logs, prior = raise_to_least(matrix), self._numbers["log_prior"]

        def cost(gamma: float) -> float:
            return nll(logs - gamma * prior, truth) + (gamma - 1) ** 2 / 2

        self._numbers["gamma"] = np.asarray(minimise_scalar(cost, 0.0, _MOST))
        self.fitted_on = replace(self.fitted_on, label_counts=label_counts(truth, columns))
        return self

    def _require_fitted(self) -> None:
        if self.gamma is None and "log_prior" in self._numbers and not self.fitted:
            raise DataError(
                "the gamma of the batch calibrator is not fitted", fix="call fit_gamma with labels"
            )
        super()._require_fitted()

    def _keep_prior(self, log_prior: NDArray[np.float64], fitted_on: FittedOn) -> None:
        super()._keep_prior(log_prior, fitted_on)
        if self.gamma is not None:
            self._numbers["gamma"] = np.asarray(float(self.gamma))

    def _log_prior(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return log_mean(log_over_labels(logs))

    def _weight(self) -> float:
        return self.strength
