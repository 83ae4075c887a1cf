"""An Excel file in which people label: with labels to choose from, and a sheet on how to."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from llmal.annotators.label_help import SKIP, help_lines
from llmal.core.spreadsheets import MOST_ROWS
from llmal.core.tables import text_cell
from llmal.errors import AnnotationError
from llmal.pool.workbook import cell_text
from llmal.task import Task

_ITEMS = "items"
_HELP = "how to label"
_LABELS = "labels"
_WIDE = 60
_NARROW = 18


def read_workbook(content: bytes, path: Path) -> list[tuple[int, list[str]]]:
    """The lines of the first sheet that has the columns id and label, each with its number.

    Raises:
        AnnotationError: It is no Excel file.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise AnnotationError(
            f"the file is no Excel file ({error})",
            where=str(path),
            fix="save it as .xlsx; nothing of it was taken yet",
        ) from error
    try:
        first: list[tuple[int, list[str]]] = []
        for sheet in book.worksheets:
            lines = [
                (line, [cell_text(cell) for cell in row])
                for line, row in enumerate(sheet.iter_rows(), start=1)
            ]
            header = [name.strip() for name in lines[0][1]] if lines else []
            if {"id", "label"} <= {*header}:
                return lines
            first = first or lines
        return first
    finally:
        book.close()


def workbook_bytes(header: Sequence[str], lines: Sequence[Sequence[str]], task: Task) -> bytes:
    """The file as a whole: the items, how to label them, and the labels to choose from.

    Raises:
        AnnotationError: There are more lines than a sheet holds.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.datavalidation import DataValidation

    if len(lines) >= MOST_ROWS:
        raise AnnotationError(
            f"a sheet of Excel holds {MOST_ROWS - 1:,} rows, and {len(lines):,} items wait",
            fix="use a .csv file",
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_ITEMS)
    sheet.freeze_panes = "A2"
    for number, name in enumerate(header):
        own = name in ("id", "label")
        sheet.column_dimensions[_letter(number)].width = _NARROW if own else _WIDE
    bold, wrapped = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    top = [text_cell(sheet, name) for name in header]
    for cell in top:
        cell.font = bold
    sheet.append(top)
    for line in lines:
        cells = [text_cell(sheet, cell) for cell in line]
        for cell in cells:
            cell.alignment = wrapped
        sheet.append(cells)
    choices = [*task.space.form.choices, SKIP]
    validation = DataValidation(
        type="list",
        formula1=f"={_LABELS}!$A$1:$A${len(choices)}",
        allow_blank=True,
        showErrorMessage=True,
        errorTitle="no label",
        error=f"Choose one of the labels, or {SKIP} to skip the item.",
    )
    column = _letter(list(header).index("label"))
    validation.add(f"{column}2:{column}{max(2, len(lines) + 1)}")
    if task.space.form.choices:
        sheet.data_validations.append(validation)
    how = book.create_sheet(_HELP)
    how.column_dimensions["A"].width = 100
    for text in help_lines(task, f'The items are on the sheet "{_ITEMS}".'):
        how.append([text_cell(how, text)])
    labels = book.create_sheet(_LABELS)
    for name in [*task.names, SKIP]:
        labels.append([text_cell(labels, name)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _letter(number: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(number + 1))
