"""Files of rows, read one row at a time with the exact line that each row starts at."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from llmal.errors import DataError
from llmal.pool.json_list import LONGEST, JsonList, not_json
from llmal.pool.text_file import AGAIN, TextFile

Row = dict[str, Any]
Numbered = tuple[int, Row]


def _jsonl(path: Path, name: str) -> Iterator[Numbered]:
    text = TextFile(path, name)
    for line in text.lines():
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise not_json(error, text.where) from None
        if not isinstance(row, dict):
            raise DataError(
                f"the row is a JSON {_kind(row)}, not an object",
                where=text.where,
                fix='write each row as {"text": ...}',
            )
        yield text.line, row


def _kind(value: object) -> str:
    kinds = {list: "list", str: "string", int: "number", float: "number", bool: "boolean"}
    return kinds.get(type(value), "null")


def _json(path: Path, name: str) -> Iterator[Numbered]:
    return iter(JsonList(TextFile(path, name)))


def _separated(path: Path, name: str, delimiter: str) -> Iterator[Numbered]:
    """CSV with a header; a quoted field may run over several lines."""
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
    text = TextFile(path, name)
    reader = csv.reader(text.lines(), delimiter=delimiter, strict=True)
    header: list[str] = []
    start = 1
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not cells:
                continue
            if not header:
                header = cells
                twice = next((one for one in cells if cells.count(one) > 1), None)
                if twice is not None:
                    raise DataError(
                        f"two columns are named {twice!r}",
                        where=f"{name}, line {line}",
                        fix="rename one of them",
                    )
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"the row has {len(cells)} fields where the header has {len(header)}",
                    where=f"{name}, line {line}",
                    fix="quote fields that hold the separator",
                )
            yield line, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise DataError(
            f"the row that starts here is not valid: {error}",
            where=f"{name}, line {start}",
            fix="quote fields that hold quotes, and double the quotes inside",
        ) from None


def _parquet(path: Path, name: str) -> Iterator[Numbered]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = TextFile(path, name)
    with text.open() as stream, tempfile.TemporaryFile() as unpacked:
        seekable = stream
        if path.suffix.lower() == ".gz":
            shutil.copyfileobj(stream, unpacked)  # Parquet is read from its end
            seekable = unpacked
        try:
            file = pq.ParquetFile(seekable)
            yield from numbered_tables(
                file.schema_arrow, (batch for batch in file.iter_batches(batch_size=4096))
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise DataError(
                f"the file is not valid Parquet ({str(error).splitlines()[0]})",
                where=name,
                fix=AGAIN,
            ) from None


def numbered_tables(schema: Any, tables: Iterator[Any]) -> Iterator[Numbered]:
    """Rows of Arrow tables or batches, numbered from 1; class numbers become class names.

    Args:
        schema: The Arrow schema; `datasets` writes the names of its ClassLabel columns into it.
        tables: Tables or record batches of that schema.
    """
    classes: dict[str, list[str]] = {}
    if schema.metadata and b"huggingface" in schema.metadata:
        from datasets import ClassLabel, Features

        features = Features.from_arrow_schema(schema)
        classes = {c: f.names for c, f in features.items() if isinstance(f, ClassLabel)}
    number = 0
    for table in tables:
        for row in table.to_pylist():
            number += 1
            for column, names in classes.items():
                code = row[column]
                # datasets marks an unlabelled row by -1.
                row[column] = names[code] if code is not None and code >= 0 else None
            yield number, row


_FORMATS: dict[str, Callable[[Path, str], Iterator[Numbered]]] = {
    ".csv": partial(_separated, delimiter=","),
    ".tsv": partial(_separated, delimiter="\t"),
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".parquet": _parquet,
}


def format_of(path: Path, name: str) -> str:
    """The suffix that says how to read a file, such as ".jsonl" for train.jsonl.gz.

    Raises:
        DataError: The suffix is unknown.
    """
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = plain.suffix.lower()
    if suffix not in _FORMATS:
        raise DataError(
            f"the extension {suffix!r} is unknown" if suffix else "the file has no extension",
            where=name,
            fix=f"known are {', '.join(_FORMATS)}, each also with .gz",
        )
    return suffix


def read_rows(path: Path, name: str) -> Iterator[Numbered]:
    """The rows of a file, each with the line it starts at (for Parquet its number, from 1).

    Args:
        path: The file; its name says the format.
        name: What to call it in messages.

    Raises:
        DataError: The first thing that is wrong with the file, with its line.
    """
    return _FORMATS[format_of(path, name)](path, name)
