"""How many audited errors may be passed at each look, so that all looks together rarely err."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from math import log, sqrt

import numpy as np

from llmal.errors import ConfigError
from llmal.guarantee.hypergeometric import cdf, pmf

NO_COUNT = -1
"""The critical count of a look at which nothing can be accepted."""
_LOST = 1e-15
_ROUNDING = 1 + 1e-9
"""Probabilities that are equal to alpha but for rounding may be spent."""
_BISECTIONS = 12


def critical_counts(rest: int, allowed: int, looks: Sequence[int], alpha: float) -> tuple[int, ...]:
    """How many audited errors each look may pass on its walk down the order.

    At look l the walk goes down to the (c_l + 1)-th audited error; what is above may stay. It errs
    only if at most c_l of the first D_l = allowed + c_l + 1 wrong items are among the n_l audited
    ones. The counts are chosen so that the probability that any look errs is at most `alpha`,
    computed exactly (`probability_of_union`): by one common level for all looks, and then one by
    one, the last look first, as far as `alpha` reaches.

    Args:
        rest: M, how many items no person has labelled.
        allowed: B, how many of their labels may be wrong.
        looks: How many items have been audited at each look, rising.
        alpha: The probability that may be spent.

    Returns:
        One count a look, never falling. `NO_COUNT` (-1) where nothing can be accepted; the size of
        the look itself where all may stay, whatever the audit shows.

    Raises:
        ConfigError: The looks do not rise, or are no part of the rest.
    """
    return _critical_counts(int(rest), int(allowed), _checked(rest, looks), float(alpha))


def bonferroni_counts(
    rest: int, allowed: int, looks: Sequence[int], alpha: float
) -> tuple[int, ...]:
    """As `critical_counts`, with an equal share of `alpha` for each look: simple, and smaller."""
    sizes = _checked(rest, looks)
    return tuple(_count_at_level(rest, allowed, size, alpha / len(sizes)) for size in sizes)


def fewest_audited(rest: int, allowed: int, alpha: float) -> int:
    """How many items have to be audited, so that a single look could accept anything at all.

    An audit without an error must be too unlikely where one more than `allowed` are wrong.
    """
    if rest <= allowed:
        return 0
    low, high = 0, rest - allowed
    while high - low > 1:
        middle = (low + high) // 2
        enough = cdf(0, rest, allowed + 1, middle) <= alpha * _ROUNDING
        low, high = (low, middle) if enough else (middle, high)
    return high


def probability_of_union(
    rest: int, allowed: int, looks: Sequence[int], counts: Sequence[int]
) -> float:
    """The probability that at any look at most c_l of the first D_l wrong items are audited.

    How many of the first D wrong items are audited is a Markov chain over the looks: at the next
    look, new draws hit some of the wrong items that were not audited yet, and then some of the
    wrong items that join the first D have been audited. Both are hypergeometric. The chain is
    followed where no look has erred yet. Counts must not fall.
    """
    steps = [
        (size, count)
        for size, count in zip(looks, counts, strict=True)
        if count != NO_COUNT and count < size and not _all_may_stay(rest, allowed, size)
    ]
    if not steps:
        return 0.0
    size, count = steps[0]
    wrong, last = allowed + count + 1, steps[-1][1]
    erred = cdf(count, rest, wrong, size)
    # More than the last count among fewer wrong items can never become an error later.
    bottom, top, lost = _likely(rest, wrong, size, last)
    states = np.arange(max(bottom, count + 1), top + 1)
    erred += lost
    weights = pmf(states, rest, wrong, size)
    for next_size, next_count in steps[1:]:
        next_wrong = allowed + next_count + 1
        bottom, top, lost = _likely(rest, next_wrong, next_size, last)
        reached = np.arange(max(bottom, count + 1), top + 1)
        hits = reached[None, :] - states[:, None]
        weights = weights @ pmf(hits, rest - size, wrong - states[:, None], next_size - size)
        joining = reached[None, :] - reached[:, None]
        weights = weights @ pmf(
            joining, rest - wrong, next_size - reached[:, None], next_wrong - wrong
        )
        inside = reached <= next_count
        erred += float(weights[inside].sum()) + lost
        states, weights = reached[~inside], weights[~inside]
        size, wrong, count = next_size, next_wrong, next_count
    return min(1.0, erred)


@lru_cache(maxsize=4096)
def _critical_counts(
    rest: int, allowed: int, looks: tuple[int, ...], alpha: float
) -> tuple[int, ...]:
    counts = _common_level(rest, allowed, looks, alpha)
    for look in reversed(range(len(looks))):
        highest = counts[look + 1] if look + 1 < len(looks) else looks[look] - 1
        while counts[look] < min(highest, rest - allowed - 1, looks[look] - 1):
            raised = [*counts[:look], counts[look] + 1, *counts[look + 1 :]]
            if probability_of_union(rest, allowed, looks, raised) > alpha * _ROUNDING:
                break
            counts = raised
    return tuple(counts)


def _common_level(rest: int, allowed: int, looks: tuple[int, ...], alpha: float) -> list[int]:
    def counts_at(level: float) -> list[int]:
        return [_count_at_level(rest, allowed, size, level) for size in looks]

    if len(looks) == 1:
        return counts_at(alpha)
    low, high, most = alpha / len(looks), alpha, alpha * _ROUNDING
    counts, highest = counts_at(low), counts_at(high)
    for _ in range(_BISECTIONS):
        if counts == highest:
            break
        level = (low + high) / 2
        tried = counts_at(level)
        if tried == counts:
            low = level
        elif tried == highest or probability_of_union(rest, allowed, looks, tried) > most:
            high, highest = level, tried
        else:
            low, counts = level, tried
    return counts


@lru_cache(maxsize=65536)
def _count_at_level(rest: int, allowed: int, size: int, level: float) -> int:
    """The largest count whose probability of an error is at most the level, at this look alone."""
    if _all_may_stay(rest, allowed, size):
        return size
    low, high = NO_COUNT, min(size, rest - allowed)
    while high - low > 1:
        count = (low + high) // 2
        fits = cdf(count, rest, allowed + count + 1, size) <= level * _ROUNDING
        low, high = (count, high) if fits else (low, count)
    return low


def _all_may_stay(rest: int, allowed: int, size: int) -> bool:
    """Whether so few items are not audited that all their labels may be wrong."""
    return rest - size <= allowed


def _likely(rest: int, wrong: int, size: int, last: int) -> tuple[int, int, float]:
    """The states worth following, and what the probability of all others is at most.

    By Bernstein's inequality, which holds for draws without replacement. States above the last
    count can't err any more and are no loss.
    """
    share = wrong / rest
    variance = size * share * (1 - share)
    scale = -log(_LOST)
    reach = scale / 3 + sqrt((scale / 3) ** 2 + 2 * scale * variance)
    bottom, top = int(size * share - reach), int(size * share + reach) + 1
    lost = _LOST * ((bottom > 0) + (top < last))
    return max(bottom, 0), min(top, last), lost


def _checked(rest: int, looks: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in looks)
    if not sizes or sizes[0] < 1 or any(b <= a for a, b in itertools.pairwise(sizes)):
        raise ConfigError(
            f"the looks {sizes} do not rise",
            fix="give how many items have been audited in all at each look, such as (60, 100, 160)",
        )
    if sizes[-1] > rest:
        raise ConfigError(
            f"the last look is at {sizes[-1]} audited items, and only {rest} can be audited",
            fix="plan fewer",
        )
    return sizes
