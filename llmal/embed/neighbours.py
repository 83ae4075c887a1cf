"""Nearest neighbours: exact among unit vectors, and among as many as a pool holds."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.errors import DataError

_log = logging.getLogger("llmal.embed")

_BLOCK = 32_768
"""Vectors in one exact search: enough for BLAS, and 50 MB at 384 dimensions."""

_TRAIN_PER_LIST = 64
_ITERATIONS = 10


def nearest(
    queries: NDArray[np.float32], base: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The k base vectors of largest cosine for each query, nearest first.

    The search is exact (faiss, inner product), not an approximation.

    Args:
        queries: Shape (q, d), L2-normalised.
        base: Shape (n, d), L2-normalised; a memory-map will do.
        k: Neighbours of each query, at most n. A query that is in the base finds itself.

    Returns:
        Euclidean distances, shape (q, k), and rows of the base, shape (q, k). On the unit sphere
        the distance is sqrt(2 - 2 cosine), so both orders are one.

    Raises:
        DataError: Shapes do not fit, or there are fewer than k base vectors.
    """
    _check(queries, base, len(base), k)
    import faiss

    cosines, indices = faiss.knn(
        np.ascontiguousarray(queries, dtype=np.float32),
        np.ascontiguousarray(base, dtype=np.float32),
        k,
        metric=faiss.METRIC_INNER_PRODUCT,
    )
    distances = np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0))
    return np.asarray(distances, dtype=np.float32), np.asarray(indices, dtype=np.int64)


class Neighbours:
    """Euclidean nearest neighbours among rows of a matrix, a memory-map of millions included.

    A search compares every query with every row for as long as that is quick: up to `exact_pairs`
    comparisons, those of earlier searches counted. Beyond, the rows are put once into 2 sqrt(n)
    inverted lists (faiss, IVF), and a search looks at the `probes` lists nearest to the query.
    Distances are exact in both, and so are the neighbours in the first; the lists may miss some.
    Which one was taken is logged. The matrix is read in chunks; only the lists hold a copy.

    Args:
        base: Shape (N, d), finite.
        positions: Shape (n,): the rows to search. None: all.
        seed: For the lists. Same seed and number of threads, same neighbours.
        exact_pairs: Comparisons up to which searches are exact.
        probes: Lists that a search looks at: more find more neighbours, and take longer.
    """

    def __init__(
        self,
        base: NDArray[np.float32],
        positions: NDArray[np.int64] | None = None,
        *,
        seed: int = 0,
        exact_pairs: int = 10_000_000_000,
        probes: int = 32,
    ) -> None:
        self._base = base
        self._positions = np.arange(len(base)) if positions is None else positions
        self._seed = seed
        self._exact_pairs = exact_pairs
        self._probes = probes
        self._compared = 0
        self._lists: Any = None

    def __len__(self) -> int:
        return len(self._positions)

    @property
    def exact(self) -> bool:
        """Whether all searches so far were exact."""
        return self._lists is None

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        positions: NDArray[np.int64] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The k nearest rows for each query, nearest first.

        Args:
            queries: Shape (Q, d); a memory-map will do.
            k: Neighbours of each query, at most n. A query that is among the rows finds itself,
                unless there are k other copies of it.
            positions: Shape (q,): which rows of the queries to search for. None: all.

        Returns:
            Euclidean distances, shape (q, k), and indices into `positions`, shape (q, k).

        Raises:
            DataError: Shapes do not fit, or there are fewer than k rows.
        """
        _check(queries, self._base, len(self), k)
        count = len(queries) if positions is None else len(positions)
        self._compared += count * len(self)
        if self._lists is None and self._compared > self._exact_pairs:
            self._build()
        distances = np.empty((count, k), dtype=np.float32)
        found = np.empty((count, k), dtype=np.int64)
        search = self._compare if self._lists is None else self._look_up
        for start in range(0, count, _BLOCK):
            part = slice(start, start + _BLOCK)
            rows = queries[part if positions is None else positions[part]]
            distances[part], found[part] = search(np.ascontiguousarray(rows, dtype=np.float32), k)
        return distances, found

    def _compare(
        self, queries: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Against every row, in blocks."""
        import faiss

        # Near the origin, the squares that faiss expands lose the least precision.
        centre = self._base[self._positions[:_BLOCK]].mean(axis=0)
        centred = queries - centre
        best = np.empty((len(queries), 0), dtype=np.float32)
        found = np.empty((len(queries), 0), dtype=np.int64)
        for start in range(0, len(self), _BLOCK):
            rows = self._base[self._positions[start : start + _BLOCK]] - centre
            squared, where = faiss.knn(centred, rows, min(k, len(rows)))
            best = np.hstack([best, squared])
            found = np.hstack([found, where + start])
            if best.shape[1] > k:
                kept = np.argsort(best, axis=1, kind="stable")[:, :k]
                best = np.take_along_axis(best, kept, axis=1)
                found = np.take_along_axis(found, kept, axis=1)
        # From the differences: the expansion gives copies a distance above zero.
        distances = np.empty((len(queries), k), dtype=np.float32)
        for part in chunks(len(queries), k * queries.shape[1]):
            apart = self._base[self._positions[found[part]]] - queries[part, None, :]
            distances[part] = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
        order = np.argsort(distances, axis=1, kind="stable")
        return np.take_along_axis(distances, order, 1), np.take_along_axis(found, order, 1)

    def _look_up(
        self, queries: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """In the lists nearest to each query."""
        squared, found = self._lists.search(queries, k)
        distances = np.sqrt(squared)
        short = np.flatnonzero(found[:, -1] < 0)  # the lists it looked at hold fewer than k
        if len(short):
            distances[short], found[short] = self._compare(queries[short], k)
        return distances, found

    def _build(self) -> None:
        import faiss

        n, d = len(self), self._base.shape[1]
        count = int(2 * np.sqrt(n))
        probes = min(self._probes, count)
        _log.info(
            "%d searches among %d vectors: looked up in %d of %d lists (faiss IVF), which may miss "
            "neighbours; up to %d comparisons (exact_pairs) they would be exact",
            self._compared // n,
            n,
            probes,
            count,
            self._exact_pairs,
        )
        self._lists = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, count)
        self._lists.cp.seed = self._seed
        self._lists.cp.niter = _ITERATIONS
        self._lists.cp.min_points_per_centroid = 1
        drawn = np.random.default_rng(self._seed).permutation(n)[: _TRAIN_PER_LIST * count]
        self._lists.train(self._base[np.sort(self._positions[drawn])])
        for start in range(0, n, _BLOCK):
            self._lists.add(self._base[self._positions[start : start + _BLOCK]])
        self._lists.nprobe = probes


def _check(queries: NDArray[np.float32], base: NDArray[np.float32], n: int, k: int) -> None:
    if queries.ndim != 2 or base.ndim != 2 or queries.shape[1] != base.shape[1]:
        raise DataError(
            f"queries of shape {queries.shape} and base of shape {base.shape} do not fit",
            fix="both must be matrices of the same width",
        )
    if not 1 <= k <= n:
        raise DataError(
            f"{k} neighbours were asked for among {n} vectors",
            fix="ask for at least one and at most as many as there are",
        )
