"""What the functions take as data: rows from lists, frames, data sets, files and pools."""

from __future__ import annotations

import itertools
import numbers
import os
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from llmal.core.records import Item
from llmal.core.spelling import is_missing, plain, written
from llmal.core.tables import Column, free_name
from llmal.errors import DataError
from llmal.pool import Pool
from llmal.pool.columns import Kind, kind_of, missing_column
from llmal.pool.index import content_id, repeats, text_hash
from llmal.pool.input_columns import InputColumns
from llmal.pool.readers import DETECTED, Reading
from llmal.pool.sources import dataset_source, file_source, frame_source
from llmal.pool.store import Source

Row = dict[str, Any]

KNOWN = "a list of texts or of rows, a pandas frame, a data set, a pool, or the path of a file"


@dataclass(frozen=True)
class InputRows:
    """Rows of one source, in their order, to be read as often as needed.

    Attributes:
        name: What to call the source in messages.
        unit: What its rows are counted in: "line" or "row".
        columns: Every column, with what its values are.
        text: The text columns.
        size: Number of rows.
        origin: The pandas frame or the `datasets.Dataset` that the rows are from; None for others.
        source: What a pool of them would be from; None for rows in a list or a pool.
    """

    name: str
    unit: str
    columns: tuple[Column, ...]
    text: tuple[str, ...]
    size: int
    read: Callable[[], Iterator[tuple[int, Row]]]
    """Gives the rows with their line or number."""
    at: Callable[[Sequence[int]], list[Row]] | None = None
    """Gives the rows at some places, where that is quicker than reading them all."""
    origin: Any = None
    source: Source | None = None

    def __iter__(self) -> Iterator[Row]:
        return (row for _, row in self.read())

    def __len__(self) -> int:
        return self.size

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(one.name for one in self.columns)

    def rows_at(self, places: Sequence[int]) -> list[Row]:
        """The rows at some places, in the order of those."""
        if self.at is not None:
            return self.at(places)
        wanted = set(places)
        found = {place: row for place, row in enumerate(self) if place in wanted}
        return [found[place] for place in places]

    def chunks(self, sizes: Callable[[], int]) -> Iterator[list[Row]]:
        """The rows in lists whose size is asked for each time."""
        rows = iter(self)
        while chunk := list(itertools.islice(rows, sizes())):
            yield chunk

    def item(self, row: Row, *, whole: bool = False) -> Item | str:
        """The item of a row, or a sentence on why there is none.

        Rows of equal text have the same id, so that they are asked about once and no text is its
        own demonstration.

        Args:
            row: The row.
            whole: Whether the other columns count too.
        """
        fields: dict[str, str] = {}
        for name in self.text:
            value = row.get(name)
            if is_missing(value):
                fields[name] = ""
            elif isinstance(value, str):
                fields[name] = value
            elif isinstance(value, numbers.Real):
                fields[name] = str(value)
            else:
                kind = type(value).__name__
                return f"the text in column {name!r} is of type {kind}, not a string"
        if not any(text.strip() for text in fields.values()):
            columns = ", ".join(repr(name) for name in self.text)
            verb = "is" if len(self.text) == 1 else "are"
            return f"there is no text: {columns} {verb} empty"
        rest = {key: value for key, value in row.items() if key not in fields}
        key = [*fields.values(), *([repr(sorted(rest.items()))] if whole else [])]
        try:
            id = text_id(key)
        except UnicodeEncodeError:
            return "the text holds half a surrogate pair, which is no character"
        return Item(id, "\n".join(fields.values()), fields, extra=rest)


def text_id(texts: Sequence[str]) -> str:
    """The id that an item has by its texts, as in a pool without ids."""
    high, _ = text_hash([text.encode() for text in texts])
    return content_id(high)


