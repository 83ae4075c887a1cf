"""Finding ids and repeated texts among millions of rows through sorted hashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import digest, frame

Positions = NDArray[np.int64]
ReadIds = Callable[[Positions], list[str]]

_BATCH = 65_536


def hash_id(id: str) -> int:
    """64 bits of a hash of an id."""
    return int.from_bytes(digest(id.encode(), 8), "little")


def text_hash(texts: Sequence[bytes]) -> tuple[int, int]:
    """Twice 64 bits of a hash of the texts of a row, in UTF-8."""
    raw = digest(frame(texts))
    return int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big")


def content_id(high: int, number: int = 1) -> str:
    """The id of a row without one: half of the hash of its text, then -2, -3 ... for repeats.

    Args:
        high: 64 bits of the hash of the text.
        number: The how-manieth row of that hash it is, from 1.
    """
    return f"{high:016x}" if number == 1 else f"{high:016x}-{number}"


def content_ids(texts: Iterable[str]) -> Iterator[str]:
    """The ids that a pool of one text column gives to texts without any."""
    seen: Counter[int] = Counter()
    for text in texts:
        high, _ = text_hash([text.encode()])
        seen[high] += 1
        yield content_id(high, seen[high])


@dataclass(frozen=True)
class IdIndex:
    """Where each id stands: two arrays in place of a dictionary of strings.

    Different ids may share a hash, so every hit is compared with the id itself.

    Attributes:
        hashes: Shape (N,): hashes of the ids, ascending.
        order: Shape (N,): the position that each hash belongs to.
    """

    hashes: NDArray[np.uint64]
    order: Positions

    @classmethod
    def build(cls, hashes: NDArray[np.uint64]) -> IdIndex:
        """Sort the hashes of N ids, given in the order of their positions."""
        order = np.argsort(hashes, kind="stable")
        return cls(hashes[order], order)

    def find(self, ids: Sequence[str], read: ReadIds) -> Positions:
        """Shape (n,): the position of each id, -1 for one that is not there.

        Args:
            ids: Ids to look up.
            read: Gives the ids at positions.
        """
        found = np.full(len(ids), -1, dtype=np.int64)
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            wanted = np.fromiter((hash_id(one) for one in part), dtype=np.uint64, count=len(part))
            left = np.searchsorted(self.hashes, wanted, side="left")
            right = np.searchsorted(self.hashes, wanted, side="right")
            hits = np.flatnonzero(right > left)
            at = np.asarray(self.order[left[hits]], dtype=np.int64)
            for hit, position, real in zip(hits, at, read(at), strict=True):
                if real == part[hit]:
                    found[start + hit] = position
                    continue
                others = np.asarray(self.order[left[hit] + 1 : right[hit]], dtype=np.int64)
                for other, name in zip(others, read(others), strict=True):
                    if name == part[hit]:
                        found[start + hit] = other
        return found

    def first_duplicate(self, read: ReadIds) -> tuple[int, int] | None:
        """The first position whose id stood at an earlier one, as (earlier, later)."""
        same = np.flatnonzero(self.hashes[1:] == self.hashes[:-1]) + 1
        for slot in same[np.argsort(self.order[same], kind="stable")]:
            first = int(np.searchsorted(self.hashes, self.hashes[slot], side="left"))
            group = np.asarray(self.order[first : slot + 1], dtype=np.int64)
            *earlier, name = read(group)
            if name in earlier:
                return int(group[earlier.index(name)]), int(group[-1])
        return None


def repeats(keys: Sequence[NDArray[np.uint64]]) -> tuple[Positions, Positions, Positions]:
    """Rows whose key occurred before.

    Args:
        keys: Arrays of shape (N,) that together are the key of a row.

    Returns:
        Three arrays of shape (m,), ordered by position: the positions of the m repeated rows, the
        position at which each key first stood, and how often it stood before.
    """
    order = np.lexsort(keys[::-1])  # stable, so equal keys stay in the order of their positions
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for key in keys:
        ranked = key[order]
        same &= ranked[1:] == ranked[:-1]
    new = np.concatenate([np.ones(min(len(order), 1), dtype=bool), ~same])
    starts = np.flatnonzero(new)
    again = np.flatnonzero(~new)
    heads = starts[np.searchsorted(starts, again, side="right") - 1]
    rows, first, before = order[again], order[heads], again - heads
    by_position = np.argsort(rows)
    return rows[by_position], first[by_position], before[by_position]
