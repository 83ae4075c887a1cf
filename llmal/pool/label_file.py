"""A file with the labels of some items of a pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer
from llmal.core.spelling import is_missing, written
from llmal.core.spreadsheets import unguard
from llmal.errors import DataError
from llmal.pool.ids import like, read_id
from llmal.pool.readers import DETECTED, Reading, counted_in, format_of, read_rows
from llmal.task import Task


class Identified(Protocol):
    """What labels are about: a pool, or rows with a column of ids."""

    @property
    def source(self) -> str:
        """What it is called in messages."""
        ...

    def ids(self) -> list[str]:
        """The id of each item."""
        ...

    def positions(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Where each of some ids stands.

        Raises:
            DataError: One is not there.
        """
        ...


@dataclass(frozen=True)
class LabelFile:
    """Labels of n items.

    Attributes:
        name: The file, for messages; empty if there is none.
        ids: Their ids, as the pool has them.
        positions: Shape (n,): the items, as positions in the pool.
        labels: The label of each.
        lines: Where it stands.
        givers: Who gave each, where a column says so.
    """

    name: str
    ids: tuple[str, ...]
    positions: NDArray[np.int64]
    labels: tuple[Answer, ...]
    lines: tuple[int, ...]
    givers: tuple[str, ...] | None = None

    @classmethod
    def read(
        cls,
        file: Path | None,
        pool: Identified,
        task: Task | None = None,
        reading: Reading = DETECTED,
        *,
        option: str = "--labels",
        giver: str | None = None,
    ) -> LabelFile:
        """Read the columns `id` and `label`; rows without a label are left out.

        Args:
            file: The file; none has no labels.
            pool: Holds the items. Ids are compared to the letter.
            task: Spells the labels; without it they are taken as they are written.
            reading: Its encoding; the rest of it is about the file of the pool.
            option: What the file is given by, for messages.
            giver: Column with who gave each label.

        Raises:
            DataError: The file cannot be read, gives an item two labels or one that is no label of
                the task, or knows an item that the pool does not.
        """
        if file is None:
            return cls("", (), np.zeros(0, dtype=np.int64), (), ())
        name = str(file)
        if not file.is_file():
            raise DataError("there is no such file", where=name, fix=f"check {option}")
        unit = counted_in(format_of(file, name))
        known: Known = {}
        givers: dict[int, str] = {}
        for line, row in read_rows(file, name, Reading(encoding=reading.encoding)):
            where = f"{name}, {unit} {line}"
            wanted = ("id", "label", *([] if giver is None else [giver]))
            for column in wanted:
                if column not in row:
                    fix = f"give the columns {', '.join(wanted[:-1])} and {wanted[-1]}"
                    raise DataError(f"the row has no {column!r}", where=where, fix=fix)
            try:
                label = _label(row["label"], task)
                item = None if label is None else read_id(row["id"])
            except DataError as error:
                raise DataError(error.what, where=where, fix=error.fix) from None
            if item is None or label is None:
                continue
            if giver is not None:
                givers[line] = name_of_giver(row[giver], giver, where)
            _check_one_label(known.setdefault(item, (line, label)), item, label, where)
        known = _of_pool(pool, known, f"{name}, {unit}")
        return cls(
            name,
            tuple(known),
            pool.positions(list(known)),
            tuple(label for _, label in known.values()),
            tuple(line for line, _ in known.values()),
            None if giver is None else tuple(givers[line] for line, _ in known.values()),
        )

    def columns(self, task: Task) -> NDArray[np.int64]:
        """The labels as targets of the task's space: shape (n,), the column of each; shape (n, C),
        where an item takes several.
        """
        return task.space.targets(self.labels)

    def __len__(self) -> int:
        return len(self.labels)


def name_of_giver(value: object, column: str, where: str) -> str:
    """Who gave a label, as a cell names them.

    Raises:
        DataError: It is empty, or no name.
    """
    try:
        name = "" if is_missing(value) else written(value).strip()
    except (TypeError, ValueError):
        name = ""
    if not name:
        raise DataError(
            f"the column {column!r} does not say who gave the label",
            where=where,
            fix="write a name, or name one person for all of them with by",
        )
    return name


def _label(value: object, task: Task | None) -> Answer | None:
    if task is not None:
        return task.match(value)
    if is_missing(value):
        return None
    try:
        return written(value).strip() or None
    except (TypeError, ValueError) as error:
        raise DataError(f"the label is {error}", fix="write each label as a string") from None


Known = dict[str, tuple[int, Answer]]
"""By id: a line and a label."""


def _of_pool(pool: Identified, known: Known, where: str) -> Known:
    """The same, each id as the pool has it: an apostrophe that guards one in a CSV file is off.

    Raises:
        DataError: The pool lacks an id, or one has two labels.
    """
    try:
        pool.positions(list(known))
    except DataError:
        there = set(pool.ids())
    else:
        return known
    result: Known = {}
    for written_id, (line, label) in known.items():
        id = written_id if written_id in there else unguard(written_id)
        if id not in there:
            near = like(id, there)
            hint = "" if near is None else f", did you mean {near!a}?"
            raise DataError(
                f"there is no item with the id {written_id!r} in {pool.source}",
                where=f"{where} {line}",
                fix=f"check that the labels are of this file; --id names its id column{hint}",
            )
        _check_one_label(result.setdefault(id, (line, label)), id, label, f"{where} {line}")
    return result


def _check_one_label(earlier: tuple[int, Answer], id: str, label: Answer, where: str) -> None:
    line, other = earlier
    if other != label:
        raise DataError(
            f"item {id!r} is {label!r} here and {other!r} on line {line}",
            where=where,
            fix="keep one of them",
        )
