"""What every learner checks before it trains or predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import DataError
from llmal.learners.soft_labels import SoftLabels


@dataclass(frozen=True)
class Targets:
    """Labels in a form to train on.

    Attributes:
        kept: Shape (m,): positions of the items with a weight above zero. The others are left
            out altogether, so that weight zero and absence are the same to the last bit.
        classes: The classes among them, sorted.
        codes: Shape (m,): the position of each label in `classes`; of soft labels the likeliest.
        weights: Shape (m,): weights above zero, or None if none were given.
        shares: Shape (m, C): of soft labels the shares of the classes; None for plain ones.
    """

    kept: NDArray[np.int64]
    classes: NDArray[Any]
    codes: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    shares: NDArray[np.float64] | None = None

    @property
    def table(self) -> NDArray[np.float64]:
        """Shares of the classes, shape (m, C): of a plain label the whole for one of them."""
        return np.eye(len(self.classes))[self.codes] if self.shares is None else self.shares


def targets(n: int, y: ArrayLike | SoftLabels, sample_weight: ArrayLike | None) -> Targets:
    """Check labels and weights against n items.

    A class of which soft labels give no item any share was not seen, as with plain labels.

    Raises:
        DataError: Lengths differ, there is nothing to train on, or a label or weight is not usable.
    """
    labels = y.best if isinstance(y, SoftLabels) else _labels(y)
    if len(labels) != n:
        raise DataError(
            f"there are {n} items but {len(labels)} labels", fix="give one label for each item"
        )
    if n == 0:
        raise DataError("there are no items to train on", fix="label at least one item")
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    if weights is None:
        kept = np.arange(n)
    else:
        if weights.shape != (n,):
            raise DataError(
                f"sample_weight has shape {weights.shape} for {n} items",
                fix="give one number for each item",
            )
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise DataError(
                "sample_weight has negative, NaN or infinite entries",
                fix="weights must be finite and at least 0",
            )
        kept = np.flatnonzero(weights > 0)
        if not len(kept):
            raise DataError("all sample weights are zero", fix="give at least one item a weight")
        weights = weights[kept]
    if isinstance(y, SoftLabels):
        shares = y.shares[kept]
        seen = shares.sum(axis=0) > 0
        shares = np.ascontiguousarray(shares[:, seen])
        return Targets(kept, y.classes[seen], shares.argmax(axis=1), weights, shares)
    classes, codes = np.unique(labels[kept], return_inverse=True)
    return Targets(kept, classes, codes.astype(np.int64), weights)


def embeddings(X: Any, learner: Any = None) -> NDArray[np.float64]:
    """X as a finite float matrix.

    Args:
        X: Shape (n, d).
        learner: A fitted one, whose `n_features_in_` d must be.

    Raises:
        DataError: It is not one.
    """
    from scipy.sparse import issparse

    if issparse(X):
        raise DataError(
            "sparse data are not supported: the embeddings are a sparse matrix",
            fix="give X.toarray()",
        )
    if np.iscomplexobj(np.asarray(X)):
        raise DataError(
            "Complex data not supported: the embeddings hold complex numbers",
            fix="give real numbers",
        )
    try:
        matrix = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            "the embeddings are not an array of numbers",
            fix="this learner takes embeddings of shape (n, d), not texts",
        ) from error
    if matrix.ndim != 2:
        raise DataError(
            f"the embeddings have shape {matrix.shape}",
            fix="Reshape your data to (items, dimensions)",
        )
    if learner is not None and matrix.shape[1] != learner.n_features_in_:
        # The words are scikit-learn's.
        raise DataError(
            f"X has {matrix.shape[1]} features, but {type(learner).__name__} is expecting "
            f"{learner.n_features_in_} features as input",
            fix="use the embedder that it was fitted with",
        )
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise DataError(
            f"row {int(np.argmin(finite))} of the embeddings holds NaN or infinity",
            fix="remove that item or embed it again",
        )
    return matrix


def texts(X: Any) -> list[str]:
    """X as a list of strings: a list, an array or a series of them.

    Raises:
        DataError: It is not one.
    """
    if hasattr(X, "to_numpy") and getattr(X, "ndim", 0) == 1:
        X = X.to_numpy()
    if isinstance(X, str) or not isinstance(X, (Sequence, np.ndarray)):
        raise DataError(
            f"a {type(X).__name__} is not a list of texts", fix="give a list of strings"
        )
    for position, text in enumerate(X):
        if not isinstance(text, str):
            raise DataError(
                f"text {position} is a {type(text).__name__}, not a string",
                fix="this learner takes a list of strings",
            )
    return [str(text) for text in X]


def class_counts(made: Targets) -> list[int]:
    """How many items there are of each class; of soft labels by the likeliest."""
    return [int(one) for one in np.bincount(made.codes, minlength=len(made.classes))]


def classes_as_json(classes: NDArray[Any]) -> list[str | int | bool]:
    """Classes as plain strings, integers or truth values, for a configuration file."""
    return list(classes.tolist())


def _labels(y: ArrayLike) -> NDArray[Any]:
    if y is None:
        raise DataError(
            "a learner requires y to be passed, but the target y is None",
            fix="give one label for each item",
        )
    raw = np.asarray(y)
    if raw.ndim != 1:
        raise DataError(f"the labels have shape {raw.shape}", fix="give one label for each item")
    if raw.dtype.kind == "O":
        if all(isinstance(label, str) for label in raw):
            return raw.astype(np.str_)
        if all(isinstance(label, (bool, np.bool_)) for label in raw):
            return raw.astype(np.bool_)
        if all(isinstance(label, (int, np.integer)) for label in raw):
            return raw.astype(np.int64)
    if raw.dtype.kind == "f" and len(raw):
        # A column of numbers in which some are missing is read as float.
        whole = np.isfinite(raw).all() and (raw == np.round(raw)).all()
        if whole:
            return raw.astype(np.int64)
        raise DataError(
            "the labels are neither all strings nor all integers, but continuous numbers",
            fix="give label names or label columns; leave unlabelled items out",
        )
    # An array from a list that mixes names and numbers has turned the numbers into names.
    mixed = raw.dtype.kind == "U" and not isinstance(y, np.ndarray) and not _all_strings(y)
    if (raw.dtype.kind not in "Uiub" and len(raw)) or mixed:
        raise DataError(
            "the labels are neither all strings nor all integers",
            fix="give label names or label columns; leave unlabelled items out",
        )
    return raw if raw.dtype.kind in "Ub" else raw.astype(np.int64)


def _all_strings(y: Any) -> bool:
    return all(isinstance(label, str) for label in y)
