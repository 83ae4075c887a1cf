"""Exact nearest neighbours among unit vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from llmal.errors import DataError


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
    if queries.ndim != 2 or base.ndim != 2 or queries.shape[1] != base.shape[1]:
        raise DataError(
            f"queries of shape {queries.shape} and base of shape {base.shape} do not fit",
            fix="both must be matrices of the same width",
        )
    if not 1 <= k <= len(base):
        raise DataError(
            f"{k} neighbours were asked for among {len(base)} vectors",
            fix="ask for at least one and at most as many as there are",
        )
    import faiss

    cosines, indices = faiss.knn(
        np.ascontiguousarray(queries, dtype=np.float32),
        np.ascontiguousarray(base, dtype=np.float32),
        k,
        metric=faiss.METRIC_INNER_PRODUCT,
    )
    distances = np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0))
    return np.asarray(distances, dtype=np.float32), np.asarray(indices, dtype=np.int64)
