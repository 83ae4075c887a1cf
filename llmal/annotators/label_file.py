"""The file in which people label: read with every row checked for form, and written in one go."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmal.annotators.label_help import WRITE, first_line_cell
from llmal.annotators.label_workbook import read_workbook, workbook_bytes
from llmal.core.files import write_whole
from llmal.core.records import Item
from llmal.core.spreadsheets import guard, unguard
from llmal.errors import AnnotationError
from llmal.pool.text_file import marked_encoding
from llmal.task import Task

OWN_COLUMNS = ("id", "label", "note")
SUFFIXES = (".csv", ".xlsx", ".jsonl")

_LONGEST_CELL = 2**31 - 1


@dataclass(frozen=True)
class Row:
    """A row that stands in the file.

    Attributes:
        line: Where it begins, counted from 1.
        id: The item that it names, to the letter.
        label: What was typed as its label; empty if nothing was.
        note: What was typed as a note.
        shown: The other cells, by column.
        raw: The row as it stands: cells of a table, or a line of JSON.
        problem: Why it cannot be used, whatever it says.
    """

    line: int
    id: str
    label: str
    note: str
    shown: Mapping[str, str]
    raw: tuple[str, ...] | str
    problem: str | None = None


@dataclass(frozen=True)
class Sheet:
    """What stands in the file.

    Attributes:
        rows: Its rows in order, empty ones left out.
        header: The first line of a table; empty if there is no file yet.
        delimiter: Of a CSV file. Spreadsheets in some languages save with semicolons.
        encoding: Of a CSV file.
        stamp: Tells whether the file has been saved since; None if there was none.
    """

    rows: tuple[Row, ...] = ()
    header: tuple[str, ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    stamp: tuple[int, int] | None = field(default=None, compare=False)


def stamp_of(path: Path) -> tuple[int, int] | None:
    """What changes when a file is saved; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