def open_rows(
    data: Any,
    text: str | Sequence[str] | None = None,
    *,
    reading: Reading = DETECTED,
    what: str = "data",
    label: str | None = None,
) -> InputRows:
    """The rows of anything that a function takes as data.

    Args:
        data: See `KNOWN`.
        text: The text column or columns. Without it the column "text", or the only one that there
            is.
        reading: How a file is read.
        what: Name of the argument, for messages.
        label: A column that holds labels, and is no text.

    Raises:
        DataError: It is nothing of the kind, has no rows, or lacks a text column.
    """
    named = (text,) if isinstance(text, str) else None if text is None else tuple(text)
    if isinstance(data, Pool):
        return _of_pool(data, named)
    rows = open_table(data, reading=reading, what=what, column=named[0] if named else None)
    return replace(rows, text=_text_columns(rows.names, named, rows.name, label))


def open_table(
    data: Any, *, reading: Reading = DETECTED, what: str = "data", column: str | None = None
) -> InputRows:
    """The rows of anything but a pool that a function takes as data, with no column as the text.

    Args:
        data: See `KNOWN`.
        reading: How a file is read.
        what: Name of the argument, for messages.
        column: What the only column of a series or a list is called; by default as the series, or
            "text".

    Raises:
        DataError: It is nothing of the kind, or has no rows.
    """
    name, unit, read, origin, source = _opened(data, column, reading, what)
    kinds: dict[str, Kind | None] = {}
    size = 0
    for _, row in read():
        size += 1
        for key, value in row.items():
            if kinds.get(key) != "any":
                kinds[key] = kind_of(None if is_missing(value) else value, kinds.get(key))
    if not size:
        raise DataError("there are no rows", where=name, fix="give at least one text")
    columns = tuple(Column(key, kind or "text") for key, kind in kinds.items())
    return InputRows(name, unit, columns, (), size, read, origin=origin, source=source)


def _of_pool(pool: Pool, text: tuple[str, ...] | None) -> InputRows:
    """The items of a pool; an id that the pool has made stands before their columns."""
    columns = InputColumns(pool, ())
    made: dict[str, Kind] = {} if pool.id_column is not None else {"id": "text"}
    kinds: dict[str, Kind] = {**made, **columns.columns}

    def row(item: Item) -> Row:
        return {**({"id": item.id} if made else {}), **columns.values(item)}

    def read() -> Iterator[tuple[int, Row]]:
        return enumerate(map(row, pool), start=1)

    def at(places: Sequence[int]) -> list[Row]:
        return [row(item) for item in pool.items(places)]

    return InputRows(
        pool.source,
        "row",
        tuple(Column(name, kind) for name, kind in kinds.items()),
        _text_columns(kinds, text or pool.text_columns, pool.source, None),
        len(pool),
        read,
        at,
    )


def _text_columns(
    columns: Iterable[str], named: tuple[str, ...] | None, name: str, label: str | None
) -> tuple[str, ...]:
    present = list(columns)
    if named is None:
        if "text" in present:
            return ("text",)
        others = [one for one in present if one != label]
        if len(others) == 1:
            return (others[0],)
        error = missing_column("text", "text", present, name)
        raise DataError(error.what, where=name, fix=f"say with text which it is: {error.fix}")
    if not named:
        raise DataError("no text column is named", fix="give one name or several")
    for column in named:
        if column not in present:
            raise missing_column(column, "text", present, name)
    return named


Opened = tuple[str, str, Callable[[], Iterator[tuple[int, Row]]], Any, Source | None]


def _opened(data: Any, column: str | None, reading: Reading, what: str) -> Opened:
    if isinstance(data, (str, os.PathLike)):
        return _opened_file(data, reading, what)
    if reading != DETECTED:
        raise DataError("only a file has an encoding", fix="leave encoding out")
    pandas, datasets = sys.modules.get("pandas"), sys.modules.get("datasets")
    if pandas is not None and isinstance(data, pandas.Series):
        data = data.to_frame(column or ("text" if data.name is None else str(data.name)))
    if pandas is not None and isinstance(data, pandas.DataFrame):
        source = frame_source(data)
        return source.name, source.unit, source.rows, data, source
    if datasets is not None and isinstance(
        data, (datasets.DatasetDict, datasets.IterableDatasetDict)
    ):
        splits = ", ".join(map(repr, data))
        raise DataError(
            f"{what} holds several data sets ({splits})", fix="give one of them: data['train']"
        )
    if datasets is not None and isinstance(data, datasets.Dataset):
        source = dataset_source(data)
        return source.name, source.unit, source.rows, data, source
    return _opened_list(data, column or "text", what)


