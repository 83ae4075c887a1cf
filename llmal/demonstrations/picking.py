"""From scores to the chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.core.records import Item


def highest(
    items: Sequence[Item],
    scores: ArrayLike,
    k: int,
    rng: np.random.Generator,
    *,
    balance: bool = False,
) -> list[Item]:
    """The k items of the highest scores, best first; equal scores in random order.

    Args:
        items: n items, in an order that does not depend on the caller's.
        scores: Shape (n,), no NaN.
        k: How many.
        rng: Breaks ties.
        balance: Take the best of each label, then the second best of each, and so on; where the
            last turn is not whole, the best of it. The labels stand in no fixed order: the chosen
            are sorted by score.
    """
    values = np.asarray(scores, dtype=np.float64)
    lots = rng.random(len(items))
    by_score = np.lexsort((lots, -values))
    if balance:
        _, labels = np.unique([item.gold for item in items], return_inverse=True)
        turns = turns_of(labels[by_score])
        by_score = by_score[np.lexsort((np.arange(len(items)), turns))[:k]]
        by_score = by_score[np.lexsort((lots[by_score], -values[by_score]))]
    return [items[i] for i in by_score[:k]]


def turns_of(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each place of a ranking how many of the same label stand before it, shape (n,)."""
    by_label = np.argsort(labels, kind="stable")
    grouped = labels[by_label]
    starts = np.flatnonzero(np.r_[True, grouped[1:] != grouped[:-1]])[: len(grouped)]
    sizes = np.diff(np.r_[starts, len(grouped)])
    turns = np.empty(len(labels), dtype=np.int64)
    turns[by_label] = np.arange(len(labels)) - np.repeat(starts, sizes)
    return turns
