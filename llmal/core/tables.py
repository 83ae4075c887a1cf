"""Files of rows: streamed, and there whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import json
import logging
import math
import os
import shutil
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TextIO

from llmal.core.json_form import json_form
from llmal.core.spreadsheets import LONGEST_CELL, MOST_ROWS
from llmal.errors import ConfigError, LlmalError

Kind = Literal["text", "whole", "number", "flag", "texts", "shares", "labels", "any"]
Format = Literal["jsonl", "csv", "xlsx", "parquet", "hf"]
Row = Mapping[str, Any]

FORMATS: tuple[Format, ...] = ("jsonl", "csv", "xlsx", "parquet", "hf")
_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
}
_CHUNK = 4096

log = logging.getLogger("llmal.core.tables")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name, and the key in a row.
        kind: What its values are, where they are not None. "texts" is a list, "shares" a mapping of
            names to numbers; CSV and Excel hold the one joined by "; " and the other as several
            columns. "any" is a column of the user's with values of several types, or of types of
            its own: what is no string is written as JSON where a column has one type.
            "labels" is a list of some of `names`, perhaps none.
        names: The names of "shares" or "labels".
        written: What CSV and Excel hold of "labels".
    """

    name: str
    kind: Kind = "text"
    names: tuple[str, ...] = ()
    written: Callable[[Any], str] = str


def free_name(name: str, taken: Container[str]) -> str:
    """What a column of llmal's is called beside others: its own name, or with "llmal_" before it
    where that is taken.
    """
    while name in taken:
        name = f"llmal_{name}"
    return name


def _form_or_text(value: object) -> object:
    """What JSON makes of a value; its own text, where that is nothing."""
    try:
        return json_form(value)
    except TypeError:
        return str(value)


def format_named(path: Path) -> Format | None:
    """The format that the name of a file says; None if it says none."""
    return _SUFFIXES.get(path.suffix.lower())


def check_output(
    path: Path, *, force: bool, format: Format | None = None, option: str = "--out"
) -> Format:
    """See that a table can be written, before work is spent on it; gives its format.

    Args:
        path: Where.
        force: Whether what is there is replaced.
        format: Its format; by default that which its name says.
        option: What names the path, for messages.

    Raises:
        ConfigError: Something is there already, there is no such directory, or the name of the
            file does not say which format it is to have.
    """
    found = format or format_named(path)
    if found is None:
        raise ConfigError(
            f"{path.name!r} does not say which format to write",
            where=str(path),
            fix=f"end it in {', '.join(_SUFFIXES)}",
        )
    check_place(path, force=force, option=option)
    if path.is_dir() and found != "hf":
        raise ConfigError("the output is a directory", where=str(path), fix="name a file")
    return found


def check_place(path: Path, *, force: bool, option: str = "--out") -> None:
    """See that something can be put at a path, which an option names.

    Raises:
        ConfigError: Something is there already, or there is no such directory.
    """
    if path.exists() and not force:
        raise ConfigError(
            "the output is there already",
            where=str(path),
            fix=f"name another {option}, or replace it with --force",
        )
    if not path.absolute().parent.is_dir():
        raise ConfigError("there is no such directory", where=str(path.parent), fix="make it first")


