"""What an audit in looks says: which labels may stay, and whether to look on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.certificate import Certificate
from llmal.guarantee.frozen import Frozen
from llmal.guarantee.nested_looks import critical_counts


@dataclass(frozen=True, eq=False)
class MoreLooks:
    """What is to be audited next.

    Attributes:
        positions: In order of draw.
        look: Which look they complete, from 0.
        reason: Why it pays to look on, in words.
    """

    positions: NDArray[np.int64]
    look: int
    reason: str


@dataclass(frozen=True)
class _Look:
    """One completed look.

    Attributes:
        kept: Of the most trusted labels, how many stay.
        saved: How many of these were not audited.
    """

    kept: int
    saved: int


def allowed_errors(items: int, epsilon: float) -> int:
    """How many of the delivered labels may be wrong: the whole part of ε·N."""
    return math.floor(epsilon * items + 1e-9)


def judge(frozen: Frozen, wrong: NDArray[np.bool_]) -> MoreLooks | Certificate:
    """Look on while later looks promise that more labels stay; else say which stay.

    Args:
        frozen: What is audited.
        wrong: Whether the labels of `frozen.drawn()[:m]` are wrong, in that order.
    """
    rest = len(frozen.order)
    allowed = allowed_errors(frozen.items, frozen.epsilon)
    if rest <= allowed:
        return _certificate(frozen, wrong, allowed, (), (), rest)
    rank = np.empty(frozen.items, dtype=np.int64)
    rank[frozen.order] = np.arange(rest)
    ranks = rank[frozen.drawn()]
    counts = critical_counts(rest, allowed, frozen.looks, frozen.alpha)
    looks = [
        _look(ranks[:size], wrong[:size], count, rest)
        for size, count in zip(frozen.looks, counts, strict=True)
        if size <= len(wrong)
    ]
    kept = max((one.kept for one in looks), default=0)
    done = len(looks)
    if done == len(frozen.looks):
        return _certificate(frozen, wrong, allowed, counts, looks, kept)
    audited = int((ranks[: len(wrong)] < kept).sum())
    promised = _promised(frozen, wrong, counts, done)
    if done and kept - audited >= promised:
        return _certificate(frozen, wrong, allowed, counts, looks, kept)
    reason = (
        f"after {len(wrong)} audited items {kept - audited} labels may stay without a person; "
        f"more looks promise {promised:.0f}"
        if done
        else "the first look needs them"
    )
    return MoreLooks(frozen.drawn()[len(wrong) : frozen.looks[done]], done, reason)


def _look(ranks: NDArray[np.int64], wrong: NDArray[np.bool_], count: int, rest: int) -> _Look:
    """Walk down to the audited error after as many as are allowed; what is above stays."""
    if count < 0:
        return _Look(0, 0)
    errors = np.sort(ranks[wrong])
    kept = rest if len(errors) <= count else int(errors[count])
    return _Look(kept, kept - int((ranks < kept).sum()))


def _promised(
    frozen: Frozen, wrong: NDArray[np.bool_], counts: tuple[int, ...], done: int
) -> float:
    """How many labels the best of the later looks would leave, by what was seen so far."""
    rest = len(frozen.order)
    rank = np.empty(frozen.items, dtype=np.int64)
    rank[frozen.order] = np.arange(rest)
    predicted = frozen.probability_wrong[rank[frozen.drawn()[: len(wrong)]]].sum()
    # Three of each more, so that a few errors more or less than predicted change little.
    expected = np.cumsum(frozen.probability_wrong) * (wrong.sum() + 3) / (predicted + 3)
    best = 0.0
    for size, count in zip(frozen.looks[done:], counts[done:], strict=True):
        if count < 0:
            continue
        kept = int(np.searchsorted(expected * size / rest, count + 1, side="left"))
        best = max(best, kept * (1 - size / rest))
    return best


def _certificate(
    frozen: Frozen,
    wrong: NDArray[np.bool_],
    allowed: int,
    counts: tuple[int, ...],
    looks: list[_Look] | tuple[()],
    kept: int,
) -> Certificate:
    drawn = frozen.drawn()[: len(wrong)]
    rest = frozen.order[kept:]
    to_people = rest[~np.isin(rest, drawn)]
    stays = frozen.items - len(to_people)
    return Certificate(
        mode="pool_error",
        accepted=frozen.order[:kept],
        to_people=to_people,
        holds=kept > 0,
        epsilon=frozen.epsilon,
        alpha=frozen.alpha,
        items=frozen.items,
        audited=len(wrong),
        wrong=int(wrong.sum()),
        promise=(
            f"With a probability of at least {1 - frozen.alpha:g}, at most {allowed} of the "
            f"{frozen.items} delivered labels (a share of {frozen.epsilon:g}) differ from what "
            "the person of record would say, once people have labelled the "
            f"{len(to_people)} items that go to them; {stays} have their labels already."
        ),
        details={
            "critical_counts": list(counts),
            "looks": list(frozen.looks),
            "kept": [one.kept for one in looks],
        },
    )
