"""The first import of a pool: rows are checked and written to Arrow in chunks."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import GrowingFingerprint, frame
from llmal.core.json_form import json_form
from llmal.core.spelling import is_missing, plain, written
from llmal.errors import DataError
from llmal.pool.columns import Columns, Kind, kind_of, missing_column
from llmal.pool.ids import likeness, read_id
from llmal.pool.index import IdIndex, Positions, content_id, hash_id, repeats, text_hash
from llmal.pool.layout import ROWS, Layout
from llmal.pool.readers import Numbered, Row
from llmal.task.spaces.marks import marked_names

_CHUNK_ROWS = 8_192
_CHUNK_BYTES = 1 << 25


def ingest(
    rows: Iterable[Numbered], folder: Path, columns: Columns, name: str, unit: str, uniform: bool
) -> None:
    """Check the rows and write them, with their indexes, into an empty folder.

    Memory is bounded by one chunk of rows and about a hundred bytes for each row.

    Args:
        rows: (line, row) pairs.
        folder: Where to write.
        columns: The roles of the columns.
        name: What to call the source in messages.
        unit: What its rows are counted in: "line" or "row".
        uniform: Whether every row has the columns of the first.

    Raises:
        DataError: The first row that cannot be used, or no rows at all.
        OSError: The folder cannot be written.
    """
    import pyarrow as pa

    with pa.OSFile(str(folder / ROWS), "wb") as sink:
        writer = _RowWriter(sink, columns, name, unit, uniform)
        for line, row in rows:
            writer.add(line, row)
        writer.close()
    writer.write_indexes(folder)


class _RowWriter:
    """Writes rows to an Arrow stream and remembers a few numbers about each."""

    def __init__(self, sink: Any, columns: Columns, name: str, unit: str, uniform: bool) -> None:
        self._sink = sink
        self._columns = columns
        self._name = name
        self._unit = unit
        self._uniform = uniform
        self._id_column = columns.id
        self._roles: frozenset[str] = frozenset()
        self._seen: dict[str, None] = {}
        self._kinds: dict[str, Kind | None] = {}
        self._gold_seen = False
        self._gold_lists = len(columns.gold) > 1
        self._gold_begun = self._gold_lists
        self._arrow: Any = None
        self._schema: Any = None
        self._chunk: dict[str, list[str | None]] = {}
        self._chunk_bytes = 0
        self._content = GrowingFingerprint("pool")
        self._lines = array("q")
        self._text_high = array("Q")
        self._text_low = array("Q")
        self._id_hashes = array("Q")
        self._id_likeness = array("Q")
        self._empty = 0
        self._first_empty: int | None = None

    def _where(self, line: int) -> str:
        return f"{self._name}, {self._unit} {line}"

    def _start(self, row: Row) -> None:
        """Fix the layout by the first row."""
        import pyarrow as pa

        columns = self._columns
        needed = [(column, "text") for column in columns.text]
        needed += [(columns.id, "id")] if columns.id is not None else []
        needed += [(one, "gold") for one in columns.gold] if self._uniform else []
        for column, role in needed:
            if column not in row:
                raise missing_column(column, role, row, self._name)
        if self._id_column is None and "id" in row:
            self._id_column = "id"
        roles = {*columns.text, *columns.gold, self._id_column} - {None}
        self._roles = frozenset(str(one) for one in roles)
        names = [f"text:{column}" for column in columns.text]
        names += ["gold"] if columns.gold else []
        names += ["id"] if self._id_column is not None else []
        names += ["extra"]
        self._schema = pa.schema([(one, pa.string()) for one in names])
        self._chunk = {one: [] for one in names}
        self._arrow = pa.ipc.new_stream(self._sink, self._schema)
        identity = [list(columns.text), bool(columns.gold), self._id_column is not None]
        self._content.add(json.dumps(identity).encode())

    def add(self, line: int, row: Row) -> None:
        """Check one row and take it over."""
        if self._arrow is None:
            self._start(row)
        try:
            self._add(line, row)
        except UnicodeEncodeError:
            raise DataError(
                "the row holds half a surrogate pair, which is not text",
                where=self._where(line),
                fix="mend or remove the \\ud8xx escape",
            ) from None

    def _add(self, line: int, row: Row) -> None:
        columns, chunk = self._columns, self._chunk
        for name, value in row.items():
            self._kinds[name] = kind_of(value, self._kinds.get(name))
        texts = [self._text(line, row, column) for column in columns.text]
        encoded = [text.encode() for text in texts]
        high, low = text_hash(encoded)
        parts = [high.to_bytes(8, "big") + low.to_bytes(8, "big")]
        for column, text in zip(columns.text, texts, strict=True):
            chunk[f"text:{column}"].append(text)
        if not any(text.strip() for text in texts):
            self._empty += 1
            self._first_empty = line if self._first_empty is None else self._first_empty
        if columns.gold:
            gold = self._gold(line, row)
            chunk["gold"].append(gold)
            parts.append((gold or "").encode())
        if self._id_column is not None:
            id = self._id(line, row, self._id_column)
            chunk["id"].append(id)
            parts.append(id.encode())
            self._id_likeness.append(hash_id(likeness(id)))
        elif "id" in row and "id" not in self._roles:
            raise DataError(
                "this row has an 'id', but the first row has none",
                where=self._where(line),
                fix="give every row an id, or none",
            )
        else:
            id = content_id(high)
        extra = {key: value for key, value in row.items() if key not in self._roles}
        packed = self._pack(line, extra) if extra else None
        chunk["extra"].append(packed)
        parts.append((packed or "").encode())

        self._content.add(frame(parts))
        self._lines.append(line)
        self._text_high.append(high)
        self._text_low.append(low)
        self._id_hashes.append(hash_id(id))
        self._chunk_bytes += sum(map(len, encoded)) + len(parts[-1])
        if len(chunk["extra"]) >= _CHUNK_ROWS or self._chunk_bytes >= _CHUNK_BYTES:
            self._flush()

    def _text(self, line: int, row: Row, column: str) -> str:
        value = plain(row.get(column))
        if type(value) is str:
            return value
        if column not in row:
            raise missing_column(column, "text", row, self._where(line))
        what = "null" if value is None else f"of type {type(value).__name__}, not a string"
        raise DataError(
            f"the text in column {column!r} is {what}",
            where=self._where(line),
            fix="mend or remove the row",
        )

    def _gold(self, line: int, row: Row) -> str | None:
        columns = self._columns.gold
        if any(column in row for column in columns):
            self._gold_seen = True
        else:
            self._seen.update(dict.fromkeys(row))
        value = row.get(columns[0]) if len(columns) == 1 else {one: row.get(one) for one in columns}
        try:
            return self._answer(value)
        except DataError as error:
            raise DataError(error.what, where=self._where(line), fix=error.fix) from None
        except (TypeError, ValueError) as error:
            raise DataError(
                f"the label in column {columns[0]!r} is {error}",
                where=self._where(line),
                fix="write each label as a string",
            ) from None

    def _answer(self, value: Any) -> str | None:
        """A gold answer as it is stored: a label, or where items have several a list in JSON."""
        if isinstance(value, Mapping):
            value = marked_names({str(key): mark for key, mark in value.items()})
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if is_missing(value) or (isinstance(value, str) and not value):
            return None
        several = isinstance(value, list | tuple | set | frozenset)
        if not self._gold_begun:
            self._gold_begun, self._gold_lists = True, several
        if several and not self._gold_lists:
            raise DataError(
                "there is a list of labels, and rows before have one label each",
                fix="write a list in every row, or one label",
            )
        if not self._gold_lists:
            return written(value)
        names = [written(one) for one in value] if several else [written(value)]
        return json.dumps(names, ensure_ascii=False)

    def _id(self, line: int, row: Row, column: str) -> str:
        if column not in row:
            raise missing_column(column, "id", row, self._where(line))
        try:
            return read_id(row[column])
        except DataError as error:
            if all(is_missing(one) or not str(one).strip() for one in row.values()):
                what = "there is nothing in any column"
                raise DataError(what, where=self._where(line), fix="remove the row") from None
            what = error.what.replace("the id", f"the id in column {column!r}", 1)
            raise DataError(what, where=self._where(line), fix=error.fix) from None

    def _pack(self, line: int, extra: Row) -> str:
        try:
            return json.dumps(extra, ensure_ascii=False, sort_keys=True, default=json_form)
        except (TypeError, ValueError, RecursionError) as error:
            raise DataError(
                f"an extra column cannot be kept: {error}",
                where=self._where(line),
                fix="remove the column",
            ) from None

    def _flush(self) -> None:
        import pyarrow as pa

        arrays = [pa.array(values, pa.string()) for values in self._chunk.values()]
        self._arrow.write_batch(pa.record_batch(arrays, schema=self._schema))
        for values in self._chunk.values():
            values.clear()
        self._chunk_bytes = 0

    def close(self) -> None:
        """Write what is left.

        Raises:
            DataError: There was no row, or no row had the gold column.
        """
        if self._arrow is None:
            raise DataError("there are no rows", where=self._name, fix="give a file with texts")
        if self._columns.gold and not self._gold_seen:
            raise missing_column(self._columns.gold[0], "gold", self._seen, self._name)
        if self._chunk["extra"]:
            self._flush()
        self._arrow.close()

    def write_indexes(self, folder: Path) -> None:
        """Write the arrays and the description beside the rows.

        Raises:
            DataError: Two rows have one id.
        """
        high, low = _numpy(self._text_high), _numpy(self._text_low)
        lines = _numpy(self._lines)
        rows, first, _ = repeats((high, low))
        arrays: dict[str, NDArray[Any]] = {"lines": lines, "copies": np.stack([rows, first])}
        id_hashes = _numpy(self._id_hashes)
        if self._id_column is None:
            again, _, before = repeats((high,))
            arrays["content"] = high
            arrays["suffixes"] = np.stack([again, before + 1])
            for row, number in arrays["suffixes"].T:
                id_hashes[row] = hash_id(content_id(int(high[row]), int(number)))
        index = IdIndex.build(id_hashes)
        arrays["id_hashes"], arrays["id_order"] = index.hashes, index.order
        if self._id_column is not None:
            likenesses = _numpy(self._id_likeness)
            alike = index if np.array_equal(likenesses, id_hashes) else IdIndex.build(likenesses)
            self._refuse_duplicates(index, alike, folder / ROWS)
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
        Layout(
            name=self._name,
            unit=self._unit,
            text=self._columns.text,
            gold=self._columns.gold,
            gold_lists=self._gold_lists,
            id=self._id_column,
            columns=tuple((name, kind or "text") for name, kind in self._kinds.items()),
            content_ids=self._id_column is None,
            rows=len(lines),
            fingerprint=self._content.value,
            copies=len(rows),
            first_copy=(int(lines[first[0]]), int(lines[rows[0]])) if len(rows) else None,
            empty=self._empty,
            first_empty=self._first_empty,
        ).write(folder)

    def _refuse_duplicates(self, index: IdIndex, alike: IdIndex, rows: Path) -> None:
        import pyarrow as pa

        with pa.memory_map(str(rows)) as source:
            ids = pa.ipc.open_stream(source).read_all().column("id")

            def read(positions: Positions) -> list[str]:
                return [ids[int(position)].as_py() for position in positions]

            def read_likeness(positions: Positions) -> list[str]:
                return [likeness(id) for id in read(positions)]

            same = index.first_duplicate(read)
            pair = same or alike.first_duplicate(read_likeness)
            if pair is None:
                return
            first, second = read(np.asarray(pair))
        earlier, later = (self._lines[position] for position in pair)
        if first == second:
            what, fix = f"the id {first!r} of {self._unit} {earlier} stands here again", ""
        else:
            what = (
                f"the id {second!a} looks like {first!a} of {self._unit} {earlier}, and "
                "nobody could tell them apart"
            )
            fix = ", which differs in more than space and Unicode form"
        raise DataError(what, where=self._where(later), fix=f"give every row an id of its own{fix}")


def _numpy(numbers: array[int]) -> NDArray[Any]:
    return np.frombuffer(numbers, dtype=np.dtype(numbers.typecode))
