"""Files of rows: streamed, and there whole or not at all."""

from __future__ import annotations

import base64
import contextlib
import csv
import datetime
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np

from llmal.errors import ConfigError, LlmalError

Kind = Literal["text", "whole", "number", "flag", "texts", "shares", "any"]
Format = Literal["jsonl", "csv", "parquet", "hf"]
Row = Mapping[str, Any]

FORMATS: tuple[Format, ...] = ("jsonl", "csv", "parquet", "hf")
_SUFFIXES: dict[str, Format] = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}
_CHUNK = 4096


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name, and the key in a row.
        kind: What its values are, where they are not None. "texts" is a list, "shares" a mapping of
            names to numbers; CSV holds the one joined by "; " and the other as several columns.
            "any" is a column of the user's with values of several types, or of types of its own:
            what is no string is written as JSON where the format has one type for a column.
        names: The names of "shares".
    """

    name: str
    kind: Kind = "text"
    names: tuple[str, ...] = ()


def json_form(value: object) -> object:
    """A value that JSON has no form for, as one that it has."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Set):
        return sorted(map(str, value))
    return str(value)


def text_columns(names: Sequence[str], taken: Sequence[str]) -> dict[str, str]:
    """What each text column is called in a table; "<name>_text" if its own name is taken."""
    return {name: f"{name}_text" if name in taken else name for name in names}


def check_output(path: Path, *, force: bool, format: Format | None = None) -> Format:
    """See that a table can be written, before work is spent on it; gives its format.

    Raises:
        ConfigError: Something is there already, there is no such directory, or the name of the
            file does not say which format it is to have.
    """
    found = format or _SUFFIXES.get(path.suffix.lower())
    if found is None:
        raise ConfigError(
            f"{path.name!r} does not say which format to write",
            where=str(path),
            fix=f"end it in {', '.join(_SUFFIXES)}",
        )
    check_place(path, force=force)
    if path.is_dir() and found != "hf":
        raise ConfigError("the output is a directory", where=str(path), fix="name a file")
    return found


def check_place(path: Path, *, force: bool) -> None:
    """See that something can be put at a path.

    Raises:
        ConfigError: Something is there already, or there is no such directory.
    """
    if path.exists() and not force:
        raise ConfigError(
            "the output is there already",
            where=str(path),
            fix="name another --out, or replace it with --force",
        )
    if not path.absolute().parent.is_dir():
        raise ConfigError("there is no such directory", where=str(path.parent), fix="make it first")


def write_table(path: Path, format: Format, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Write rows beside the path, and put them there when all are written.

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
    part = path.with_name(f".{path.name}.part")
    write: Callable[[Path, Sequence[Column], Iterable[Row]], int] = {
        "jsonl": _jsonl,
        "csv": _csv,
        "parquet": _parquet,
        "hf": _hf,
    }[format]
    try:
        _remove(part)
        try:
            count = write(part, columns, rows)
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
            fix="check the rights and the free space there",
        ) from error
    return count


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _jsonl(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    count = 0
    with _durable(path) as out:
        for row in rows:
            content = {one.name: _nan_as_none(row.get(one.name)) for one in columns}
            # Half a surrogate pair, which JSON files may hold, has no form in UTF-8.
            line = json.dumps(content, ensure_ascii=False, default=json_form)
            out.write(line.encode("utf-8", "replace").decode() + "\n")
            count += 1
    return count


def _nan_as_none(value: Any) -> Any:
    """JSON has no NaN; in a table it is an empty cell."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _as_text(value: Any) -> str:
    """A value of the kind "any": strings as they are, all else as JSON."""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=json_form)
    )


def _csv(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    header = [
        f"{one.name}[{name}]" if one.kind == "shares" else one.name
        for one in columns
        for name in (one.names or ("",))
    ]
    count = 0
    with _durable(path) as out:
        writer = csv.writer(out)
        writer.writerow(header)
        for row in rows:
            writer.writerow([cell for one in columns for cell in _cells(one, row.get(one.name))])
            count += 1
    return count


def _cells(column: Column, value: Any) -> list[Any]:
    if column.kind == "shares":
        return [None if value is None else value.get(name) for name in column.names]
    if value is not None and column.kind == "texts":
        return ["; ".join(value)]
    if value is not None and column.kind == "flag":
        return ["true" if value else "false"]
    if value is not None and column.kind == "any":
        return [_as_text(value)]
    return [_nan_as_none(value)]


@contextlib.contextmanager
def _durable(path: Path) -> Iterator[Any]:
    with path.open("w", encoding="utf-8", errors="replace", newline="") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def _parquet(path: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(one.name, _arrow(one)) for one in columns])
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        for chunk in _chunks(rows):
            content = [
                {one.name: _stored(one, row.get(one.name)) for one in columns} for row in chunk
            ]
            writer.write_table(pa.Table.from_pylist(content, schema=schema))
            count += len(chunk)
    return count


def _arrow(column: Column) -> Any:
    import pyarrow as pa

    if column.kind == "shares":
        return pa.struct([(name, pa.float64()) for name in column.names])
    if column.kind == "texts":
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
