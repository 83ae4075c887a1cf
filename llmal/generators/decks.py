"""Draws that use everything up before anything comes again, each by its own seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from llmal.core.fingerprint import digest
from llmal.core.records import Item
from llmal.generators.protocol import Request


def seed_of(request: Request, what: str) -> int:
    """A seed below 2^31. Answer j is drawn with seed + j, so near seeds would share their draws."""
    raw = f"{request.seed}\0{request.label}\0{what}"
    return int.from_bytes(digest(raw, 4), "big") >> 1


def rng_of(request: Request, what: str) -> np.random.Generator:
    """Random numbers of a request, for one purpose."""
    return np.random.default_rng(seed_of(request, what))


def deal(items: Sequence[Item], size: int, rng: np.random.Generator) -> Iterator[list[Item]]:
    """Hands of `size` different items, or of all where there are fewer, without end."""
    ordered = sorted(items, key=lambda item: item.id)
    if len(ordered) <= size:
        while True:
            yield [ordered[i] for i in rng.permutation(len(ordered))]
    if size == 0:
        while True:
            yield []
    waiting: list[int] = []
    while True:
        if len(waiting) < size:
            fresh = rng.permutation(len(ordered)).tolist()
            # What is left over is dealt first, and not twice in the same hand.
            waiting += sorted(fresh, key=lambda i: i in waiting)
        yield [ordered[i] for i in waiting[:size]]
        del waiting[:size]


class Rotation:
    """Draws values so that each has had its share at any time, up to one draw.

    Of equal weights every value comes once before any comes again, in an order of its own each
    time.

    Args:
        weights: Of each value, above zero.
        rng: Says which comes first of those that are equally far behind.
    """

    def __init__(self, weights: Mapping[str, float], rng: np.random.Generator) -> None:
        self._values = list(weights)
        sizes = np.array(list(weights.values()), dtype=np.float64)
        self._shares = sizes / sizes.sum()
        self._drawn = np.zeros(len(sizes))
        self._rng = rng

    def draw(self) -> str:
        """The value that is furthest behind its share."""
        behind = self._shares * (self._drawn.sum() + 1) - self._drawn
        lots = self._rng.random(len(behind))
        # Rounded, so that equal shares stay equal whatever was added up.
        column = int(np.lexsort((lots, -np.round(behind, 9)))[0])
        self._drawn[column] += 1
        return self._values[column]