def write_table(path: Path, format: Format, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Write rows beside the path, and put them there when all are written.

    A CSV file is UTF-8 with a byte-order mark, by which spreadsheets know it. Its values are as
    they are, and a spreadsheet may make numbers and dates of them. In an Excel file a text stays
    the text that it is.

    Args:
        path: A file; for "hf" a directory that `datasets.load_from_disk` reads.
        format: The format.
        columns: The columns, in their order.
        rows: A value for each column; one that is missing is None.

    Returns:
        How many rows there are.

    Raises:
        LlmalError: The output cannot be written.
    """
    return write_in_place(path, lambda part: write_rows(part, format, columns, rows))


def write_in_place(path: Path, write: Callable[[Path], int]) -> int:
    """Have a file or directory written beside its path, and put it there when it is whole.

    Args:
        path: Where it is to be; what is there already stays until then.
        write: Writes to the path that it gets, where nothing is; returns how many rows there are.

    Returns:
        How many rows there are.

    Raises:
        LlmalError: The output cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        _remove(part)
        try:
            count = write(part)
            if path.is_dir():
                _remove(path)
            part.replace(path)
        except BaseException:
            _remove(part)
            raise
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise LlmalError(
            f"the output cannot be written ({reason})",
            where=str(path),
            fix="check the rights and the free space there, or name another place",
        ) from error
    return count


def write_rows(path: Path, format: Format, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Write rows to a path where nothing is; returns how many there are.

    Raises:
        LlmalError: The format does not hold them.
        OSError: It cannot be written.
    """
    write: Callable[[Path, Sequence[Column], Iterable[Row]], int] = {
        "jsonl": _jsonl,
        "csv": _csv,
        "xlsx": _xlsx,
        "parquet": _parquet,
        "hf": _hf,
    }[format]
    return write(path, columns, rows)


def write_lines(out: TextIO, format: Format, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Write rows to what is open already, in a format of lines; returns how many there are."""
    write = {"jsonl": _write_jsonl, "csv": _write_csv}[format]
    return write(out, columns, rows)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _jsonl(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    with _durable(path) as out:
        return _write_jsonl(out, columns, rows)


def _write_jsonl(out: TextIO, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        content = {column.name: _nan_as_none(row.get(column.name)) for column in columns}
        # Half a surrogate pair, which JSON files may hold, has no form in UTF-8.
        line = json.dumps(content, ensure_ascii=False, default=_form_or_text)
        out.write(line.encode("utf-8", "replace").decode() + "\n")
        count += 1
    return count


def _nan_as_none(value: Any) -> Any:
    """JSON has no NaN; in a table it is an empty cell."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _as_text(value: Any) -> str:
    """A value of the kind "any": strings as they are, all else as JSON."""
    if not isinstance(value, str | bool | int | float | list | tuple | Mapping):
        value = _form_or_text(value)  # A date is its own text, without the quotes of JSON.
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=_form_or_text)


def _csv(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    with _durable(path, encoding="utf-8-sig") as out:
        return _write_csv(out, columns, rows)


def _write_csv(out: TextIO, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    count = 0
    writer = csv.writer(out)
    writer.writerow(_header(columns))
    for row in rows:
        writer.writerow(
            [cell for column in columns for cell in _cells(column, row.get(column.name))]
        )
        count += 1
    return count


def _header(columns: Sequence[Column]) -> list[str]:
    return [
        f"{column.name}[{name}]" if column.kind == "shares" else column.name
        for column in columns
        for name in (column.names if column.kind == "shares" else ("",))
    ]


def _cells(column: Column, value: Any) -> list[Any]:
    if column.kind == "shares":
        return [None if value is None else value.get(name) for name in column.names]
    if value is not None and column.kind == "texts":
        return ["; ".join(value)]
    if value is not None and column.kind == "labels":
        return [column.written(tuple(value))]
    if value is not None and column.kind == "flag":
        return ["true" if value else "false"]
    if value is not None and column.kind == "any":
        return [_as_text(value)]
    return [_nan_as_none(value)]


@contextlib.contextmanager
def _durable(path: Path, encoding: str = "utf-8") -> Iterator[TextIO]:
    with path.open("w", encoding=encoding, errors="replace", newline="") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def _xlsx(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("llmal")
    sheet.freeze_panes = "A2"
    sheet.append([text_cell(sheet, name) for name in _header(columns)])
    count = cut = 0
    try:
        for row in rows:
            count += 1
            if count >= MOST_ROWS:
                raise LlmalError(
                    f"a sheet of Excel holds {MOST_ROWS - 1:,} rows, and there are more",
                    where=str(path),
                    fix="write csv or parquet",
                )
            cells = [cell for column in columns for cell in _cells(column, row.get(column.name))]
            cut += sum(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in cells)
            sheet.append([_excel_cell(sheet, cell) for cell in cells])
    except BaseException:
        sheet.close()  # else its unfinished part complains when it is collected
        raise
    book.save(path)
    if cut:
        log.warning(
            "%d texts are longer than the %s characters that a cell of Excel holds, and are cut; "
            "jsonl, csv and parquet hold them whole",
            cut,
            f"{LONGEST_CELL:,}",
        )
    return count


def _excel_cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, str):
        return text_cell(sheet, value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def text_cell(sheet: Any, text: str) -> Any:
    """A cell of an Excel sheet that stays the text that it is, and is no formula.

    Characters that an Excel file cannot hold are replaced, and what is too long for it is cut.
    """
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell = WriteOnlyCell(sheet)
    whole = text.encode("utf-8", "replace").decode()
    cell.value = ILLEGAL_CHARACTERS_RE.sub("\ufffd", whole)[:LONGEST_CELL]
    cell.data_type = "s"
    cell.number_format = "@"
    return cell


def _parquet(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(column.name, _arrow(column)) for column in columns])
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        for chunk in _chunks(rows):
            content = [
                {column.name: _stored(column, row.get(column.name)) for column in columns}
                for row in chunk
            ]
            writer.write_table(pa.Table.from_pylist(content, schema=schema))
            count += len(chunk)
    return count


def _arrow(column: Column) -> Any:
    import pyarrow as pa

    if column.kind == "shares":
        return pa.struct([(name, pa.float64()) for name in column.names])
    if column.kind in ("texts", "labels"):
        return pa.list_(pa.string())
    simple = {"whole": pa.int64(), "number": pa.float64(), "flag": pa.bool_()}
    return simple.get(column.kind, pa.string())


def _stored(column: Column, value: Any) -> Any:
    """A value as Arrow takes it."""
    value = _nan_as_none(value)
    if value is not None and column.kind == "any":
        value = _as_text(value)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _hf(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    import datasets

    # By way of Parquet, so that neither this nor `datasets` ever holds all rows.
    path.mkdir()
    table, cache, result = path / "rows.parquet", path / "cache", path / "result"
    count = _parquet(table, columns, rows)
    shown = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        made = datasets.Dataset.from_parquet(str(table), cache_dir=str(cache))
        for column in columns:
            if column.kind == "labels":
                classes = datasets.Sequence(datasets.ClassLabel(names=list(column.names)))
                made = made.cast_column(column.name, classes)
        made.save_to_disk(str(result))
    finally:
        if not shown:
            datasets.enable_progress_bars()
    del made
    shutil.rmtree(cache)
    table.unlink()
    for one in result.iterdir():
        one.rename(path / one.name)
    result.rmdir()
    return count


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk
