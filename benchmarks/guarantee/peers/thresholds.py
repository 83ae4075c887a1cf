"""Thresholds on a score: with a bound for each of several, without any, and in hindsight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from .people import People, first_positions

THRESHOLDS = 20


def clopper_pearson_above(errors: int, count: int, alpha: float) -> float:
    """The upper bound of a share of errors at one-sided level alpha."""
    return 1.0 if errors >= count else float(beta.isf(alpha, errors + 1, count - errors))


def bonferroni(
    people: People,
    order: NDArray[np.int64],
    audited: NDArray[np.int64],
    *,
    epsilon: float,
    alpha: float,
    thresholds: int = THRESHOLDS,
) -> NDArray[np.bool_]:
    """Which labels of the machine stay, by Clopper-Pearson at alpha / thresholds for each of them.

    The promise is on the pool, and what the audit corrected counts as right, as in llmal's rule.

    Args:
        people: Whom to ask.
        order: Positions from the surest to the least sure, ties broken.
        audited: Positions drawn uniformly without replacement, shape (m,).
        epsilon: The share of wrong labels that is allowed.
        alpha: With what probability the promise may fail.
        thresholds: How many equally spaced ranks are looked at.
    """
    total = len(people)
    rank = np.empty(total, dtype=np.int64)
    rank[order] = np.arange(total)
    wrong, ranks = people.judge(audited), rank[audited]
    best = 0
    for part in range(1, thresholds + 1):
        size = total * part // thresholds
        inside = ranks < size
        errors = int(wrong[inside].sum())
        share = clopper_pearson_above(errors, int(inside.sum()), alpha / thresholds)
        if share * size - errors <= epsilon * total:
            best = size
    mask = first_positions(order, best, total)
    people.judge(np.flatnonzero(~mask))
    return mask & ~people.asked


def in_hindsight(order: NDArray[np.int64], wrong: NDArray[np.bool_], epsilon: float) -> int:
    """How many of the surest labels could stay if all errors were known.

    The most for which wrong labels are at most epsilon of the whole pool.
    """
    allowed = int(np.floor(epsilon * len(wrong) + 1e-9))
    return int(np.searchsorted(np.cumsum(wrong[order]), allowed, side="right"))
