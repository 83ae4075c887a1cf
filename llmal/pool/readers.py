"""Files of rows, read one row at a time with the exact line that each row starts at."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from llmal.errors import ConfigError, DataError
from llmal.pool import workbook
from llmal.pool.json_list import LONGEST, JsonList, not_json
from llmal.pool.text_file import AGAIN, TextFile, check_encoding

Row = dict[str, Any]
Numbered = tuple[int, Row]

_DELIMITERS = ",;\t|"
_SEPARATOR_LINE = re.compile(r"\ufeff?sep=(.)\r?\n?")
_QUOTED = re.compile(r'"[^"]*(?:"|$)')


@dataclass(frozen=True)
class Reading:
    """How a file is read, where its name and its first bytes do not say so.

    Attributes:
        encoding: Of a text file. By default what its byte-order mark says, else UTF-8.
        delimiter: Of a CSV file. By default the one of comma, semicolon, tab and bar that its first
            line has most of.
        sheet: Of an Excel workbook. By default the only one with rows.

    Raises:
        ConfigError: There is no such encoding, or the delimiter is not one character.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        if self.encoding is not None:
            check_encoding(self.encoding)
        if self.delimiter is None:
            return
        delimiter = "\t" if self.delimiter in ("tab", "\\t") else self.delimiter
        object.__setattr__(self, "delimiter", delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise ConfigError(
                f"the delimiter is {delimiter!r}", fix="give one character, such as ';', or tab"
            )

    def for_suffix(self, suffix: str) -> Reading:
        """What of it a format listens to, such as that of ".csv"."""
        heeded = _heeded(suffix)
        return Reading(**{key: one for key, one in asdict(self).items() if key in heeded})

    def check(self, suffix: str, name: str) -> None:
        """Refuse options that a format does not have.

        Raises:
            ConfigError: One was given.
        """
        for key, value in asdict(self).items():
            if value is not None and key not in _heeded(suffix):
                raise ConfigError(
                    f"a {suffix} file has no {key}", where=name, fix=f"leave {key} out"
                )


DETECTED = Reading()
"""By name and first bytes alone."""


def _heeded(suffix: str) -> tuple[str, ...]:
    if suffix in workbook.SUFFIXES:
        return ("sheet",)
    if suffix in (".csv", ".tsv"):
        return ("encoding", "delimiter")
    return () if suffix == ".parquet" else ("encoding",)


def _jsonl(path: Path, name: str, reading: Reading) -> Iterator[Numbered]:
    text = TextFile(path, name, reading.encoding)
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


def _json(path: Path, name: str, reading: Reading) -> Iterator[Numbered]:
    return iter(JsonList(TextFile(path, name, reading.encoding)))


def _delimiter(line: str, usual: str) -> str:
    """What a header is divided by: the usual one, or another that it has more of."""
    outside = _QUOTED.sub("", line)
    return max(usual + _DELIMITERS, key=outside.count)


def _separated(path: Path, name: str, reading: Reading) -> Iterator[Numbered]:
    """CSV with a header; a quoted field may run over several lines."""
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
    lines = TextFile(path, name, reading.encoding).lines()
    first = next(lines, "")
    named = _SEPARATOR_LINE.fullmatch(first)
    start, skipped = 1, 0
    if named:
        # Excel writes its delimiter into a line of its own.
        first, start, skipped = next(lines, ""), 2, 1
    usual = "\t" if format_of(path, name) == ".tsv" else ","
    delimiter = reading.delimiter or (named[1] if named else _delimiter(first, usual))
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            line, start = start, reader.line_num + skipped + 1
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


def _parquet(path: Path, name: str, reading: Reading) -> Iterator[Numbered]:
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
        from datasets import Features

        features = Features.from_arrow_schema(schema)
        classes = {c: names for c, f in features.items() if (names := class_names(f))}
    number = 0
    for table in tables:
        for row in table.to_pylist():
            number += 1
            for column, names in classes.items():
                row[column] = class_name(row[column], names)
            yield number, row


def class_names(feature: Any) -> list[str] | None:
    """The classes of a feature of `datasets` that is class numbers, or lists of them."""
    from datasets import ClassLabel

    inner = getattr(feature, "feature", feature)
    return list(inner.names) if isinstance(inner, ClassLabel) else None


def class_name(code: Any, names: Sequence[str]) -> Any:
    """The name of a class number of `datasets`, which marks a row without one by -1; of a list of
    numbers the list of their names.
    """
    if isinstance(code, list):
        return [class_name(one, names) for one in code]
    return names[code] if code is not None and code >= 0 else None


def _excel(path: Path, name: str, reading: Reading) -> Iterator[Numbered]:
    return workbook.read_sheet(path, name, reading.sheet)


_FORMATS: dict[str, Callable[[Path, str, Reading], Iterator[Numbered]]] = {
    ".csv": _separated,
    ".tsv": _separated,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".parquet": _parquet,
    **dict.fromkeys(workbook.SUFFIXES, _excel),
}


def format_of(path: Path, name: str) -> str:
    """The suffix that says how to read a file, such as ".jsonl" for train.jsonl.gz.

    Raises:
        DataError: The suffix is unknown.
    """
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = plain.suffix.lower()
    if suffix in workbook.SUFFIXES and plain != path:
        raise DataError("a workbook is packed already", where=name, fix="unpack it with gunzip")
    if suffix not in _FORMATS:
        fix = f"known are {', '.join(_FORMATS)}, each but a workbook also with .gz"
        if suffix in (".xls", ".xlsb", ".ods", ".numbers"):
            fix = "save the workbook as .xlsx"
        raise DataError(
            f"the extension {suffix!r} is unknown" if suffix else "the file has no extension",
            where=name,
            fix=fix,
        )
    return suffix


def counted_in(suffix: str) -> str:
    """What the rows of a format are counted in: "line" or "row"."""
    return "row" if suffix in (".parquet", *workbook.SUFFIXES) else "line"


def read_rows(path: Path, name: str, reading: Reading = DETECTED) -> Iterator[Numbered]:
    """The rows of a file, each with the line it starts at.

    For Parquet it is the number of the row, from 1; for a workbook the number that Excel shows.

    Args:
        path: The file; its name says the format.
        name: What to call it in messages.
        reading: How it is read; what its format has no use for is left aside.

    Raises:
        DataError: The first thing that is wrong with the file, with its line.
    """
    return _FORMATS[format_of(path, name)](path, name, reading)
