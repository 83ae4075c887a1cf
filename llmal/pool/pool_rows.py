"""Rows of an imported pool: ids, texts and columns, by their position."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.content import content_of
from llmal.core.fingerprint import fingerprint
from llmal.errors import DataError
from llmal.pool.columns import Kind
from llmal.pool.ids import like
from llmal.pool.store import Store

Indices = Sequence[int] | NDArray[Any]

_SCAN = 16_384


class PoolRows:
    """All rows of a store, or some of them in an order of their own: a view, which holds no texts.

    Args:
        store: The imported rows.
        positions: Shape (n,): which of them; None means all.
    """

    def __init__(self, store: Store, positions: NDArray[np.int64] | None = None) -> None:
        self._store = store
        self._positions = positions

    @property
    def source(self) -> str:
        """What the pool is called in messages: the path of its file, if it has one."""
        return self._store.layout.name

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The text columns, in the order in which `Item.text` joins them."""
        return self._store.layout.text

    @property
    def gold_columns(self) -> tuple[str, ...]:
        """The gold column, or several."""
        return self._store.layout.gold

    @property
    def id_column(self) -> str | None:
        """The column of the ids; None where they are made from the texts."""
        return self._store.layout.id

    @property
    def columns(self) -> dict[str, Kind]:
        """Every column of the source in its order, with the kind of its values."""
        return dict(self._store.layout.columns)

    @property
    def has_gold(self) -> bool:
        """Whether there is a gold column; single rows of it may still be empty."""
        return bool(self._store.layout.gold)

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of ids, texts, gold labels and extras; equal content in another format has it too.

        The fingerprint of a view is made from that of the whole and the positions in it.
        """
        whole = self._store.layout.fingerprint
        if self._positions is None:
            return whole
        positions = self._positions.astype("<i8").tobytes()
        return fingerprint("pool view", whole.encode() + positions)

    def __len__(self) -> int:
        return self._store.layout.rows if self._positions is None else len(self._positions)

    def _checked(self, indices: Indices) -> NDArray[np.int64]:
        given = np.asarray(indices)
        if given.dtype == bool:
            if given.shape != (len(self),):
                raise IndexError(
                    f"the mask has shape {given.shape}, the pool has {len(self)} items"
                )
            return np.flatnonzero(given).astype(np.int64)
        if given.ndim != 1 or (len(given) and not np.issubdtype(given.dtype, np.integer)):
            raise TypeError("positions are whole numbers in a list or an array of one dimension")
        chosen = given.astype(np.int64)
        outside = (chosen < -len(self)) | (chosen >= len(self))
        if outside.any():
            raise IndexError(
                f"position {chosen[outside][0]} is outside the pool of {len(self)} items"
            )
        return np.where(chosen < 0, chosen + len(self), chosen)

    def _root(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions in the stored rows."""
        return chosen if self._positions is None else self._positions[chosen]

    def _batches(self, indices: Indices | None, size: int = _SCAN) -> Iterator[NDArray[np.int64]]:
        """Positions in the stored rows, in pieces that are read at once."""
        chosen = None if indices is None else self._checked(indices)
        for start in range(0, len(self) if chosen is None else len(chosen), size):
            if chosen is not None:
                yield self._root(chosen[start : start + size])
            else:
                stop = min(start + size, len(self))
                yield self._root(np.arange(start, stop, dtype=np.int64))

    def ids(self, indices: Indices | None = None) -> list[str]:
        """The ids at some positions, or all.

        Raises:
            IndexError: A position is outside the pool.
        """
        return [one for rows in self._batches(indices) for one in self._store.ids(rows)]

    def texts(self, indices: Indices | None = None, *, column: str | None = None) -> list[str]:
        """The texts (`Item.text`) at some positions, or all: all of them then are in memory.

        Args:
            indices: The positions.
            column: The text column; by default all text columns, joined.

        Raises:
            IndexError: A position is outside the pool.
        """
        names = self.text_columns if column is None else (column,)
        columns = [f"text:{name}" for name in names]
        found: list[str] = []
        for rows in self._batches(indices):
            read = self._store.read(rows, columns)
            found += read[0] if len(read) == 1 else map("\n".join, zip(*read, strict=True))
        return found

    def positions(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Shape (n,): the position of each id.

        Raises:
            DataError: An id is not in this pool, or in this view of it.
        """
        found = self._find(ids)
        unknown = np.flatnonzero(found < 0)
        if len(unknown):
            id = ids[unknown[0]]
            more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
            near = like(id, (one for rows in self._batches(None) for one in self._store.ids(rows)))
            hint = "" if near is None else f", did you mean {near!a}?"
            raise DataError(
                f"there is no item with the id {id!r}{more}",
                where=self.source,
                fix=f"check that the ids come from this pool{hint}",
            )
        return found

    def _find(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """The position of each id, -1 for one that is not there."""
        found = self._store.find(ids)
        if self._positions is not None and len(found):
            slots = np.searchsorted(self._sorted[0], found)
            inside = slots < len(self._positions)
            inside[inside] = self._sorted[0][slots[inside]] == found[inside]
            found = np.full(len(ids), -1, dtype=np.int64)
            found[inside] = self._sorted[1][slots[inside]]
        return found

    def held(self, ids: Sequence[str]) -> list[str]:
        """Those of some ids that are in this pool, in their order."""
        return [id for id, place in zip(ids, self._find(ids).tolist(), strict=True) if place >= 0]

    def contents(self, ids: Sequence[str]) -> list[str | None]:
        """For each id what `llmal.core.content.content_of` says of the item's texts; None for one
        that is not in this pool.
        """
        found = self._find(ids)
        names = self.text_columns
        made: list[str] = []
        for rows in self._batches(found[found >= 0]):
            read = self._store.read(rows, [f"text:{name}" for name in names])
            made += [
                content_of(dict(zip(names, texts, strict=True)))
                for texts in zip(*read, strict=True)
            ]
        left = iter(made)
        return [next(left) if place >= 0 else None for place in found.tolist()]

    def id_hashes(self) -> NDArray[np.uint64]:
        """Shape (N,): a hash of each id, by which two versions of a pool can be compared."""
        hashes = np.empty(self._store.layout.rows, dtype=np.uint64)
        hashes[self._store.arrays["id_order"]] = self._store.arrays["id_hashes"]
        return hashes if self._positions is None else hashes[self._positions]

    @functools.cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For a view: its stored positions in ascending order, and where each stands in it."""
        assert self._positions is not None
        order = np.argsort(self._positions, kind="stable")
        return self._positions[order], order

    @property
    def duplicates(self) -> int:
        """How many items have a text that stands at an earlier position too."""
        return len(self.copies[0])

    def duplicate_of(self, index: int) -> int | None:
        """The first position with the same text, None if that is `index` itself.

        Raises:
            IndexError: The position is outside the pool.
        """
        [position] = self._checked([index])
        rows, first = self.copies
        slot = int(np.searchsorted(rows, position))
        return int(first[slot]) if slot < len(rows) and rows[slot] == position else None

    @functools.cached_property
    def copies(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of repeated texts, ascending, and the position where each first stood.

        Texts are the same if every text column is, to the letter.
        """
        rows, first = self._store.arrays["copies"]
        if self._positions is None:
            return rows, first
        texts = self._positions.copy()  # each text by the stored position where it first stood
        slots = np.searchsorted(rows, texts)
        copied = slots < len(rows)
        copied[copied] = rows[slots[copied]] == texts[copied]
        texts[copied] = first[slots[copied]]
        _, firsts, inverse = np.unique(texts, return_index=True, return_inverse=True)
        earliest = firsts[inverse]
        again = np.flatnonzero(earliest != np.arange(len(texts)))
        return again, earliest[again]

    def where(self, index: int) -> str:
        """File and line of an item, for messages.

        Raises:
            IndexError: The position is outside the pool.
        """
        [row] = self._root(self._checked([index]))
        layout = self._store.layout
        return f"{layout.name}, {layout.unit} {self._store.arrays['lines'][row]}"
