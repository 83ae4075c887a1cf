"""Synthetic items as rows of a table, and as the result of `llmal.generate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmal.core.records import SyntheticItem, Usage
from llmal.core.tables import Column
from llmal.functions.annotating import renamed
from llmal.functions.results import Generated
from llmal.functions.rows import Row
from llmal.generators import SynthesisResult
from llmal.generators.answers import answer_of
from llmal.generators.record import SyntheticRecord
from llmal.generators.rows import COLUMNS, fields_of, texts_of
from llmal.task import Task

ADDED = (COLUMNS[0], Column("synthetic", "flag"), *COLUMNS[1:], Column("provenance", "any"))


def table_columns(task: Task) -> tuple[list[Column], dict[str, str]]:
    """The columns of a table of synthetic items, and what those are called there that are not the
    task's: a text column keeps its name.
    """
    called = renamed([Column("id"), *ADDED], task.text)
    columns = [Column(called["id"]), *(Column(one) for one in task.text)]
    added = [Column(called[one.name], one.kind) for one in ADDED]
    # Where an item takes several labels, they are listed.
    added[0] = task.space.column(called["label"])
    return [*columns, *added], called


def table_rows(
    items: Sequence[SyntheticItem], task: Task, called: Mapping[str, str]
) -> Iterator[Row]:
    """Synthetic items as rows, those refused included.

    Args:
        items: The items.
        task: Its text columns are those of the table.
        called: As `table_columns` gives it.
    """
    for one in items:
        own = {
            "synthetic": True,
            **fields_of(one),
            "label": answer_of(task, one.label),
            "provenance": dict(one.provenance),
        }
        yield {**texts_of(one, task.text), **{called[key]: value for key, value in own.items()}}


def generated(synthesis: SynthesisResult, record: SyntheticRecord, cost: Usage) -> Generated:
    """What was written as a result."""
    return Generated(**result_of(synthesis, record, cost))


def result_of(synthesis: SynthesisResult, record: SyntheticRecord, cost: Usage) -> dict[str, Any]:
    """What a `Generated` is made with."""
    columns, called = table_columns(record.task)
    rows = list(table_rows(synthesis.items, record.task, called))
    short = {called[name] for name in ("accepted", "refused_by", "reason")}
    return {
        "rows": [
            {key: value for key, value in row.items() if key not in short}
            for row in rows
            if row[called["accepted"]]
        ],
        "columns": [one for one in columns if one.name not in short],
        "text": record.task.text,
        "added": {"label": called["label"]},
        "cost": cost,
        "refused": [row for row in rows if not row[called["accepted"]]],
        "missing": synthesis.missing,
        "counts": [one.as_dict() for one in synthesis.counts],
        "record": record,
    }
