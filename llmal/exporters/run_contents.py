"""What the tables of a run are made from, and what they share."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from llmal.core.tables import Column
from llmal.ledger import Ledger
from llmal.pool.input_columns import InputColumns
from llmal.run.items import RunItems
from llmal.task import Task

Progress = Callable[[str, int, int], None]

USAGE = (
    Column("requests", "whole"),
    Column("prompt_tokens", "whole"),
    Column("completion_tokens", "whole"),
    Column("cached_tokens", "whole"),
    Column("seconds", "number"),
    Column("money", "number"),
    Column("human_labels", "whole"),
)


class RunContents:
    """What the tables of a run are made from.

    Args:
        task: Its task.
        items: Its items.
        ledger: Its ledger.
        progress: Told how far a table is.
    """

    def __init__(self, task: Task, items: RunItems, ledger: Ledger, progress: Progress) -> None:
        self.task = task
        self.items = items
        self.pool = items.pool
        self.ledger = ledger
        self.progress = progress

    def beside_input(self, own: Sequence[Column]) -> tuple[InputColumns, list[Column]]:
        """The columns of a table that holds items: id, those of the input, and its own."""
        inputs = InputColumns(self.pool, ["id", *(one.name for one in own)])
        columns = [Column(inputs.own["id"])]
        columns += [Column(name, kind) for name, kind in inputs.columns.items()]
        columns += [replace(one, name=inputs.own[one.name]) for one in own]
        return inputs, columns


def named(inputs: InputColumns, own: dict[str, Any]) -> dict[str, Any]:
    """Values by what their columns are called beside those of the input."""
    return {inputs.own[name]: value for name, value in own.items() if name in inputs.own}


def moment(seconds: float) -> str:
    """A point in time as text that sorts, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")
