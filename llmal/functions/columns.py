"""Columns of a table by what they hold, each cell with the line that it stands in."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from llmal.core.records import Answer
from llmal.core.spelling import is_missing, written
from llmal.errors import DataError
from llmal.functions.rows import InputRows, open_table
from llmal.pool.columns import missing_column
from llmal.pool.readers import DETECTED, Reading
from llmal.task import Task
from llmal.task.labels import look_alikes

log = logging.getLogger("llmal.functions")


@dataclass(frozen=True)
class Cells:
    """One column.

    Attributes:
        name: Its name.
        values: Its cells; None where one is empty.
        lines: Where each row begins.
        source: The table, for messages.
        unit: What its rows are counted in.
    """

    name: str
    values: tuple[Any, ...]
    lines: tuple[int, ...]
    source: str
    unit: str

    def where(self, row: int) -> str:
        """Where a row stands, for messages."""
        return f"{self.source}, {self.unit} {self.lines[row]}, column {self.name!r}"

    def names(self) -> list[str | None]:
        """The cells as text without space around it.

        Raises:
            DataError: One has no one spelling.
        """
        return [None if one is None else self._name(row) for row, one in enumerate(self.values)]

    def _name(self, row: int) -> str | None:
        try:
            return written(self.values[row]).strip() or None
        except (TypeError, ValueError) as error:
            raise DataError(f"the cell is {error}", where=self.where(row)) from None

    def answers(self, task: Task) -> list[Answer | None]:
        """The cells as answers of a task.

        Raises:
            DataError: One is none, with its line.
        """
        return [
            None if one is None else self._answer(row, task) for row, one in enumerate(self.values)
        ]

    def _answer(self, row: int, task: Task) -> Answer | None:
        try:
            return task.match(self.values[row])
        except DataError as error:
            raise DataError(
                error.what, where=self.where(row), fix=_with_cure(error, task)
            ) from None

    def numbers(self) -> list[float | None]:
        """The cells as numbers.

        Raises:
            DataError: One is none, or not finite.
        """
        return [None if one is None else self._number(row) for row, one in enumerate(self.values)]

    def _number(self, row: int) -> float:
        value = self.values[row]
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if number != number or number in (float("inf"), float("-inf")):
            raise DataError(
                f"the cell is {value!r}", where=self.where(row), fix="write a finite number"
            )
        return number


def read_columns(
    data: Any, columns: Iterable[tuple[str, str]], reading: Reading = DETECTED
) -> dict[str, Cells]:
    """Columns of a file, a frame, a data set or rows.

    Args:
        data: The table.
        columns: What each column holds, for messages ("machine label"), and its name.
        reading: How a file is read.

    Raises:
        DataError: It cannot be read, or lacks a column.
    """
    return columns_of(open_table(data, reading=reading), columns)


def columns_of(table: InputRows, columns: Iterable[tuple[str, str]]) -> dict[str, Cells]:
    """Columns of a table that is open already; see `read_columns`.

    Raises:
        DataError: It lacks one.
    """
    wanted = list(columns)
    for role, name in wanted:
        if name not in table.names:
            raise missing_column(name, role, table.names, table.name)
    names = list(dict.fromkeys(name for _, name in wanted))
    values: dict[str, list[Any]] = {name: [] for name in names}
    lines: list[int] = []
    for line, row in table.read():
        lines.append(line)
        for name in names:
            cell = row.get(name)
            empty = is_missing(cell) or (isinstance(cell, str) and not cell.strip())
            values[name].append(None if empty else cell)
    return {
        name: Cells(name, tuple(values[name]), tuple(lines), table.name, table.unit)
        for name in names
    }


def task_of_cells(cells: Sequence[Cells], labels: Any, kind: Any, name: str) -> Task:
    """The task of labels that are named, or of those that stand in some columns.

    Raises:
        ConfigError: There are no labels, or they are not usable.
        DataError: A cell is no text.
    """
    from llmal.functions.tasks import task_of

    seen = [] if labels is not None else [one for column in cells for one in column.names()]
    if labels is None:
        _warn_of_look_alikes(sorted({*filter(None, seen)}), cells)
    if labels is None and kind == "single" and len(set(filter(None, seen))) == 1:
        # A task has two labels or more, and who all say the same agree.
        seen.append("(another)")
    return task_of(labels, text=("text",), name=name, seen=seen, kind=kind)


def _with_cure(error: DataError, task: Task) -> str | None:
    """How to mend a cell that is no label, where the labels that there are look alike."""
    if not look_alikes(task.names):
        return error.fix
    cure = "name all labels, each once (--labels, or labels=), and those that look alike are one"
    return cure if error.fix is None else f"{error.fix}, or {cure}"


def _warn_of_look_alikes(names: Sequence[str], cells: Sequence[Cells]) -> None:
    """Say so where labels that occur differ in little: whoever meant one is counted as wrong."""
    for alike in look_alikes(names):
        log.warning(
            "%s: %s differ in case or spaces alone and are taken for different labels; name all "
            "labels (--labels, or labels=) and they are read as one",
            cells[0].source,
            " and ".join(map(repr, alike)),
        )
