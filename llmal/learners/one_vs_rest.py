"""A classifier for each label by itself, where an item takes several."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from llmal.errors import DataError

_LEAST = 1e-6
"""Under it a probability of a label that no item of the other folds had counts as this one."""


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
    return np.asarray(y).ndim >= 2


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
    if holds.ndim != 2 or not holds.shape[1]:
        raise DataError(
            f"a table of labels has the shape {holds.shape}",
            fix="give a row for each item and a column for each label",
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


def held_out_probabilities(
    matrix: NDArray[np.float64],
    table: Indicator,
    make_model: Callable[[], LogisticRegression],
    strengths: Sequence[float],
    *,
    folds: int,
    seed: int,
) -> NDArray[np.float64]:
    """Probabilities of items by classifiers that were fitted without them, shape (G, m, C).

    Args:
        matrix: Shape (m, d).
        table: The labels of its rows.
        make_model: A classifier for one label, not fitted; each fit starts where the one of the
            strength before it ended.
        strengths: G inverse strengths of the penalty, the strongest penalty first.
        folds: Parts that the items are divided into, no more than there are items.
        seed: Shuffles the items.
    """
    from scipy.special import expit
    from sklearn.model_selection import KFold

    result = np.zeros((len(strengths), *table.holds.shape))
    parts = KFold(min(folds, len(matrix)), shuffle=True, random_state=seed)
    for train, held_out in parts.split(matrix):
        weights = None if table.weights is None else table.weights[train]
        for column in range(table.holds.shape[1]):
            own = table.holds[train, column]
            if own.min() == own.max():
                result[:, held_out, column] = own[0]
                continue
            model = make_model()
            for place, strength in enumerate(strengths):
                model.C = strength
                with warnings.catch_warnings():
                    # A fold cut short still ranks the penalties; the last fit reports.
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    model.fit(matrix[train], own, weights)
                odds = model.decision_function(matrix[held_out])
                result[place, held_out, column] = expit(odds)
    return result


def log_losses(probabilities: NDArray[np.float64], table: Indicator) -> NDArray[np.float64]:
    """Log-loss of probabilities, shape (G, m, C), over all items and labels, shape (G,)."""
    kept = np.clip(probabilities, _LEAST, 1 - _LEAST)
    losses = -np.where(table.holds, np.log(kept), np.log(1 - kept)).mean(axis=2)
    return np.asarray(np.average(losses, axis=1, weights=table.weights))


Fit = Callable[[int, NDArray[np.int64]], tuple[NDArray[np.float64], float]]
"""Takes a column and its labels, and gives coefficients and intercept."""


def fit_columns(made: Indicator, width: int, strengths: NDArray[np.float64], fit: Fit) -> Columns:
    """Fit a classifier for every label that some items have and some have not.

    Args:
        made: The labels.
        width: Dimensions d.
        strengths: Shape (C,): inverse strength of each penalty.
        fit: Fits one label.
    """
    labels = made.holds.shape[1]
    coef, intercept = np.zeros((labels, width)), np.zeros(labels)
    for column in range(labels):
        own = made.holds[:, column]
        if own.min() == own.max():
            # What was always so, or never, is predicted with certainty, as by scikit-learn.
            intercept[column] = np.inf if own[0] else -np.inf
            continue
        coef[column], intercept[column] = fit(column, own)
    return Columns(coef, intercept, strengths)
