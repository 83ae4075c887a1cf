"""Hypergeometric probabilities of whole arrays, fast enough for pools of a million."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

Array = NDArray[np.float64]


def log_choose(n: ArrayLike, k: ArrayLike) -> Array:
    """The logarithm of n over k; minus infinity where k < 0 or k > n.

    Whole numbers; the arrays are broadcast.
    """
    n, k = np.asarray(n, dtype=np.int64), np.asarray(k, dtype=np.int64)
    possible = (k >= 0) & (k <= n)
    within = np.where(possible, k, 0)
    table = _log_factorials(int(n.max(initial=0)))
    value = table[np.maximum(n, 0)] - table[within] - table[np.where(possible, n - within, 0)]
    return np.asarray(np.where(possible, value, -np.inf))


def log_pmf(hits: ArrayLike, size: ArrayLike, marked: ArrayLike, draws: ArrayLike) -> Array:
    """The logarithm of the probability to hit `hits` marked items with `draws` of `size` in all.

    Draws are without replacement. The arrays are broadcast.
    """
    hits, size, marked, draws = (np.asarray(x, dtype=np.int64) for x in (hits, size, marked, draws))
    chosen = log_choose(marked, hits) + log_choose(size - marked, draws - hits)
    return np.asarray(chosen - log_choose(size, draws))


def pmf(hits: ArrayLike, size: ArrayLike, marked: ArrayLike, draws: ArrayLike) -> Array:
    """The probability itself; see `log_pmf`."""
    return np.asarray(np.exp(log_pmf(hits, size, marked, draws)))


def cdf(hits: int, size: int, marked: int, draws: int) -> float:
    """The probability that at most `hits` are hit."""
    if hits < 0:
        return 0.0
    if hits >= min(marked, draws):
        return 1.0
    possible = np.arange(max(0, draws + marked - size), hits + 1)
    return float(min(1.0, pmf(possible, size, marked, draws).sum()))


def _log_factorials(highest: int) -> Array:
    """The logarithms of 0!, 1!, … at least up to `highest`!, for quick look-ups."""
    return _table(1 << highest.bit_length())


@lru_cache(maxsize=24)
def _table(size: int) -> Array:
    return np.asarray(gammaln(np.arange(1.0, size + 2)))


def log_cdf_above(hits: ArrayLike, size: int, marked: int, draws: ArrayLike) -> Array:
    """The logarithm of the probability that more than `hits` are hit; arrays are broadcast."""
    hits, draws = np.asarray(hits, dtype=np.int64), np.asarray(draws, dtype=np.int64)
    numbers, where = np.unique(draws, return_inverse=True)
    up_to = np.arange(int(hits.max(initial=0)) + 1)
    below = np.cumsum(pmf(up_to[:, None], size, marked, numbers[None, :]), axis=0)
    with np.errstate(divide="ignore"):
        above = np.log1p(-np.minimum(below[hits, where.reshape(draws.shape)], 1.0))
    return np.asarray(above)
