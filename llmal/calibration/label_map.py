"""Maps from scores to probabilities that are fitted on labels."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.calibration.fittable import Fittable, FittedOn, label_counts
from llmal.calibration.protocol import FitsOn, Scores
from llmal.calibration.scores import log_sum, raise_to_least, read_fitting_scores, read_labels

log = logging.getLogger("llmal.calibration")


@dataclass(eq=False)
class LabelMap(Fittable):
    """A map of log-probabilities normalised over the labels, fitted on labels.

    Scores below e^-50 are read as e^-50, in `fit` and `transform` alike. A label that is not among
    those of the fit is warned of, and keeps a small probability: each map says which.
    """

    fits_on: ClassVar[FitsOn] = "labels"

    def fit(self, scores: Scores, labels: ArrayLike | None = None) -> Self:
        """Learn the map.

        Args:
            scores: Of texts whose label is known, shape (n, C).
            labels: Their columns, shape (n,).

        Raises:
            DataError: There are no rows, a score is NaN, all of a row are minus infinity, or labels
                are missing, out of range or not as many as rows.
        """
        matrix = read_fitting_scores(scores, self.normalise, self.name, self.fits_on)
        rows, columns = matrix.shape
        truth = read_labels(labels, rows, columns, self.name)
        counts = label_counts(truth, columns)
        if 0 in counts:
            log.warning(
                "the %s calibrator is fitted without any item of the labels %s; what it says of "
                "them is a guess",
                self.name,
                self._called(column for column, count in enumerate(counts) if not count),
            )
        self._keep(self._learn(raise_to_least(matrix), truth), FittedOn(rows, columns, counts))
        return self

    def transform(self, scores: Scores) -> NDArray[np.float64]:
        """Probabilities, shape (n, C).

        Raises:
            DataError: Not fitted, another number of columns, or scores that are not usable.
        """
        matrix = self._read(scores)
        return self._map(raise_to_least(matrix)) if len(matrix) else matrix

    def _learn(self, logs: NDArray[np.float64], truth: NDArray[np.int64]) -> Mapping[str, Any]:
        """The fitted arrays, by the names of `layout`."""
        raise NotImplementedError

    def _map(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities that sum to one."""
        raise NotImplementedError


def log_odds(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of each label against all others, shape (n, C), exact near 0 and near 1."""
    odds = np.empty_like(logs)
    for column in range(logs.shape[1]):
        others = log_sum(np.delete(logs, column, axis=1), axis=1)
        odds[:, column] = logs[:, column] - others
    return odds
