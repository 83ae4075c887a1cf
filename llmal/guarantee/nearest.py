"""The nearest of the labelled items, kept while ever more items are labelled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROWS = 4096
_LABELLED = 256
_EXACT = 2**12
"""Whole numbers up to the square of this are exact in single precision."""
_LOW = 2**32 - 1
_NOTHING = np.iinfo(np.int64).min


class Nearest:
    """For each item the labelled items of the largest cosine, itself left out.

    From one call to the next, only items that are newly labelled are compared. What comes out does
    not depend on what was asked before: vectors are rounded to a grid on which single precision
    makes no error, whatever the order of its sums, and ties go to the item that comes first.

    Args:
        count: How many are kept for each item.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._embeddings: NDArray[np.float32] | None = None
        self._vectors = np.zeros((0, 0), dtype=np.float32)
        self._known = np.zeros(0, dtype=np.bool_)
        # The cosine on the grid above 32 bits that say which item; sorted as they are wanted.
        self._best = np.zeros((0, count), dtype=np.int64)

    def among(
        self, embeddings: NDArray[np.float32], labelled: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Positions and cosines of the nearest of the labelled items, the nearest first.

        Args:
            embeddings: Of all items, shape (N, d).
            labelled: Positions, at least two of them.

        Returns:
            Both of shape (N, k), k at most `count` and at most one less than there are labelled
            items.
        """
        is_labelled = np.zeros(len(embeddings), dtype=np.bool_)
        is_labelled[labelled] = True
        if not self._is_of(embeddings) or (self._known & ~is_labelled).any():
            self._begin(embeddings)
        new = np.flatnonzero(is_labelled & ~self._known)
        for start in range(0, len(new), _LABELLED):
            for row in range(0, len(embeddings), _ROWS):
                self._compare(slice(row, row + _ROWS), new[start : start + _LABELLED])
        self._known = is_labelled
        best = self._best[:, : min(self._count, len(labelled) - 1)]
        return _LOW - (best & _LOW), (best >> 32) / float(self._scale) ** 2

    @property
    def _scale(self) -> int:
        """The length of the vectors on the grid; rounding adds half a step in each dimension."""
        return _EXACT - int(np.ceil(np.sqrt(self._vectors.shape[1]) / 2))

    def _is_of(self, embeddings: NDArray[np.float32]) -> bool:
        before = self._embeddings
        return before is not None and (before is embeddings or np.array_equal(before, embeddings))

    def _begin(self, embeddings: NDArray[np.float32]) -> None:
        vectors = np.asarray(embeddings, dtype=np.float32)
        self._embeddings = self._vectors = vectors
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        self._vectors = np.rint(vectors / lengths * self._scale)
        self._known = np.zeros(len(vectors), dtype=np.bool_)
        self._best = np.full((len(vectors), self._count), _NOTHING)

    def _compare(self, rows: slice, labelled: NDArray[np.int64]) -> None:
        """Take those among some labelled items that are nearer than what was the nearest."""
        best = self._best[rows]
        cosines = self._vectors[rows] @ self._vectors[labelled].T
        first, last = rows.start, rows.start + len(cosines)
        own = np.flatnonzero((labelled >= first) & (labelled < last))
        cosines[labelled[own] - first, own] = -np.inf
        near, which = np.nonzero(cosines >= (best[:, -1:] >> 32).astype(np.float32))
        changed, starts, counts = np.unique(near, return_index=True, return_counts=True)
        if not len(changed):
            return
        found = cosines[near, which].astype(np.int64) * (_LOW + 1) + (_LOW - labelled[which])
        wider = np.full((len(changed), self._count + int(counts.max())), _NOTHING)
        wider[:, : self._count] = best[changed]
        place = self._count + np.arange(len(near)) - np.repeat(starts, counts)
        wider[np.repeat(np.arange(len(changed)), counts), place] = found
        # `best` is a part of what is kept.
        best[changed] = np.sort(wider, axis=1)[:, ::-1][:, : self._count]