def _opened_file(data: str | os.PathLike[str], reading: Reading, what: str) -> Opened:
    path = Path(data).expanduser()
    if isinstance(data, str) and not path.suffix and not _exists(path):
        raise DataError(
            f"{what} is one string, and there is no file of that name",
            fix=f"give {KNOWN}",
        )
    source = file_source(path, reading)
    return source.name, source.unit, source.rows, None, source


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a name, or a null byte
        return False


def _opened_list(data: Any, column: str, what: str) -> Opened:
    if isinstance(data, Mapping):
        data = _of_columns(data, what)
    if isinstance(data, bytes) or not isinstance(data, Iterable):
        raise DataError(f"{what} is of type {type(data).__name__}", fix=f"give {KNOWN}")
    values = list(data)
    rows: list[Row] = []
    for number, value in enumerate(values, start=1):
        if isinstance(value, Mapping):
            rows.append({str(key): plain(cell) for key, cell in value.items()})
        elif isinstance(value, Item):
            rows.append(item_row(value))
        elif isinstance(value, str) or is_missing(value):
            rows.append({column: None if is_missing(value) else str(value)})
        else:
            raise DataError(
                f"row {number} is of type {type(value).__name__}",
                where=what,
                fix="give texts, or rows as mappings of columns to values",
            )
    return what, "row", lambda: ((n, dict(row)) for n, row in enumerate(rows, 1)), None, None


def _of_columns(data: Mapping[Any, Any], what: str) -> list[Row]:
    """Rows of a mapping of column names to lists."""
    columns = {
        str(key): list(values)
        for key, values in data.items()
        if isinstance(values, Iterable) and not isinstance(values, (str, bytes))
    }
    if len(columns) != len(data) or len({len(values) for values in columns.values()}) > 1:
        raise DataError(f"{what} is a mapping that is no table", fix=f"give {KNOWN}")
    return [
        dict(zip(columns, map(plain, cells), strict=True))
        for cells in zip(*columns.values(), strict=True)
    ]


def with_ids(rows: InputRows, column: str | None) -> InputRows:
    """The rows with a column of ids before the others, unless they have one.

    Args:
        rows: The rows.
        column: The column with the ids. Without it the column "id"; where there is none, ids are
            made from the texts, as a pool makes them.

    Raises:
        DataError: There is no such column.
    """
    if column is not None and column not in rows.names:
        raise missing_column(column, "id", rows.names, rows.name)
    if column == "id" or (column is None and "id" in rows.names):
        return rows
    name = free_name("id", rows.names)
    read = partial(_with_own_id, rows, name, column) if column else partial(_numbered, rows, name)
    return replace(rows, columns=(Column(name), *rows.columns), read=read, at=None)


def _with_own_id(rows: InputRows, name: str, column: str) -> Iterator[tuple[int, Row]]:
    for line, row in rows.read():
        value = row.get(column)
        yield line, {name: None if is_missing(value) else written(value), **row}


def _numbered(rows: InputRows, name: str) -> Iterator[tuple[int, Row]]:
    hashes = array("Q")
    for row in rows:
        hashes.append(_hash_of(rows, row))
    again, _, before = repeats((np.frombuffer(hashes, dtype=np.uint64),))
    numbers = dict(zip(again.tolist(), (before + 1).tolist(), strict=True))
    for place, (line, row) in enumerate(rows.read()):
        yield line, {name: content_id(hashes[place], numbers.get(place, 1)), **row}


def _hash_of(rows: InputRows, row: Row) -> int:
    texts = ["" if is_missing(row.get(one)) else str(row[one]) for one in rows.text]
    return text_hash([text.encode("utf-8", "replace") for text in texts])[0]


def item_row(item: Item) -> Row:
    """An item as a row: its id, its texts, its gold label if there is one, and the rest."""
    row: Row = {"id": item.id, **(item.fields or {"text": item.text})}
    if item.gold is not None:
        row["label"] = item.gold
    return row | {key: value for key, value in item.extra.items() if key not in row}
