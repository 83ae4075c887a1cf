"""A file with the labels of some items of a pool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmal.errors import DataError
from llmal.pool import Pool
from llmal.pool.ids import like, read_id
from llmal.pool.readers import format_of, read_rows
from llmal.spelling import is_missing, written
from llmal.task import Task


@dataclass(frozen=True)
class LabelFile:
    """Labels of n items.

    Attributes:
        name: The file, for messages; empty if there is none.
        positions: Shape (n,): the items, as positions in the pool.
        labels: The label of each.
        lines: Where it stands.
    """

    name: str
    positions: NDArray[np.int64]
    labels: tuple[str, ...]
    lines: tuple[int, ...]

    @classmethod
    def read(cls, file: Path | None, pool: Pool, task: Task | None = None) -> LabelFile:
        """Read the columns `id` and `label`; rows without a label are left out.

        Args:
            file: The file; none has no labels.
            pool: Holds the items. Ids are compared to the letter.
            task: Spells the labels; without it they are taken as they are written.

        Raises:
            DataError: The file cannot be read, gives an item two labels or one that is no label of
                the task, or knows an item that the pool does not.
        """
        if file is None:
            return cls("", np.zeros(0, dtype=np.int64), (), ())
        name = str(file)
        if not file.is_file():
            raise DataError("there is no such file", where=name, fix="check --labels")
        format_of(file, name)
        known: dict[str, tuple[int, str]] = {}
        for line, row in read_rows(file, name):
            where = f"{name}, line {line}"
            for column in ("id", "label"):
                if column not in row:
                    fix = "give the columns id and label"
                    raise DataError(f"the row has no {column!r}", where=where, fix=fix)
            try:
                label = _label(row["label"], task)
                item = None if label is None else read_id(row["id"])
            except DataError as error:
                raise DataError(error.what, where=where, fix=error.fix) from None
            if item is None or label is None:
                continue
            earlier = known.setdefault(item, (line, label))
            if earlier[1] != label:
                raise DataError(
                    f"item {item!r} is {label!r} here and {earlier[1]!r} on line {earlier[0]}",
                    where=where,
                    fix="keep one of them",
                )
        return cls(
            name,
            _positions(pool, known, name),
            tuple(label for _, label in known.values()),
            tuple(line for line, _ in known.values()),
        )

    def columns(self, task: Task) -> NDArray[np.int64]:
        """Shape (n,): the column of each label."""
        return np.array([task.index(label) for label in self.labels], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.labels)


def _label(value: object, task: Task | None) -> str | None:
    if task is not None:
        return task.match(value)
    if is_missing(value):
        return None
    try:
        return written(value).strip() or None
    except (TypeError, ValueError) as error:
        raise DataError(f"the label is {error}", fix="write each label as a string") from None


def _positions(pool: Pool, known: dict[str, tuple[int, str]], name: str) -> NDArray[np.int64]:
    try:
        return pool.positions(list(known))
    except DataError:
        there = set(pool.ids())
    for id, (line, _) in known.items():
        if id in there:
            continue
        near = like(id, there)
        hint = "" if near is None else f", did you mean {near!a}?"
        raise DataError(
            f"there is no item with the id {id!r} in {pool.source}",
            where=f"{name}, line {line}",
            fix=f"check that the labels are of this file; --id names its id column{hint}",
        )
    raise AssertionError("every id is there")
