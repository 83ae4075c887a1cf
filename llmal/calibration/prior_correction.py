"""Corrections of the label prior: probabilities are divided by what a label gets anyway."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.calibration.fittable import Fittable, FittedOn
from llmal.calibration.protocol import Scores
from llmal.calibration.scores import (
    log_over_labels,
    log_sum,
    probabilities_of,
    read_fitting_scores,
    refuse_labels,
)

log = logging.getLogger("llmal.calibration")

_DIGITS = 3


@dataclass(eq=False)
class PriorCorrection(Fittable):
    """Probabilities p~ proportional to p / prior, p normalised over the labels.

    Never softmax(W p), which some published code has: the most probable label is the same, but the
    entropies flatten. A score of minus infinity stays at probability zero. A label whose prior
    comes out as zero cannot be divided by it: it is given the smallest prior of the others, and a
    warning is logged. All is done in logarithms, so tiny probabilities do not vanish.
    """

    layout: ClassVar[dict[str, str]] = {"log_prior": "C"}

    @property
    def prior(self) -> NDArray[np.float64]:
        """The label prior, shape (C,), which sums to one.

        Raises:
            DataError: Not fitted.
        """
        return np.exp(self._number("log_prior"))

    def fit(self, scores: Scores, labels: ArrayLike | None = None) -> Self:
        """Learn the prior from scores, shape (n, C), of what `fits_on` says.

        Raises:
            DataError: There are no rows, a score is NaN, all of a row are minus infinity, or
                labels were given.
        """
        refuse_labels(labels, self.name)
        matrix = read_fitting_scores(scores, self.normalise, self.name, self.fits_on)
        self._keep_prior(self._log_prior(matrix), FittedOn(len(matrix), matrix.shape[1]))
        return self

    def settle(self) -> None:
        """Round the logarithm of the prior to a thousandth.

        Raises:
            DataError: Not fitted.
        """
        self._numbers["log_prior"] = np.round(self._number("log_prior"), _DIGITS)

    def transform(self, scores: Scores) -> NDArray[np.float64]:
        """Probabilities, shape (n, C).

        Raises:
            DataError: Not fitted, another number of columns, or scores that are not usable.
        """
        matrix = self._read(scores)
        if not len(matrix):
            return matrix
        return probabilities_of(
            log_over_labels(matrix) - self._weight() * self._number("log_prior")
        )

    def _log_prior(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        """From raw scores, shape (n, C), to the logarithm of the prior, shape (C,)."""
        raise NotImplementedError

    def _weight(self) -> float:
        return 1.0

    def _keep_prior(self, log_prior: NDArray[np.float64], fitted_on: FittedOn) -> None:
        none = np.isneginf(log_prior)
        if none.any():
            log.warning(
                "the %s calibrator found the prior zero for the labels %s; they are given the "
                "smallest prior of the others",
                self.name,
                self._called(np.flatnonzero(none)),
            )
            log_prior = np.where(none, log_prior[~none].min(), log_prior)
        self._keep({"log_prior": log_prior - log_sum(log_prior, axis=0)}, fitted_on)


def log_mean(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of the mean of the probabilities over the rows, shape (C,)."""
    return np.asarray(log_sum(logs, axis=0) - np.log(len(logs)))
