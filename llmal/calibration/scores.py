"""Scores and labels as calibrators read them: checked, in float64."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.calibration.protocol import FitsOn, LabelScoresLike, Normalise, Scores
from llmal.errors import DataError

_NEEDED: dict[FitsOn, str] = {
    "content-free": "prompts without content",
    "random-words": "prompts around random words of the pool",
    "pool": "texts of the pool",
    "labels": "texts whose label is known",
}

LEAST = -50.0
"""Where a fit needs finite numbers, log-probabilities normalised over the labels below this count
as this (2e-22), minus infinity among them: one label that a model thought impossible must not
decide a fit."""


def read_scores(scores: Scores, normalise: Normalise) -> NDArray[np.float64]:
    """Log-probabilities, shape (n, C). A label may have minus infinity, but not all of a row.

    Raises:
        DataError: They are no table of at least two columns, a score is NaN or infinite, all of a
            row are minus infinity, or they are probabilities and not logarithms.
    """
    return _checked(_as_array(scores, normalise))


def _checked(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    if matrix.ndim != 2 or matrix.shape[1] < 2:
        raise DataError(
            f"scores of shape {matrix.shape} are not a table (rows, labels) of at least two labels"
        )
    if not (matrix < np.inf).all():
        row = int(np.flatnonzero(~(matrix < np.inf).all(axis=1))[0])
        kind = "NaN" if np.isnan(matrix[row]).any() else "infinite"
        raise DataError(
            f"row {row} of the scores (counted from 0) holds a score that is {kind}",
            fix="look at what the language model answered there",
        )
    lost = np.isneginf(matrix).all(axis=1)
    if lost.any():
        raise DataError(
            f"row {int(np.flatnonzero(lost)[0])} of the scores (counted from 0) gives every label "
            "the probability zero",
            fix="look at what the language model answered there",
        )
    if len(matrix) and (matrix >= 0).all() and np.allclose(matrix.sum(axis=1), 1, atol=1e-6):
        raise DataError("the scores are probabilities", fix="give their natural logarithms")
    return matrix


def read_fitting_scores(
    scores: Scores, normalise: Normalise, name: str, fits_on: FitsOn
) -> NDArray[np.float64]:
    """As `read_scores`, of at least one row.

    Raises:
        DataError: There are no rows, or they are not usable.
    """
    matrix = _as_array(scores, normalise)
    if not matrix.size:
        raise DataError(
            f"calibration on an empty pool: the {name} calibrator was given no rows",
            fix=f"give it scores of {_NEEDED[fits_on]}",
        )
    return _checked(matrix)


def read_labels(labels: ArrayLike | None, rows: int, columns: int, name: str) -> NDArray[np.int64]:
    """True columns, shape (n,).

    Raises:
        DataError: They are missing, not columns, not as many as rows, or out of range.
    """
    if labels is None:
        raise DataError(
            f"the {name} calibrator learns from labels and was given none",
            fix="give the true column of each row",
        )
    truth = np.asarray(labels)
    if truth.shape != (rows,):
        raise DataError(f"{rows} rows of scores stand beside labels of shape {truth.shape}")
    if not np.issubdtype(truth.dtype, np.integer):
        raise DataError(
            f"labels of type {truth.dtype} are not columns",
            fix="turn names into columns with Task.index",
        )
    if truth.min() < 0 or truth.max() >= columns:
        wrong = truth[(truth < 0) | (truth >= columns)][0]
        raise DataError(f"the label {wrong} lies outside the columns 0 to {columns - 1}")
    return truth.astype(np.int64)


def refuse_labels(labels: ArrayLike | None, name: str) -> None:
    """Raise if labels are given to what takes none.

    Raises:
        DataError: There are labels.
    """
    if labels is not None:
        raise DataError(
            f"the {name} calibrator takes no labels, and labels were given",
            fix="leave them out, or use one that learns from labels",
        )


def log_over_labels(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same log-probabilities, normalised over the labels of each row."""
    return np.asarray(logs - log_sum(logs, axis=1)[:, None])


def raise_to_least(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normalised over the labels of each row, and no lower than `LEAST`."""
    return np.maximum(log_over_labels(logs), LEAST)


def log_sum(logs: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Logarithm of the sum of exponentials; minus infinity where all are."""
    # scipy's takes up to six times as long, and fits ask for it hundreds of times.
    top = logs.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    return np.asarray(log_of(np.exp(logs - top).sum(axis=axis)) + top.squeeze(axis))


def probabilities_of(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponentials, normalised over the labels of each row."""
    from scipy.special import softmax

    return np.asarray(softmax(logs, axis=1))


def log_of(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithms; of zero, minus infinity."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probabilities))


def _has_tokens(scores: Scores) -> TypeGuard[LabelScoresLike]:
    return hasattr(scores, "normalised")


def _as_array(scores: Scores, normalise: Normalise) -> NDArray[np.float64]:
    values = scores.normalised(normalise) if _has_tokens(scores) else scores
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the scores are not a table of numbers ({error})",
            fix="give LabelScores, or log-probabilities of shape (rows, labels)",
        ) from error
