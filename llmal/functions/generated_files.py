"""Files of synthetic items: written with how they were made beside them, and read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmal.core.files import read_json
from llmal.core.records import SyntheticItem, Usage
from llmal.core.tables import Format, write_table
from llmal.errors import DataError
from llmal.exporters.protocol import Companion
from llmal.exporters.writing import companion_of, write_beside
from llmal.functions.generated_rows import table_columns, table_rows
from llmal.functions.rows import Row, open_table
from llmal.generators.origin import Origin
from llmal.generators.record import SyntheticRecord
from llmal.task import Task

ORIGIN = "origin.json"
"""What stands beside a file of items, after the name of the file: how they were made."""


def write_record(path: Path, format: Format, record: SyntheticRecord) -> None:
    """Write all items, those refused included, and beside them how they were made.

    Raises:
        LlmalError: It cannot be written.
    """
    columns, called = table_columns(record.task)
    write_table(path, format, columns, table_rows(record.items, record.task, called))
    write_origin(path, record.origin)


def write_origin(path: Path, origin: Origin | None) -> None:
    """Write beside a file of items how they were made.

    Raises:
        LlmalError: It cannot be written.
    """
    content = None
    if origin is not None:
        content = json.dumps(origin.as_dict(), ensure_ascii=False, indent=1) + "\n"
    write_beside(path, [Companion(ORIGIN, content)])


def read_record(path: Path, task: Task, **more: Any) -> SyntheticRecord:
    """The items of a file that `llmal generate` wrote, or `llmal export --what synthetic`.

    Args:
        path: The file.
        task: Its text columns and labels are those of the items.
        **more: What else the record holds.

    Raises:
        DataError: It is no such file, or has a label that the task lacks.
    """
    rows = open_table(path, what="the items")
    _, names = table_columns(task)
    # The export of a run also gives way to columns of the pool that are not in the file.
    called = {
        own: f"llmal_{name}" if name not in rows.names and f"llmal_{name}" in rows.names else name
        for own, name in names.items()
    }
    needed = [*task.text, called["label"], called["generator"]]
    missing = [name for name in needed if name not in rows.names]
    if missing:
        raise DataError(
            f"this is no file of synthetic items: it has no column {missing[0]!r}",
            where=str(path),
            fix="name a file that llmal generate wrote, or llmal export --what synthetic",
        )
    items = []
    for number, row in rows.read():
        where = f"{path}, {rows.unit} {number}"
        items.append(_item(row, task, called, where))
    beside = companion_of(path, ORIGIN)
    origin = Origin.from_dict(read_json(beside), str(beside)) if beside.is_file() else None
    return SyntheticRecord(items, task, origin, **more)


def _item(row: Row, task: Task, called: Mapping[str, str], where: str) -> SyntheticItem:
    label = _label(row[called["label"]], task, where)
    fields = {name: "" if row[name] is None else str(row[name]) for name in task.text}
    provenance = _provenance(row.get(called["provenance"]), where)
    if len(fields) > 1:
        provenance["fields"] = fields
    usage = {
        name: value
        for name, value in ((one, row.get(one)) for one in Usage().as_dict())
        if isinstance(value, int | float)
    }
    return SyntheticItem(
        id=str(row.get(called["id"])),
        text="\n".join(fields.values()),
        label=label,
        generator=str(row[called["generator"]]),
        accepted=_flag(row.get(called["accepted"]), where),
        refused_by=_text(row.get(called["refused_by"])),
        reason=_text(row.get(called["reason"])),
        usage=Usage(**usage),  # type: ignore[arg-type]
        provenance=provenance,
    )


def _label(value: object, task: Task, where: str) -> str:
    try:
        answer = task.space.match(value)
    except DataError as error:
        raise DataError(error.what, where=where, fix=error.fix) from None
    if answer is None:
        raise DataError("the item has no label", where=where, fix="write the items anew")
    return task.space.write(answer)


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)


def _flag(value: object, where: str) -> bool:
    """Whether an item was accepted; a file of rows of Python's has those alone, and no column."""
    if value is None or value is True or value is False:
        return value is not False
    said = str(value).strip().casefold()
    if said not in ("true", "false", ""):
        raise DataError(f"'accepted' is {value!r}", where=where, fix="it must be true or false")
    return said != "false"


def _provenance(value: object, where: str) -> dict[str, Any]:
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, Mapping):
        raise DataError("the provenance is no JSON object", where=where, fix="write the items anew")
    return dict(value)
