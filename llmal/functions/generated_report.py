"""The report on synthetic items, and the sample of them that a person judges."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmal.core.records import Item, SyntheticItem
from llmal.core.tables import Column, check_output, check_place, free_name, write_table
from llmal.errors import ConfigError, DataError
from llmal.functions.generated_rows import table_columns
from llmal.functions.models import embedder_of
from llmal.functions.rows import Row, open_rows, open_table
from llmal.generators.record import SyntheticRecord
from llmal.generators.rows import texts_of
from llmal.report.synthetic import (
    JudgedSample,
    collect_synthetic,
    drawn_sample,
    render_synthetic,
)
from llmal.report.write import write_report
from llmal.task import Task

if TYPE_CHECKING:
    from llmal.embed import Embedder
    from llmal.functions.results import Generated

RIGHT = "right"
_SAID = {
    **dict.fromkeys(("yes", "y", "true", "1", "right"), True),
    **dict.fromkeys(("no", "n", "false", "0", "wrong"), False),
}


def report_of(
    result: Generated,
    path: str | os.PathLike[str],
    *,
    real: Any,
    embedder: Embedder | str | os.PathLike[str] | None,
    audit: str | os.PathLike[str] | None,
    force: bool,
) -> Path:
    """Write the report of a result; see `Generated.report`."""
    record = result.record
    if real is not None:
        rows = open_rows(real, record.task.text, what="real")
        found = (rows.item(row) for row in rows)
        record = replace(record, real=[one for one in found if isinstance(one, Item)])
    if embedder is not None:
        record = replace(record, embedder=embedder_of(embedder))
    page = Path(path).expanduser()
    sheet = None if audit is None else Path(audit).expanduser()
    check_report(page, sheet, force=force)
    return write_synthetic_report(record, page, sheet)


def check_report(page: Path, sheet: Path | None, *, force: bool) -> None:
    """See that a report can be written, before work is spent on it.

    Raises:
        ConfigError: Something is there already, or a name does not end as it must.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        raise ConfigError("the report is a page", where=str(page), fix="end its name in .html")
    check_place(page, force=force, option="--report")
    if sheet is not None:
        check_output(sheet, force=True, option="--audit")


def write_synthetic_report(record: SyntheticRecord, page: Path, sheet: Path | None) -> Path:
    """Write the report on synthetic items; returns its path.

    Args:
        record: The items.
        page: Where.
        sheet: The sample that a person judges. Where it is not there it is drawn and written.

    Raises:
        DataError: No item was written, or the sheet cannot be read.
        LlmalError: A file cannot be written.
    """
    if not record.items:
        raise DataError("there are no synthetic items to report on", fix="write some first")
    sample = None
    if sheet is not None:
        drawn = drawn_sample(record.accepted, record.seed)
        if not drawn:
            raise DataError(
                "no item was accepted, so there are no labels to audit",
                where=str(sheet),
                fix="leave the audit out",
            )
        if not sheet.exists():
            write_sheet(sheet, drawn, record.task)
        sample = read_sheet(sheet, drawn, record.task)
    return write_report(page, collect_synthetic(record, sample), page=render_synthetic)


def write_sheet(path: Path, drawn: Sequence[SyntheticItem], task: Task) -> None:
    """Write the sample with an empty column `right` for a person to fill in with yes or no.

    Raises:
        LlmalError: It cannot be written.
    """
    columns, called = _columns(task)
    rows = [
        {**texts_of(item, task.text), called["id"]: item.id, called["label"]: item.label}
        for item in drawn
    ]
    write_table(path, check_output(path, force=False), columns, rows)


def read_sheet(path: Path, drawn: Sequence[SyntheticItem], task: Task) -> JudgedSample:
    """What a person wrote into the sample. Rows that are empty there, or gone, are not judged.

    Raises:
        DataError: It is not the sample of these items, or says something else than yes or no.
    """
    rows = open_table(path, what="the audit")
    _, called = _columns(task)
    for name in (called["id"], called["label"], called[RIGHT]):
        if name not in rows.names:
            raise DataError(
                f"the audit has no column {name!r}",
                where=str(path),
                fix="keep all columns, or have a sample drawn into a new file",
            )
    of_id = {item.id: item for item in drawn}
    right: dict[str, bool] = {}
    for number, row in rows.read():
        where = f"{path}, {rows.unit} {number}"
        item = of_id.get(str(row[called["id"]]))
        if item is None or not _is_of(row, item, called["label"], task):
            raise DataError(
                "this is no row of the sample that was drawn from these items",
                where=where,
                fix="judge the sample as it was written, or have a new one drawn into a new file",
            )
        said = str("" if row[called[RIGHT]] is None else row[called[RIGHT]]).strip().casefold()
        said = said.removesuffix(".0")  # what a spreadsheet makes of 1
        if said and said not in _SAID:
            raise DataError(
                f"{called[RIGHT]!r} is {row[called[RIGHT]]!r}", where=where, fix="write yes or no"
            )
        if said:
            if item.id in right:
                raise DataError("the item is there twice", where=where, fix="keep one row")
            right[item.id] = _SAID[said]
    return JudgedSample(drawn, right, path.name)


def _is_of(row: Row, item: SyntheticItem, label: str, task: Task) -> bool:
    if str(row[label]) != item.label:
        return False
    texts = texts_of(item, task.text)
    # Spreadsheets change the ends of lines and of texts.
    return all(str(row.get(name) or "").split() == text.split() for name, text in texts.items())


def _columns(task: Task) -> tuple[list[Column], dict[str, str]]:
    _, called = table_columns(task)
    called[RIGHT] = free_name(RIGHT, {*task.text})
    names = [called["id"], *task.text, called["label"], called[RIGHT]]
    return [Column(name) for name in names], called
