"""Excel workbooks, read as a CSV file of the same sheet would be: every cell is text."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmal.core.spelling import written
from llmal.errors import DataError
from llmal.pool.text_file import AGAIN

SUFFIXES = (".xlsx", ".xlsm")

_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
_FILLED_UP = re.compile(r"0{2,}")

Table = list[tuple[int, list[str]]]
"""Rows that have a cell, each with its number."""


def read_sheet(path: Path, name: str, sheet: str | None) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a sheet with their numbers, as Excel shows them; empty rows are left out.

    Whole numbers have no point, truth values are TRUE and FALSE, and a number whose format fills it
    up with zeros (00000) has them, so that postal codes and ids stay as a person sees them.

    Args:
        path: The file.
        name: What to call it in messages.
        sheet: The sheet; by default the only one that has rows.

    Raises:
        DataError: It is no workbook, is protected by a password, or it is not clear which sheet is
            meant or what its columns are called.
    """
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    with path.open("rb") as stream:
        if stream.read(4) == _OLD_OR_LOCKED:
            raise DataError(
                "the workbook is protected by a password, or in the form of Excel before 2007",
                where=name,
                fix="save it as .xlsx without a password",
            )
        try:
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            title, table = _table(book, name, sheet)
        except (
            InvalidFileException,
            zipfile.BadZipFile,
            KeyError,
            ValueError,
            SyntaxError,  # what the XML parser raises
        ) as error:
            if isinstance(error, DataError):
                raise
            detail = (str(error).splitlines() or [type(error).__name__])[0]
            raise DataError(
                f"the file is not a valid workbook ({detail})", where=name, fix=AGAIN
            ) from None
    yield from _named(table, f"{name}, sheet {title!r}")


def _table(book: Any, name: str, sheet: str | None) -> tuple[str, Table]:
    sheets = {str(one.title): one for one in book.worksheets}
    if sheet is not None:
        if sheet not in sheets:
            listed = ", ".join(map(repr, sheets))
            raise DataError(
                f"there is no sheet {sheet!r}", where=name, fix=f"its sheets are {listed}"
            )
        return sheet, _filled(sheets[sheet])
    tables = {title: table for title, one in sheets.items() if (table := _filled(one))}
    if not tables:
        raise DataError("there are no rows", where=name, fix="give a workbook with texts")
    first, *others = tables
    if others:
        listed = ", ".join(map(repr, tables))
        raise DataError(
            f"{len(tables)} sheets of the workbook have rows: {listed}",
            where=name,
            fix=f"name the one to read, sheet: {first} (--sheet {first!r})",
        )
    return first, tables[first]


def _filled(sheet: Any) -> Table:
    sheet.reset_dimensions()  # some programs write wrong ones
    numbered = (
        (n, [cell_text(cell) for cell in row]) for n, row in enumerate(sheet.iter_rows(), 1)
    )
    return [(number, cells) for number, cells in numbered if any(cells)]


def _named(table: Table, where: str) -> Iterator[tuple[int, dict[str, str]]]:
    if not table:
        return
    width = max(len(cells) for _, cells in table)
    for _, cells in table:
        cells.extend([""] * (width - len(cells)))
    (head, header), *body = table
    # Formatting leaves columns behind that have neither a name nor a cell.
    kept = [n for n in range(width) if header[n] or any(cells[n] for _, cells in body)]
    titles = [header[column] for column in kept]
    twice = next((one for one in titles if titles.count(one) > 1), None)
    if twice is not None:
        what = f"two columns are named {twice!r}" if twice else "two columns have no name"
        raise DataError(what, where=f"{where}, row {head}", fix="name each column, once")
    for number, cells in body:
        yield number, {header[column]: cells[column] for column in kept}


def cell_text(cell: Any) -> str:
    """A cell as Excel shows it."""
    value = cell.value
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return str(value).upper()
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case int() | float():
            return _number(value, str(cell.number_format))
    return str(value)


def _number(value: float, format: str) -> str:
    try:
        text = written(value)
    except ValueError:
        return repr(value)
    return text.zfill(len(format)) if _FILLED_UP.fullmatch(format) and text.isdigit() else text
