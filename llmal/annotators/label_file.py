"""The file in which people label: read with every row checked for form, and written in one go."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmal.errors import AnnotationError
from llmal.records import Item

OWN_COLUMNS = ("id", "label", "note")

_LONGEST_CELL = 2**31 - 1
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_CHANGED_BY_SPREADSHEETS = re.compile(r"'*(0\d+|\d{12,}|\d+[eE]\d+|\d+([-/.:]\d+)+)\Z")


@dataclass(frozen=True)
class Row:
    """A row that stands in the file.

    Attributes:
        line: Where it begins, counted from 1.
        id: The item that it names.
        label: What was typed as its label; empty if nothing was.
        note: What was typed as a note.
        raw: The row as it stands: cells of a CSV file, or a line of JSON.
        problem: Why it cannot be used, whatever it says.
    """

    line: int
    id: str
    label: str
    note: str
    raw: tuple[str, ...] | str
    problem: str | None = None


@dataclass(frozen=True)
class Sheet:
    """What stands in the file.

    Attributes:
        rows: Its rows in order, empty ones left out.
        header: The first line of a CSV file; empty if there is no file yet.
        delimiter: Of a CSV file. Spreadsheets in some languages save with semicolons.
        mark: Whether it begins with a byte-order mark.
    """

    rows: tuple[Row, ...] = ()
    header: tuple[str, ...] = ()
    delimiter: str = ","
    mark: bool = False


def read_sheet(path: Path) -> Sheet:
    """Read the file; one that is not there has no rows.

    Raises:
        AnnotationError: It cannot be read as a whole: not UTF-8, a column is gone, or a quotation
            mark is not closed.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        return Sheet()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise AnnotationError(
            "the file is not UTF-8",
            where=f"{path}, line {line}",
            fix="save it as CSV UTF-8; nothing of it was taken yet",
        ) from error
    except OSError as error:
        raise AnnotationError(
            f"the file with people's labels cannot be read ({error.strerror})", where=str(path)
        ) from error
    mark = content.startswith(b"\xef\xbb\xbf")
    if path.suffix == ".jsonl":
        return Sheet(_rows_of_jsonl(text), mark=mark)
    return _sheet_of_csv(path, text, mark)


def _sheet_of_csv(path: Path, text: str, mark: bool) -> Sheet:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(_LONGEST_CELL)
    # Strict: a quotation mark that nobody closes would swallow the rows behind it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    try:
        header = tuple(name.strip() for name in next(reader, ()))
        for name in ("id", "label"):
            if name not in header:
                raise AnnotationError(
                    f"the column {name!r} is gone",
                    where=f"{path}, line 1",
                    fix="keep the first line as it was written; nothing of the file was taken yet",
                )
        rows: list[Row] = []
        begin = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_row_of_cells(begin, cells, header))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise AnnotationError(
            f"the row cannot be read ({error})",
            where=f"{path}, line {begin}",
            fix="close the quotation marks of its cells; nothing of the file was taken yet",
        ) from error
    return Sheet(tuple(rows), header, delimiter, mark)


def _row_of_cells(line: int, cells: Sequence[str], header: Sequence[str]) -> Row:
    named = dict(zip(header, cells, strict=False))
    item_id, label, note = (_plain(named.get(name, "").strip()) for name in OWN_COLUMNS)
    problem = None
    if any(cell.strip() for cell in cells[len(header) :]):
        problem = (
            f"the row has {len(cells)} cells and the first line {len(header)}; put a cell that "
            "holds the separator between quotation marks"
        )
    elif not item_id:
        problem = "the row has no id"
    return Row(line, item_id, label, note, tuple(cells), problem)


def _rows_of_jsonl(text: str) -> tuple[Row, ...]:
    # Not splitlines(): JSON may hold U+2028 and others that it takes for the end of a line.
    return tuple(
        _row_of_json(line, raw.rstrip("\r"))
        for line, raw in enumerate(text.split("\n"), start=1)
        if raw.strip()
    )


def _row_of_json(line: int, raw: str) -> Row:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return Row(line, "", "", "", raw, "this is not valid JSON")
    if not isinstance(row, dict) or row.get("id") in (None, ""):
        return Row(line, "", "", "", raw, "this is not an object with an id and a label")
    item_id, label, note = (
        "" if row.get(name) is None else str(row[name]).strip() for name in OWN_COLUMNS
    )
    return Row(line, item_id, label, note, raw)


def write_sheet(path: Path, sheet: Sheet, kept: Sequence[Row], items: Sequence[Item]) -> None:
    """Write rows as they stood, and behind them items that wait for a label.

    The old file stands until the new one is complete on disk.

    Args:
        path: The file.
        sheet: What stood in it; fixes its columns, delimiter and mark.
        kept: Rows of the old file.
        items: Items without a row.

    Raises:
        AnnotationError: The file cannot be written; the old one is as it was.
    """
    text = _jsonl(kept, items) if path.suffix == ".jsonl" else _csv(sheet, kept, items)
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            out.write(text.encode("utf-8-sig" if sheet.mark else "utf-8"))
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except OSError as error:
        raise AnnotationError(
            f"the file for people cannot be written ({error.strerror})",
            where=str(path),
            fix="close it in other programs, check its rights and the free space, and run again",
        ) from error


def _jsonl(kept: Sequence[Row], items: Sequence[Item]) -> str:
    lines = [str(row.raw) for row in kept]
    lines += [
        json.dumps({"id": item.id, **_shown(item), "label": "", "note": ""}, ensure_ascii=False)
        for item in items
    ]
    return "".join(f"{line}\n" for line in lines)


def _csv(sheet: Sheet, kept: Sequence[Row], items: Sequence[Item]) -> str:
    header: Sequence[str] = sheet.header
    if not header:
        header = ("id", *_shown(items[0]), "label", "note")
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=sheet.delimiter)
    writer.writerow(header)
    writer.writerows(row.raw for row in kept)
    for item in items:
        cells = {"id": _guarded_id(item.id)}
        cells |= {name: _guarded(text) for name, text in _shown(item).items()}
        writer.writerow([cells.get(name, "") for name in header])
    return out.getvalue()


def _shown(item: Item) -> dict[str, Any]:
    """The text columns; one that is called like a column of ours gets another name."""
    fields = item.fields or {"text": item.text}
    return {f"text:{name}" if name in OWN_COLUMNS else name: fields[name] for name in fields}


def _guarded(cell: str) -> str:
    """A text that a spreadsheet will not run as a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _guarded_id(cell: str) -> str:
    """An id that a spreadsheet will neither run nor turn into another number or a date."""
    return f"'{cell}" if _CHANGED_BY_SPREADSHEETS.match(cell) else _guarded(cell)


def _plain(cell: str) -> str:
    """A cell without the apostrophe of `_guarded`."""
    return cell[1:] if cell.startswith("'") and _guarded_id(cell[1:]) != cell[1:] else cell
