"""After how many draws, with how many errors, a beginning of an order is good enough."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.hypergeometric import pmf

_ROUNDING = 1 + 1e-9
"""Probabilities that are equal to alpha but for rounding may be spent."""
_BISECTIONS = 12


@lru_cache(maxsize=4096)
def passing_times(size: int, allowed: int, most: int, alpha: float) -> tuple[int, ...]:
    """After how many draws 0, 1, 2, … errors pass, if one may look after every draw.

    A beginning of `size` items is drawn from without replacement. It passes as soon as for some j
    at most j of its first t_j draws are wrong. If more than `allowed` of its items are wrong, that
    ever happens with a probability of at most `alpha`: computed exactly (`passing_probability`) for
    allowed + 1 wrong ones, and more wrong ones make it rarer. The times are those of one common
    level, found by bisection: t_j is the first time at which j errors or fewer are no more likely
    than the level.

    Args:
        size: How many items the beginning has.
        allowed: How many of them may be wrong.
        most: How many draws there are at most.
        alpha: With what probability one with more wrong items may pass.

    Returns:
        The times, rising; (0,) where all may be wrong, and none where it cannot pass.
    """
    if allowed >= size:
        return (0,)
    if most < 1:
        return ()
    table = _tails(size, allowed + 1, min(most, size))
    # One level for each of the times spends no more than alpha in all, whatever it is.
    low, high = alpha / len(table), alpha
    times = _times_at(table, low)
    for _ in range(_BISECTIONS):
        level = float(np.sqrt(low * high))
        tried = _times_at(table, level)
        if passing_probability(size, allowed + 1, tried) > alpha * _ROUNDING:
            high = level
        else:
            low, times = level, tried
    return times


def passing_probability(size: int, wrong: int, times: tuple[int, ...]) -> float:
    """With what probability a beginning ever passes, `wrong` of its items being wrong.

    The number of errors is followed draw by draw, where it has not passed yet.

    Args:
        size: How many items it has.
        wrong: How many of them are.
        times: After how many draws 0, 1, 2, … errors pass, rising.
    """
    errors = np.arange(len(times))
    weights = np.zeros(len(times))
    weights[:1] = 1.0
    passed, drawn = 0.0, 0
    for count, time in enumerate(times):
        for draw in range(drawn, time):
            hit = weights * np.clip((wrong - errors) / (size - draw), 0.0, 1.0)
            # More errors than the last count never pass, and are left out.
            weights = weights - hit
            weights[1:] += hit[:-1]
        drawn = time
        passed += float(weights[: count + 1].sum())
        weights[: count + 1] = 0.0
    return min(1.0, passed)


def _times_at(table: NDArray[np.float64], level: float) -> tuple[int, ...]:
    """The first draws after which 0, 1, 2, … errors are no more likely than the level."""
    reached = table <= level * _ROUNDING
    some = np.logical_and.accumulate(reached[:, -1])
    return tuple((reached[some].argmax(axis=1) + 1).tolist())


@lru_cache(maxsize=64)
def _tails(size: int, wrong: int, most: int) -> NDArray[np.float64]:
    """The probability of at most j errors after t draws: a row for each j, t = 1 … `most`."""
    # After more draws than these j errors are expected: they are no evidence.
    counts = min(wrong, most * wrong // size + 1)
    errors, draws = np.arange(counts)[:, None], np.arange(1, most + 1)[None, :]
    return np.asarray(np.cumsum(pmf(errors, size, wrong, draws), axis=0))
