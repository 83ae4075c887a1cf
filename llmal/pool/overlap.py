"""Which items of a pool are in a test set too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item
from llmal.core.words import counted
from llmal.pool.minhash import LikelyPairs, jaccard, sign
from llmal.pool.pool import Pool
from llmal.pool.text_keys import text_key

NEAR = 0.85
"""Jaccard index of their five-grams from which two texts are nearly the same."""

_CHUNK = 8_192
_LOOKED_AT = 3


@dataclass(frozen=True)
class Overlap:
    """The items of a pool that stand in a test set as well.

    Attributes:
        positions: Shape (n,): their positions in the pool, ascending.
        same: How many have a text of the test set, whatever its case, white space and Unicode form.
        near: How many others have nearly one.
        ids: How many of all these have also the id of the item that they repeat.
        other_texts: Ids of the test set, plain numbers apart, that stand in the pool for another
            text. Those items are not in `positions`: ids that count the rows of a file are the same
            in any two files.
        example: Where the first one stands in the pool, and where in the test set.
    """

    positions: NDArray[np.int64]
    same: int = 0
    near: int = 0
    ids: int = 0
    other_texts: int = 0
    example: tuple[str, str] | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def sentences(self, consequence: str) -> list[str]:
        """What a person should know of it; nothing where there is no overlap.

        Args:
            consequence: What is done about the items.
        """
        found = []
        if self.example is not None:
            here, there = self.example
            count = counted(len(self), "item of the pool is", "items of the pool are")
            found.append(
                f"{count} in the test set too ({self.same} with the same text, {self.near} with "
                f"nearly the same, {self.ids} with the same id), first at {here} and {there}; "
                f"{consequence}"
            )
        if self.other_texts:
            found.append(
                f"ids that stand in the test set and, for other texts, in the pool: "
                f"{self.other_texts}; they are taken to name different items"
            )
        return found


def find_overlap(pool: Pool, test: Pool) -> Overlap:
    """Find the items of a pool that are in a test set.

    Two texts are nearly the same if in each text column they share 85 in 100 of their character
    five-grams (Jaccard index; letters and digits alone count). Candidates are found by min-wise
    hashing: of pairs at the limit one in ten thousand is missed. Memory is bounded by about 700
    bytes an item of the test set.
    """
    keys = np.array([text_key(text) for text in test.texts()], dtype=np.uint64)
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    pairs = LikelyPairs(sign(test.texts()))
    test_ids = dict(zip(test.ids(), range(len(test)), strict=True))
    positions: list[int] = []
    partners: list[int] = []
    same = near = ids = other_texts = 0
    start = 0
    for items in pool.map_batches(list, _CHUNK):
        found: dict[int, int] = {}
        asked = np.array([text_key(item.text) for item in items], dtype=np.uint64)
        slots = np.searchsorted(ranked, asked)
        inside = slots < len(ranked)
        inside[inside] = ranked[slots[inside]] == asked[inside]
        for row in np.flatnonzero(inside):
            found[int(row)] = int(order[slots[row]])
        same += len(found)
        rest = [row for row in range(len(items)) if row not in found]
        signed = sign([items[row].text for row in rest])
        for place, likely in pairs.of(signed, NEAR):
            row = rest[place]
            for other in likely[:_LOOKED_AT]:
                if _nearly(items[row], test[other]):
                    found[row] = other
                    near += 1
                    break
        for row, item in enumerate(items):
            known = test_ids.get(item.id)
            if row in found:
                ids += known is not None
            elif known is not None and not item.id.isdecimal():
                other_texts += 1
        positions += [start + row for row in sorted(found)]
        partners += [found[row] for row in sorted(found)]
        start += len(items)
    example = (pool.where(positions[0]), test.where(partners[0])) if positions else None
    return Overlap(np.array(positions, dtype=np.int64), same, near, ids, other_texts, example)


def _nearly(item: Item, other: Item) -> bool:
    """Whether every text column of two items is nearly the same."""
    columns = zip(item.fields.values(), other.fields.values(), strict=True)
    return all(jaccard(one, another) >= NEAR for one, another in columns)
