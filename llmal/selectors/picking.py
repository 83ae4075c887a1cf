"""From utilities to picks: what every selector does first and last."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.embed.clustering import Clusters
from llmal.errors import SelectionError
from llmal.selectors.checks import check_count
from llmal.selectors.protocol import Selection, Utilities
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState


def check_request(state: RoundState, k: int, name: str, requires: frozenset[Signal]) -> int:
    """Give k as an int, once it is clear that the round can give k items and has the signals.

    Raises:
        SelectionError: It cannot, or has not.
    """
    count = check_count(k, len(state.unlabelled))
    state.need(requires, name)
    return count


def highest(scores: NDArray[Any], k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of the k highest scores, best first; equal scores in random order.

    A tie at the k-th place is drawn, too: no item is ahead for standing earlier in the pool.
    O(n) for n scores, of which none may be NaN.
    """
    if k < len(scores):
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        above = np.flatnonzero(scores > threshold)
        tied = np.flatnonzero(scores == threshold)
        drawn = rng.choice(tied, size=k - len(above), replace=False)
        chosen = np.concatenate([above, drawn])
    else:
        chosen = np.arange(len(scores))
    order = np.lexsort((rng.random(len(chosen)), -scores[chosen]))
    return np.asarray(chosen[order], dtype=np.int64)


def best_of_each(
    groups: NDArray[np.int64], values: NDArray[Any], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The row of the highest value in each group that has one, by group; among equals one drawn.

    Args:
        groups: Shape (n,): the group of each row, from zero.
        values: Shape (n,).
        rng: Draws among equals.
    """
    best = np.full(int(groups.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(best, groups, values)
    level = rng.permutation(np.flatnonzero(values == best[groups]))
    # `unique` keeps the first of each group, which the permutation has made a random one.
    return np.asarray(level[np.unique(groups[level], return_index=True)[1]])


def most_central(clusters: Clusters, rng: np.random.Generator) -> NDArray[np.int64]:
    """The row nearest to the centre of each cluster that has one, those of large ones first."""
    central = best_of_each(clusters.of, -clusters.squared, rng)
    return central[highest(clusters.sizes[clusters.of[central]], len(central), rng)]


def most_useful(
    state: RoundState, utilities: Utilities, k: int, rng: np.random.Generator
) -> Selection:
    """The k unlabelled items of the highest utility.

    Raises:
        SelectionError: A utility is not a number.
    """
    values = np.asarray(utilities.values, dtype=np.float64)
    unusable = np.isnan(values)
    if unusable.any():
        position = state.unlabelled[int(unusable.argmax())]
        raise SelectionError(f"the utility of item {position} is not a number")
    rows = highest(values, k, rng)
    why = [utilities.why(row) for row in rows.tolist()]
    return Selection(state.unlabelled[rows], values[rows], why, utilities.usage)
