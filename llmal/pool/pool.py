"""The pool that people and the other rooms see."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer, Item
from llmal.errors import DataError
from llmal.pool.columns import Columns
from llmal.pool.pool_rows import Indices, PoolRows
from llmal.pool.readers import Reading
from llmal.pool.sources import dataset_source, file_source, frame_source, hub_source, list_source
from llmal.pool.store import Source, Store, load

if TYPE_CHECKING:
    import datasets
    import pandas as pd

    from llmal.task import Task

_PathLike = str | os.PathLike[str]
_T = TypeVar("_T")

_BATCH = 1_024


class Pool(PoolRows):
    """Texts on disk, with their ids and, where there is one, their gold labels.

    The rows are imported once into an Arrow file in the cache directory (`cache`, else the
    environment variable LLMAL_CACHE, else ~/.cache/llmal) and memory-mapped from then on through
    Hugging Face `datasets`. A slice is a view: it holds positions, no texts. Positions count
    from 0 within the pool or view at hand; ids hold everywhere.

    Make one with `from_file`, `from_pandas`, `from_dataset`, `from_hub` or `from_texts`. In all of
    them, `text` names the text column or several, `gold` the column of gold labels, and `id` the
    column of ids; without `id` the column "id" is used if the first row has it, and otherwise ids
    are made from the texts. The other columns are kept in `Item.extra`; what JSON has no form for
    is kept there as text (times in ISO format, bytes in base64).

    An id is kept as it is written and compared to the letter, in the ledger, in files and in
    exports: "A1", "a1" and "01" are other ids than "A1 ", "A1" and "1". Two ids of one pool that
    look the same (they differ in space around them, Unicode form or characters without width) are
    refused, with the lines of both. A whole number is the same id whether it was read as 7, 7.0 or
    "7"; a number that may have lost digits is refused.

    Gold labels may be strings, numbers or truth values; an empty one is none. Where an item takes
    several labels, the gold column holds lists of them or texts such as `a|b`, or `gold` names
    several columns, each called like a label, with 1 where it holds and 0 where not. `match_labels`
    reads and spells them as a task does.
    """

    def __init__(
        self,
        store: Store,
        positions: NDArray[np.int64] | None = None,
        spelling: Mapping[Answer, Answer | None] | None = None,
    ) -> None:
        super().__init__(store, positions)
        self._spelling = spelling or {}

    @classmethod
    def from_file(
        cls,
        path: _PathLike,
        *,
        text: str | Sequence[str] = "text",
        gold: str | Sequence[str] | None = None,
        id: str | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        sheet: str | None = None,
        cache: _PathLike | None = None,
    ) -> Pool:
        """A CSV, TSV, JSONL, JSON (a list of objects), Parquet or Excel (.xlsx) file.

        All but Excel also with .gz.

        Args:
            path: The file.
            text: The text column, or several.
            gold: The column of gold labels, or several columns of 0 and 1.
            id: The column of ids.
            encoding: Of a text file; by default what its byte-order mark says, else UTF-8.
            delimiter: Of a CSV file; by default the one of comma, semicolon, tab and bar that its
                first line has most of.
            sheet: Of an Excel workbook; by default the only one with rows.
            cache: In place of the cache directory.

        Raises:
            ConfigError: The file's format has no such option, or there is no such encoding.
            DataError: The file or a row of it cannot be used; the message names the line.
        """
        source = file_source(path, Reading(encoding, delimiter, sheet))
        return cls._from(source, text, gold, id, cache)

    @classmethod
    def from_pandas(
        cls,
        frame: pd.DataFrame | pd.Series[Any] | Sequence[Mapping[str, Any]],
        *,
        text: str | Sequence[str] = "text",
        gold: str | Sequence[str] | None = None,
        id: str | None = None,
        cache: _PathLike | None = None,
    ) -> Pool:
        """A pandas frame, a series, or a list of rows as mappings of columns to values.

        An index is left out, and missing values are null.

        Raises:
            DataError: A row cannot be used; the message names it, counted from 1.
        """
        return cls._from(frame_source(frame), text, gold, id, cache)

    @classmethod
    def from_dataset(
        cls,
        dataset: datasets.Dataset | datasets.IterableDataset,
        *,
        text: str | Sequence[str] = "text",
        gold: str | Sequence[str] | None = None,
        id: str | None = None,
        cache: _PathLike | None = None,
    ) -> Pool:
        """A `datasets.Dataset`, or one that streams, which is read to its end.

        The numbers of ClassLabel columns become their names.

        Raises:
            DataError: There are several data sets in it, or a row cannot be used; the message
                names it, counted from 1.
        """
        return cls._from(dataset_source(dataset), text, gold, id, cache)

    @classmethod
    def from_hub(
        cls,
        name: str,
        split: str = "train",
        *,
        subset: str | None = None,
        revision: str | None = None,
        text: str | Sequence[str] = "text",
        gold: str | Sequence[str] | None = None,
        id: str | None = None,
        cache: _PathLike | None = None,
    ) -> Pool:
        """A split of a data set on the Hugging Face Hub, or of one downloaded before.

        Raises:
            DataError: It cannot be reached or does not exist, or a row cannot be used.
        """
        return cls._from(hub_source(name, split, subset, revision), text, gold, id, cache)

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        gold: Iterable[Any] | None = None,
        *,
        ids: Iterable[Any] | None = None,
        cache: _PathLike | None = None,
    ) -> Pool:
        """Texts in memory: a list, an array, a series, or anything that gives one after the other.

        Raises:
            DataError: They differ in length, or a text is not a string.
        """
        source = list_source(texts, gold, ids)
        names = ("gold" if gold is not None else None, "id" if ids is not None else None)
        return cls._from(source, "text", *names, cache)

    @classmethod
    def _from(
        cls,
        source: Source,
        text: str | Sequence[str],
        gold: str | Sequence[str] | None,
        id: str | None,
        cache: _PathLike | None,
    ) -> Pool:
        return cls(load(source, Columns.of(text, gold, id), cache))

    @property
    def gold_column(self) -> str | None:
        """The gold column, if it is one."""
        columns = self.gold_columns
        return columns[0] if len(columns) == 1 else None

    @property
    def gold_is_lists(self) -> bool:
        """Whether gold answers are lists of labels."""
        spelt = (isinstance(one, tuple) for one in self._spelling.values())
        return self._store.layout.gold_lists or any(spelt)

    def __repr__(self) -> str:
        columns = self.gold_columns
        shown = columns[0] if len(columns) == 1 else columns
        gold = f", gold={shown!r}" if columns else ""
        view = " of a larger pool" if self._positions is not None else ""
        return f"<Pool {self.source!r}: {len(self)} items{view}, text={self.text_columns}{gold}>"

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice | Indices) -> Pool: ...

    def __getitem__(self, index: int | slice | Indices) -> Item | Pool:
        """One item, or a view for a slice, positions, or a mask of booleans.

        Raises:
            IndexError: A position is outside the pool.
            DataError: A position is given twice: a pool holds each item once.
        """
        if isinstance(index, int | np.integer):
            return self.items([int(index)])[0]
        if isinstance(index, slice):
            chosen = np.arange(*index.indices(len(self)), dtype=np.int64)
        else:
            chosen = self._checked(index)
            if len(np.unique(chosen)) != len(chosen):
                values, counts = np.unique(chosen, return_counts=True)
                raise DataError(
                    f"position {values[counts > 1][0]} is given twice",
                    where=self.source,
                    fix="give each position once",
                )
        if len(chosen) == len(self) and bool(np.all(chosen == np.arange(len(self)))):
            return self
        return Pool(self._store, self._root(chosen), self._spelling)

    def __iter__(self) -> Iterator[Item]:
        for batch in self.map_batches(list):
            yield from batch

    def _items(self, rows: NDArray[np.int64]) -> list[Item]:
        names = self.text_columns
        columns = [f"text:{name}" for name in names] + ["extra"] + ["gold"] * self.has_gold
        read = self._store.read(rows, columns)
        extras = read[len(names)]
        gold = self._spelt(self._read(read[-1])) if self.has_gold else [None] * len(rows)
        return [
            Item(
                id=id,
                text="\n".join(texts),
                fields=dict(zip(names, texts, strict=True)),
                gold=label,
                extra=json.loads(extra) if extra else {},
            )
            for id, texts, label, extra in zip(
                self._store.ids(rows), zip(*read[: len(names)], strict=True), gold, extras,
                strict=True,
            )
        ]  # fmt: skip

    def items(self, indices: Indices) -> list[Item]:
        """The items at some positions, in their order, read in batches.

        Raises:
            IndexError: A position is outside the pool.
        """
        return [item for rows in self._batches(indices, _BATCH) for item in self._items(rows)]

    def gold(self, indices: Indices | None = None) -> list[Answer | None]:
        """The gold answers at some positions, or all; None where there is none.

        Raises:
            IndexError: A position is outside the pool.
        """
        return [label for part in self._gold(indices) for label in part]

    def _gold(self, indices: Indices | None = None) -> Iterator[list[Answer | None]]:
        return map(self._spelt, self._written_gold(indices))

    def _written_gold(self, indices: Indices | None = None) -> Iterator[list[Answer | None]]:
        """Gold answers as they stand in the source."""
        for rows in self._batches(indices):
            if self.has_gold:
                yield self._read(self._store.read(rows, ["gold"])[0])
            else:
                yield [None] * len(rows)

    def _read(self, stored: list[str | None]) -> list[Answer | None]:
        if not self._store.layout.gold_lists:
            return [*stored]
        return [None if one is None else tuple(json.loads(one)) for one in stored]

    def _spelt(self, answers: list[Answer | None]) -> list[Answer | None]:
        if not self._spelling:
            return answers
        return [None if one is None else self._spelling.get(one, one) for one in answers]

    def gold_counts(self) -> dict[str, int]:
        """How often each gold label occurs, by name."""
        counts: Counter[str] = Counter()
        for part in self._gold():
            for answer in part:
                counts.update((answer,) if isinstance(answer, str) else answer or ())
        return dict(sorted(counts.items()))

    def map_batches(
        self, function: Callable[[list[Item]], _T], batch_size: int = _BATCH
    ) -> Iterator[_T]:
        """Give every item to a function, so many at a time, and yield what it returns.

        One batch of items is in memory at a time.

        Raises:
            DataError: The batch size is below one.
        """
        if batch_size < 1:
            raise DataError(f"the batch size is {batch_size}", fix="give one of at least 1")
        return (function(self._items(rows)) for rows in self._batches(None, batch_size))

    def match_labels(self, task: Task) -> Pool:
        """This pool with its gold answers as the task has them; see `Task.match`.

        Its fingerprint stays: it is that of the file.

        Raises:
            DataError: One is no label of the task, or could be two; the message names the first
                such row.
        """
        for column in self.gold_columns if len(self.gold_columns) > 1 else ():
            try:
                task.match_label(column)
            except DataError as error:
                where = f"{self.source}, column {column!r}"
                raise DataError(error.what, where=where, fix=error.fix) from None
        spelling: dict[Answer, Answer | None] = {}
        start = 0
        for part in self._written_gold():
            for answer in dict.fromkeys(part):
                if answer is None or answer in spelling:
                    continue
                try:
                    spelling[answer] = task.match(answer)
                except DataError as error:
                    offset = part.index(answer)
                    column = "columns" if len(self.gold_columns) > 1 else "column"
                    named = ", ".join(map(repr, self.gold_columns))
                    where = f"{self.where(start + offset)}, {column} {named}"
                    raise DataError(error.what, where=where, fix=error.fix) from None
            start += len(part)
        changed = {old: new for old, new in spelling.items() if old != new}
        if changed == self._spelling:
            return self
        return Pool(self._store, self._positions, changed)
