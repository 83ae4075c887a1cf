"""A file with the labels of some items of a pool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmal.errors import DataError
from llmal.pool import Pool
from llmal.pool.readers import format_of, read_rows
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
    def read(cls, file: Path | None, pool: Pool) -> LabelFile:
        """Read the columns `id` and `label`; rows without a label are left out.

        Raises:
            DataError: The file cannot be read, gives an item two labels, or knows an item that the
                pool does not.
        """
        if file is None:
            return cls("", np.zeros(0, dtype=np.int64), (), ())
        name = str(file)
        if not file.is_file():
            raise DataError("there is no such file", where=name, fix="check --labels")
        format_of(file, name)
        found: dict[str, tuple[int, str]] = {}
        for line, row in read_rows(file, name):
            where = f"{name}, line {line}"
            for column in ("id", "label"):
                if row.get(column) is None:
                    raise DataError(
                        f"the row has no {column!r}",
                        where=where,
                        fix="give the columns id and label",
                    )
            item, label = str(row["id"]), str(row["label"])
            if label == "":
                continue
            known = found.setdefault(item, (line, label))
            if known[1] != label:
                raise DataError(
                    f"item {item!r} has another label on line {known[0]}",
                    where=where,
                    fix="keep one of them",
                )
        return cls(
            name,
            _positions(pool, found, name),
            tuple(label for _, label in found.values()),
            tuple(line for line, _ in found.values()),
        )

    def columns(self, task: Task) -> NDArray[np.int64]:
        """Shape (n,): the column of each label.

        Raises:
            DataError: One is no label of the task.
        """
        made = np.zeros(len(self), dtype=np.int64)
        for row, label in enumerate(self.labels):
            try:
                made[row] = task.index(label)
            except DataError as error:
                where = f"{self.name}, line {self.lines[row]}"
                raise DataError(error.what, where=where, fix=error.fix) from None
        return made

    def __len__(self) -> int:
        return len(self.labels)


def _positions(pool: Pool, found: dict[str, tuple[int, str]], name: str) -> NDArray[np.int64]:
    try:
        return pool.positions(list(found))
    except DataError:
        for one, (line, _) in found.items():
            _check(pool, one, f"{name}, line {line}")
        raise


def _check(pool: Pool, id: str, where: str) -> None:
    try:
        pool.positions([id])
    except DataError:
        raise DataError(
            f"there is no item with the id {id!r} in {pool.source}",
            where=where,
            fix="check that the labels are of this file; --id names its id column",
        ) from None
