"""An audit as it may go: what the rule would let stay of a pool that is as it is believed to be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.doubt import Doubt
from llmal.guarantee.hypergeometric import cdf
from llmal.guarantee.nested_looks import NO_COUNT, critical_counts
from llmal.guarantee.pool_error import walk

_FINE = 200
"""Sizes are told apart by a part in so many, so that critical counts need not be found again."""
_KEPT = 1000


@dataclass(frozen=True)
class Audited:
    """How an audit went.

    Attributes:
        audited: Items that were audited.
        saved: Items that need no person.
    """

    audited: int
    saved: int


def simulate_audit(
    belief: Doubt,
    truth: Doubt,
    allowed: int,
    looks: tuple[int, ...],
    alpha: float,
    rng: np.random.Generator,
) -> Audited:
    """One audit: uniform draws, errors where the truth has them, and the rule's looks.

    Args:
        belief: What was expected when the looks were planned, in the order of the walk.
        truth: How likely labels are wrong at each place of that order: as `belief`, with other
            shares.
        allowed: How many wrong labels may stay.
        looks: How many items have been audited at each look.
        alpha: With what probability the promise may fail.
        rng: Draws the audit and the errors.
    """
    rest = round(float(belief.counts.sum()))
    if rest <= allowed or not looks:
        return Audited(0, rest if rest <= allowed else 0)
    ranks = rng.choice(rest, looks[-1], replace=False).astype(np.int64)
    wrong = rng.random(len(ranks)) < truth.wrong_at(ranks)
    return play(belief, ranks, wrong, allowed, looks, near_counts(rest, allowed, looks, alpha))


def play(
    belief: Doubt,
    ranks: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    allowed: int,
    looks: tuple[int, ...],
    counts: tuple[int, ...],
) -> Audited:
    """Go through the looks of one audit as `judge` does, and stop where it would.

    Args:
        belief: What was expected.
        ranks: Places of what is drawn, in order of draw, for all looks.
        wrong: Which of it is wrong.
        allowed: How many wrong labels may stay.
        looks: How many items have been audited at each look.
        counts: How many audited errors each look may pass.
    """
    rest = round(float(belief.counts.sum()))
    predicted = belief.wrong_at(ranks)
    kept = saved = 0
    for done, (size, count) in enumerate(zip(looks, counts, strict=True), start=1):
        kept = max(kept, walk(ranks[:size], wrong[:size], count, rest))
        if count != NO_COUNT:
            kept = max(kept, _without_audit(ranks[:size], allowed, rest))
        saved = kept - int((ranks[:size] < kept).sum())
        scale = (float(wrong[:size].sum()) + 3) / (float(predicted[:size].sum()) + 3)
        promised = 0.0
        for later, most in zip(looks[done:], counts[done:], strict=True):
            if most != NO_COUNT:
                reached = belief.reached(most + 1, scale * later / rest)
                promised = max(promised, reached * (1 - later / rest))
        if saved >= promised:
            return Audited(size, saved)
    return Audited(looks[-1], saved)


def _without_audit(audited: NDArray[np.int64], allowed: int, rest: int) -> int:
    """How far the order goes on while no more than `allowed` in it have not been audited."""
    before = np.sort(audited) - np.arange(len(audited))
    return min(rest, allowed + int((before <= allowed).sum()))


def near_counts(rest: int, allowed: int, looks: tuple[int, ...], alpha: float) -> tuple[int, ...]:
    """Critical counts within one or so of `critical_counts`, in a hundredth of its time.

    The rule itself is asked once for each number of allowed errors: at which level each look alone
    would have the counts that it gives. Other audits are counted at that level.
    """
    if rest - looks[-1] <= allowed or len(looks) == 1:
        return critical_counts(rest, allowed, looks, alpha)
    level = _level(allowed, alpha, rest, looks)
    fine = max(1, rest // _FINE)
    about = max(rest - rest % fine, looks[-1])
    found: list[int] = []
    for size in looks:
        step = max(1, size // _FINE)
        count = _count(about, allowed, size - size % step, level)
        found.append(max([count, *found[-1:]]))
    return tuple(found)


_LEVELS: dict[tuple[int, float, int], float] = {}


def _level(allowed: int, alpha: float, rest: int, looks: tuple[int, ...]) -> float:
    key = (allowed, alpha, len(looks))
    if key not in _LEVELS:
        exact = np.array(critical_counts(rest, allowed, looks, alpha))
        tried = np.geomspace(alpha / len(looks), alpha, 9)
        off = [
            np.abs([_count(rest, allowed, size, level) for size in looks] - exact).sum()
            for level in tried
        ]
        best = np.flatnonzero(np.array(off) == min(off))
        if len(_LEVELS) > _KEPT:
            _LEVELS.clear()
        _LEVELS[key] = float(tried[best[len(best) // 2]])
    return _LEVELS[key]


@lru_cache(maxsize=65536)
def _count(rest: int, allowed: int, size: int, level: float) -> int:
    low, high = NO_COUNT, min(size, rest - allowed)
    while high - low > 1:
        count = (low + high) // 2
        fits = cdf(count, rest, allowed + count + 1, size) <= level
        low, high = (count, high) if fits else (low, count)
    return low