def read_sheet(path: Path) -> Sheet:
    """Read the file; one that is not there has no rows.

    A CSV file may have been saved as spreadsheets do: with commas, semicolons or tabs, in UTF-8, in
    UTF-16, or in the Windows code page of western Europe.

    Raises:
        AnnotationError: It cannot be read as a whole: a column is gone, a quotation mark is not
            closed, or it is no file of its kind.
    """
    stamp = stamp_of(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Sheet()
    except OSError as error:
        raise AnnotationError(
            f"the file with people's labels cannot be read ({error.strerror})",
            where=str(path),
            fix="check what stands there, and the rights to read it",
        ) from error
    if path.suffix == ".xlsx":
        lines = read_workbook(content, path)
        header, rows = _table(path, lines)
        return Sheet(rows, header, stamp=stamp)
    text, encoding = _decoded(content, path)
    if path.suffix == ".jsonl":
        return Sheet(_rows_of_jsonl(text), encoding=encoding, stamp=stamp)
    delimiter = _delimiter(text)
    header, rows = _table(path, _lines_of_csv(path, text, delimiter))
    return Sheet(rows, header, delimiter, encoding, stamp)


def _decoded(content: bytes, path: Path) -> tuple[str, str]:
    marked = marked_encoding(content)
    encoding = "utf-8-sig" if marked == "utf-8" else marked or "utf-8"
    try:
        return content.decode(encoding), encoding
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and path.suffix == ".csv":
            # What Excel saves as plain "CSV" in most of Europe and America.
            return content.decode("cp1252", "replace"), "cp1252"
        line = content.count(b"\n", 0, error.start) + 1
        raise AnnotationError(
            f"the file is not {encoding.removesuffix('-sig').upper()}",
            where=f"{path}, line {line}",
            fix="save it as UTF-8; nothing of it was taken yet",
        ) from error


def _delimiter(text: str) -> str:
    """The one by which the first line has the columns id and label, or a cell with all of them."""
    first = text.partition("\n")[0]
    candidates = sorted(",;\t", key=first.count, reverse=True)
    headers = {
        one: [name.strip() for name in next(csv.reader([first], delimiter=one), [])]
        for one in candidates
    }
    for one, header in headers.items():
        if {"id", "label"} <= {*header}:
            return one
    return next((one for one in ";\t" if _in_one_cell(headers[one])), candidates[0])


def _in_one_cell(header: Sequence[str]) -> bool:
    """Whether a spreadsheet that expects semicolons has saved a file that had commas."""
    return bool(header) and {"id", "label"} <= {*header[0].split(",")}


def _lines_of_csv(path: Path, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    csv.field_size_limit(_LONGEST_CELL)
    # Strict: a quotation mark that nobody closes would swallow the rows behind it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[tuple[int, list[str]]] = []
    begin = 1
    try:
        for cells in reader:
            lines.append((begin, cells))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise AnnotationError(
            f"the row cannot be read ({error})",
            where=f"{path}, line {begin}",
            fix="close the quotation marks of its cells; nothing of the file was taken yet",
        ) from error
    return lines


def _table(
    path: Path, lines: Sequence[tuple[int, Sequence[str]]]
) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    header = tuple(name.strip() for name in (lines[0][1] if lines else ()))
    for name in ("id", "label"):
        if header.count(name) != 1:
            what = f"there are several columns {name!r}" if name in header else None
            fix = "keep the first line as it was written; nothing of the file was taken yet"
            if _in_one_cell(header):
                what = "every row stands in one cell"
                fix = "open the file by the import of the spreadsheet, with commas, or have it "
                fix += "written as Excel (file: to_label.xlsx); nothing of it was taken yet"
            raise AnnotationError(
                what or f"the column {name!r} is gone", where=f"{path}, line 1", fix=fix
            )
    rows = (
        _row_of_cells(line, cells, header)
        for line, cells in lines[1:]
        if any(cell.strip() for cell in cells)
    )
    return header, tuple(rows)


def _row_of_cells(line: int, cells: Sequence[str], header: Sequence[str]) -> Row:
    named = dict(zip(header, cells, strict=False))
    problem = None
    if any(cell.strip() for cell in cells[len(header) :]):
        problem = (
            f"the row has {len(cells)} cells and the first line {len(header)}; put a cell that "
            "holds the separator between quotation marks"
        )
    elif not named.get("id", "").strip():
        problem = "the row has no id; write its id back, or remove the row"
    return Row(
        line,
        unguard(named.pop("id", "")),
        unguard(named.pop("label", "").strip()),
        unguard(named.pop("note", "").strip()),
        {name: unguard(cell) for name, cell in named.items()},
        tuple(cells),
        problem,
    )


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
        return Row(line, "", "", "", {}, raw, "this is not valid JSON")
    if not isinstance(row, dict) or row.get("id") in (None, ""):
        return Row(line, "", "", "", {}, raw, "this is not an object with an id and a label")
    cells = {name: "" if value is None else str(value) for name, value in row.items()}
    return Row(
        line,
        cells.pop("id"),
        cells.pop("label", "").strip(),
        cells.pop("note", "").strip(),
        cells,
        raw,
    )


def shown_texts(item: Item) -> dict[str, str]:
    """The text columns; one that is called like a column of ours gets another name."""
    fields = item.fields or {"text": item.text}
    return {_free(name, "text"): fields[name] for name in fields}


def _free(name: str, what: str) -> str:
    return f"{what}:{name}" if name in OWN_COLUMNS else name


def _shown(item: Item, context: Sequence[str]) -> dict[str, Any]:
    """What is shown of an item beside its id: its texts, and the cells around them."""
    around = {_free(name, "context"): item.extra.get(name) for name in context}
    return {**shown_texts(item), "label": "", "note": "", **around}


def write_sheet(
    path: Path,
    sheet: Sheet,
    kept: Sequence[Row],
    items: Sequence[Item],
    *,
    task: Task,
    context: Sequence[str] = (),
    help_file: str = "",
) -> None:
    """Write rows as they stood, and behind them items that wait for a label.

    The old file stands until the new one is complete on disk.

    Args:
        path: The file.
        sheet: What stood in it; fixes its columns, delimiter and encoding.
        kept: Rows of the old file.
        items: Items without a row.
        task: Its labels are named in the file.
        context: Columns of the pool that are shown beside the texts.
        help_file: Name of the file that says how to label.

    Raises:
        AnnotationError: The file cannot be written; the old one is as it was.
    """
    if path.suffix == ".jsonl":
        content = _jsonl(kept, items, context).encode("utf-8", "replace")
    else:
        plain = path.suffix == ".xlsx"
        header = _told_anew(sheet.header, task, help_file)
        if not header:
            header = ("id", *_shown(items[0], context))
            # An Excel file has a sheet for it.
            header = header if plain else (*header, first_line_cell(task, help_file))
        lines = [list(row.raw) for row in kept]
        lines += [_cells(item, header, context, plain=plain) for item in items]
        if plain:
            content = workbook_bytes(header, lines, task)
        else:
            content = _csv(header, lines, sheet.delimiter).encode(*_encoding(sheet.encoding))
    write_for_people(path, content)


def _told_anew(header: tuple[str, ...], task: Task, help_file: str) -> tuple[str, ...]:
    """A first line with the labels of now."""
    told = first_line_cell(task, help_file)
    return tuple(told if cell.startswith(WRITE) else cell for cell in header)


def write_for_people(path: Path, content: bytes) -> None:
    """Write a file beside its place and put it there; one that holds the same is left alone.

    Raises:
        AnnotationError: It cannot be written; the old one is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise AnnotationError(
            f"the file for people cannot be written ({error.strerror})",
            where=str(path),
            fix="close it in other programs, check its rights and the free space, and run again",
        ) from error


def _encoding(name: str) -> tuple[str, str]:
    # A code page has no form for most of what texts hold.
    return ("utf-8-sig" if name == "cp1252" else name, "replace")


def _jsonl(kept: Sequence[Row], items: Sequence[Item], context: Sequence[str]) -> str:
    lines = [str(row.raw) for row in kept]
    lines += [
        json.dumps({"id": item.id, **_shown(item, context)}, ensure_ascii=False) for item in items
    ]
    return "".join(f"{line}\n" for line in lines)


def _cells(item: Item, header: Sequence[str], context: Sequence[str], *, plain: bool) -> list[str]:
    shown = {"id": item.id, **_shown(item, context)}
    cells = (shown.get(name) for name in header)
    return [guard(one) if isinstance(one, str) and not plain else _as_text(one) for one in cells]


def _as_text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)


def _csv(header: Sequence[str], lines: Sequence[Sequence[str]], delimiter: str) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(header)
    writer.writerows(lines)
    return out.getvalue()
