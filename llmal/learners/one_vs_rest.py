"""A classifier for each label by itself, where an item takes several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import DataError


@dataclass(frozen=True)
class Indicator:
    """Which labels hold for which items, in a form to train on.

    Attributes:
        kept: Shape (m,): positions of the items with a weight above zero.
        holds: Shape (m, C): 1 where a label holds.
        weights: Shape (m,): weights above zero, or None if none were given.
    """

    kept: NDArray[np.int64]
    holds: NDArray[np.int64]
    weights: NDArray[np.float64] | None


@dataclass(frozen=True)
class Columns:
    """One linear classifier a label.

    Attributes:
        coef: Shape (C, d).
        intercept: Shape (C,): infinite for a label that all items had, or none.
        strengths: Shape (C,): inverse strength of each penalty.
    """

    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    strengths: NDArray[np.float64]

    def probabilities(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (n, C): each column its own."""
        from scipy.special import expit

        return np.asarray(expit(matrix @ self.coef.T + self.intercept))


def is_indicator(y: Any) -> bool:
    """Whether targets are a table of labels, and not one label an item."""
    return np.ndim(y) == 2


def indicator(n: int, y: ArrayLike, sample_weight: ArrayLike | None) -> Indicator:
    """Check a table of labels and weights against n items.

    Raises:
        DataError: Lengths differ, there is nothing to train on, or a label or weight is not usable.
    """
    holds = np.asarray(y)
    if len(holds) != n:
        raise DataError(
            f"there are {n} items but {len(holds)} rows of labels", fix="give one row for each item"
        )
    if not np.isin(holds, (0, 1)).all():
        raise DataError(
            "a table of labels holds something else than 0 and 1",
            fix="give 1 where a label holds, and 0 where it does not",
        )
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if weights is not None and (
        weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0).any()
    ):
        raise DataError(
            "sample_weight is not one finite weight of at least 0 for each item",
            fix="give one number for each item",
        )
    kept = np.arange(n) if weights is None else np.flatnonzero(weights > 0)
    if not len(kept):
        raise DataError("there are no items to train on", fix="label at least one item")
    return Indicator(kept, holds[kept].astype(np.int64), None if weights is None else weights[kept])


Fit = Callable[[int, NDArray[np.int64]], tuple[NDArray[np.float64], float, float]]
"""Takes a column and its labels, and gives coefficients, intercept and strength of the penalty."""


def fit_columns(made: Indicator, width: int, default: float, fit: Fit) -> Columns:
    """Fit a classifier for every label that some items have and some have not.

    Args:
        made: The labels.
        width: Dimensions d.
        default: Strength that is told for labels that are not fitted.
        fit: Fits one label.
    """
    labels = made.holds.shape[1]
    coef, intercept = np.zeros((labels, width)), np.zeros(labels)
    strengths = np.full(labels, default)
    for column in range(labels):
        own = made.holds[:, column]
        if own.min() == own.max():
            # What was always so, or never, is predicted with certainty, as by scikit-learn.
            intercept[column] = np.inf if own[0] else -np.inf
            continue
        coef[column], intercept[column], strengths[column] = fit(column, own)
    return Columns(coef, intercept, strengths)
