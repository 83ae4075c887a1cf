"""Labels of any system with their scores, and what people said of those that were audited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import fingerprint
from llmal.core.records import Answer
from llmal.errors import DataError
from llmal.functions.columns import Cells, columns_of, task_of_cells
from llmal.functions.rows import InputRows, open_table
from llmal.functions.tasks import Labels
from llmal.guarantee.groups import draw_audit as draw_positions
from llmal.guarantee.ordering import rank_by_score
from llmal.pool.readers import Reading
from llmal.task import Task, TaskKind
from llmal.task.spaces import Space


@dataclass(frozen=True, eq=False)
class AuditedLabels:
    """Rows with the labels of a machine, and what people said of some of them.

    Attributes:
        table: The rows.
        machine: The machine's label of each; None where it has none.
        people: What people said for other reasons than the audit.
        audit: What they said of the audited ones.
        skipped: Which of these they could not label, shape (N,).
        score: How much each label is trusted, shape (N,); NaN where none is needed.
        order: Positions of the labels that no person had given, most trusted first, shape (M,).
        space: The answers of the task.
        drawn: How many rows were drawn for the audit; None where that is not known.
    """

    table: InputRows
    machine: list[Answer | None]
    people: list[Answer | None]
    audit: list[Answer | None]
    skipped: NDArray[np.bool_]
    score: NDArray[np.float64]
    order: NDArray[np.int64]
    space: Space
    drawn: int | None = None

    @property
    def orders_nothing(self) -> bool:
        """Whether the score says the same of every label."""
        scores = self.score[self.order]
        return len(scores) > 1 and bool((scores == scores[0]).all())


def read_audited_labels(
    data: Any,
    label: str,
    score: str,
    answers: tuple[str, str | None, Any] | None,
    people: str | None,
    labels: Labels | None,
    kind: TaskKind,
    reading: Reading,
    seed: int,
) -> AuditedLabels:
    """Read the columns of a table, and rank its labels.

    Args:
        data: The table.
        label: Column of the machine's labels.
        score: Column of the scores.
        answers: Column of the audit, what stands in it where a person skipped, and the table that
            it is in (None: the data); None where nothing was audited yet.
        people: Column of labels that people gave for other reasons.
        labels: All labels of the task.
        kind: What an answer is.
        reading: Of a file.
        seed: Breaks ties of the score.

    Raises:
        ConfigError: The labels make no task.
        DataError: A column or a cell is not usable, with its line.
    """
    table = open_table(data, reading=reading)
    wanted = [("label", label), ("score", score)]
    audit, skipped, audited = answers or (None, None, None)
    wanted += [("audit", audit)] if audit is not None and audited is None else []
    wanted += [("people's", people)] if people is not None else []
    cells = columns_of(table, wanted)
    known = [cells[one] for one in (label, people) if one is not None]
    task = task_of_cells(known, labels, kind, "certify")
    machine = cells[label].answers(task)
    count = len(machine)
    by_people: list[Answer | None] = (
        [None] * count if people is None else cells[people].answers(task)
    )
    said: list[Answer | None] = [None] * count
    passed = np.zeros(count, dtype=np.bool_)
    drawn = None
    if audit is not None:
        if audited is not None:
            cells[audit] = _audited_rows(audited, audit, count, reading)
            drawn = sum(line > 0 for line in cells[audit].lines)
        said, passed = _audit_of(cells[audit], task, skipped)
    rest = np.array(
        [row for row in range(count) if machine[row] is not None and by_people[row] is None],
        dtype=np.int64,
    )
    scores = _scores(cells[score], rest)
    # A row that the machine has not labelled has nothing to audit: a label there is a person's.
    for row in range(count):
        if machine[row] is None and by_people[row] is None:
            by_people[row], said[row], passed[row] = said[row], None, False
        elif by_people[row] is not None and said[row] is not None:
            raise DataError(
                "the row is in the audit, and people had labelled it before",
                where=cells[audit or label].where(row),
                fix="audit rows that no person had labelled, and empty one of the two cells",
            )
    order = rank_by_score(scores, seed=seed, positions=rest)
    return AuditedLabels(table, machine, by_people, said, passed, scores, order, task.space, drawn)


def _audited_rows(audited: Any, audit: str, count: int, reading: Reading) -> Cells:
    """The column of a table that `draw_audit` gave, each cell at its row of the data."""
    table = open_table(audited, reading=reading, what="audited")
    row = "llmal_row" if "llmal_row" in table.names else "row"
    cells = columns_of(table, [("row", row), ("audit", audit)])
    values: list[Any] = [None] * count
    lines = [0] * count
    for place, (number, value) in enumerate(
        zip(cells[row].numbers(), cells[audit].values, strict=True)
    ):
        where = cells[row].where(place)
        if number is None or not number.is_integer() or not 1 <= number <= count:
            raise DataError(
                f"the data has no row {'' if number is None else f'{number:g}'}".rstrip(),
                where=where,
                fix=f"keep the numbers as llmal wrote them, 1 to {count}",
            )
        at = int(number) - 1
        if lines[at]:
            raise DataError(f"row {number:g} is there twice", where=where, fix="keep one of them")
        values[at], lines[at] = value, cells[audit].lines[place]
    return Cells(audit, tuple(values), tuple(lines), table.name, table.unit)


def _audit_of(
    cells: Cells, task: Task, skipped: str | None
) -> tuple[list[Answer | None], NDArray[np.bool_]]:
    passed = np.zeros(len(cells.values), dtype=np.bool_)
    if skipped is not None:
        passed[:] = [name == skipped for name in cells.names()]
    kept = tuple(None if skip else value for value, skip in zip(cells.values, passed, strict=True))
    return Cells(cells.name, kept, cells.lines, cells.source, cells.unit).answers(task), passed


def _scores(cells: Cells, rest: NDArray[np.int64]) -> NDArray[np.float64]:
    found = np.full(len(cells.values), np.nan)
    needed = set(rest.tolist())
    for row, value in enumerate(cells.numbers()):
        if value is not None:
            found[row] = value
        elif row in needed:
            raise DataError(
                "the row has a label of the machine and no score",
                where=cells.where(row),
                fix="give every label that no person gave a score",
            )
    return found


def draw_rows(labels: AuditedLabels, seed: int) -> NDArray[np.int64]:
    """All rows that can be audited, in order of draw.

    It follows from the labels and their order too, so that another draw tells that one of them has
    changed since.
    """
    machine = [labels.machine[row] for row in labels.order]
    frozen = fingerprint("frozen labels", {"order": labels.order.tolist(), "labels": machine})
    key = int.from_bytes(frozen.encode(), "big")
    return draw_positions(labels.order, len(labels.order), seed=(key << 32) + seed)
