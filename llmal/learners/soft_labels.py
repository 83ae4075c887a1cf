"""Labels that are not sure: how probable each class is for each item."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import DataError

_TOLERANCE = 1e-3
"""How far from one the shares of an item may add up to, as those of a float32 softmax do."""


class SoftLabels:
    """Shares of the classes for each of n items, in the place of n labels: `fit(X, SoftLabels(…))`.

    A type of its own, since a plain table of 0 and 1 says which labels of several hold for an item.

    Args:
        shares: Shape (n, C): at least 0, rows sum to one; no row may be empty.
        classes: C label names or label columns: what the columns stand for, each once.

    Attributes:
        shares: Shape (n, C), float64, columns in the order of `classes`.
        classes: Shape (C,), sorted.

    Raises:
        DataError: Shares or classes are not usable.
    """

    def __init__(self, shares: ArrayLike, classes: ArrayLike) -> None:
        names: NDArray[Any] = np.asarray(classes)
        try:
            table = np.asarray(shares, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                "the shares of the classes are not a table of numbers",
                fix="give a row for each item and a column for each class",
            ) from error
        if names.dtype.kind not in "Uiu" or len(np.unique(names)) != names.size:
            raise DataError(
                f"the classes of soft labels are {names.tolist()!r}",
                fix="give different names, or different columns",
            )
        if table.ndim != 2 or names.ndim != 1 or table.shape[1] != len(names):
            raise DataError(
                f"the shares have shape {table.shape} for {names.size} classes",
                fix="give a row for each item and a column for each class",
            )
        bad = ~np.isfinite(table).all(axis=1) | (table < 0).any(axis=1)
        bad |= ~(np.abs(table.sum(axis=1) - 1) <= _TOLERANCE)
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                f"row {row} of the shares is {table[row].tolist()}",
                fix="shares are at least 0 and sum to one; leave items without any out",
            )
        order = np.argsort(names)
        self.classes = names[order]
        self.shares = (table / table.sum(axis=1, keepdims=True))[:, order]

    @property
    def best(self) -> NDArray[Any]:
        """The class of the largest share of each item, shape (n,)."""
        return np.asarray(self.classes[self.shares.argmax(axis=1)])

    def __len__(self) -> int:
        return len(self.shares)

    def pick(self, rows: ArrayLike) -> SoftLabels:
        """Those of some items."""
        return SoftLabels(self.shares[np.asarray(rows)], self.classes)
