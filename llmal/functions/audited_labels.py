"""Labels of any system with their scores, and what people said of those that were audited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.label_help import SKIP
from llmal.core.fingerprint import fingerprint
from llmal.core.records import Answer
from llmal.errors import DataError
from llmal.functions.audit_origin import AuditOrigin, origin_of
from llmal.functions.columns import Cells, columns_of, task_of_cells
from llmal.functions.rows import InputRows, open_table
from llmal.functions.tasks import Labels
from llmal.guarantee.groups import draw_audit as draw_positions
from llmal.guarantee.ordering import rank_by_score
from llmal.pool.readers import DETECTED, Reading
from llmal.task import Task, TaskKind
from llmal.task.spaces import Space

AUDIT = "audit"
REVIEW = "review"


@dataclass(frozen=True)
class LabelColumns:
    """Where the labels of a table stand, and what they are labels of.

    Attributes:
        label: Column of the machine's labels.
        score: Column that says how much each is trusted.
        people: Column of labels that people gave before the audit was drawn.
        group: Column that says which rows are near-duplicates.
        labels: All labels of the task; by default those that occur.
        kind: What an answer is.
        reading: Of a file.
    """

    label: str
    score: str
    people: str | None = None
    group: str | None = None
    labels: Labels | None = None
    kind: TaskKind = "single"
    reading: Reading = DETECTED


@dataclass(frozen=True)
class PeopleAnswers:
    """Where people's answers about some rows stand.

    Attributes:
        column: Of the data, or of `table`; None where there are none.
        table: The rows that llmal wrote, filled in; None where they are in the data itself.
        skipped: What stands there where a person could not say; by default "?", where that is
            no label of the task.
    """

    column: str | None = None
    table: Any = None
    skipped: str | None = None


NOBODY = PeopleAnswers()


@dataclass(frozen=True, eq=False)
class AuditedLabels:
    """Rows with the labels of a machine, and what people said of some of them.

    Attributes:
        table: The rows.
        machine: The machine's label of each; None where it has none.
        people: What people said before the audit was drawn.
        audit: What they said of the audited ones.
        skipped: Which of these they could not label, shape (N,).
        review: What they have said since of rows that were sent to them.
        score: How much each label is trusted, shape (N,); NaN where none is needed.
        order: Positions of the labels that no person had given, most trusted first, shape (M,).
        space: The answers of the task.
        names: The labels of the task.
        groups: The group of each row, shape (N,), where near-duplicates are drawn together.
        drawn: How many rows were drawn for the audit; None where that is not known.
        seed: What the audit was drawn with, as was said or as its file says; None where nobody
            does, and it cannot be checked.
        hidden: Columns that a person who labels is not to see.
    """

    table: InputRows
    machine: list[Answer | None]
    people: list[Answer | None]
    audit: list[Answer | None]
    skipped: NDArray[np.bool_]
    review: list[Answer | None]
    score: NDArray[np.float64]
    order: NDArray[np.int64]
    space: Space
    names: tuple[str, ...]
    groups: NDArray[np.int64] | None = None
    drawn: int | None = None
    seed: int | None = None
    hidden: tuple[str, ...] = field(default=())

    @property
    def orders_nothing(self) -> bool:
        """Whether the score says the same of every label."""
        scores = self.score[self.order]
        return len(scores) > 1 and bool((scores == scores[0]).all())

    def by_people(self, row: int) -> Answer | None:
        """What people say of a row, whenever they said it."""
        said = (self.people[row], self.audit[row], self.review[row])
        return next((one for one in said if one is not None), None)


def read_audited_labels(
    data: Any,
    columns: LabelColumns,
    seed: int | None,
    audit: PeopleAnswers = NOBODY,
    review: PeopleAnswers = NOBODY,
) -> AuditedLabels:
    """Read the columns of a table, and rank its labels.

    Args:
        data: The table.
        columns: Where labels and scores stand.
        seed: Breaks ties of the score; by default that which the file of the audit says, or 0.
        audit: What people said of the audited rows.
        review: What they have said since of rows that were sent to them.

    Raises:
        ConfigError: The labels make no task, or seed or groups are not those that the file of the
            audit was drawn with.
        DataError: A column or a cell is not usable, with its line.
    """
    table = open_table(data, reading=columns.reading)
    filled = _table_of(audit, "audited", columns.reading)
    reviewed = _table_of(review, "reviewed", columns.reading)
    origin = None if filled is None else origin_of(filled, table)
    if origin is not None:
        origin.check(seed, columns.group)
        seed = origin.seed
    label, people = columns.label, columns.people
    wanted = [("label", label), ("score", columns.score)]
    for role, name in (("people's", people), ("group", columns.group)):
        wanted += [(role, name)] if name is not None else []
    for role, answers in ((AUDIT, audit), (REVIEW, review)):
        if answers.column is not None and answers.table is None:
            wanted.append((role, answers.column))
    cells = columns_of(table, wanted)
    known = [cells[one] for one in (label, people) if one is not None]
    task = task_of_cells(known, columns.labels, columns.kind, "certify")
    machine = cells[label].answers(task)
    count = len(machine)
    by_people: list[Answer | None] = (
        [None] * count if people is None else cells[people].answers(task)
    )
    in_audit = _cells_of(audit, filled, AUDIT, cells, count)
    in_review = _cells_of(review, reviewed, REVIEW, cells, count)
    said, passed = _answers_of(in_audit, task, audit.skipped, count)
    since, _ = _answers_of(in_review, task, review.skipped, count)
    rest = np.array(
        [row for row in range(count) if machine[row] is not None and by_people[row] is None],
        dtype=np.int64,
    )
    scores = _scores(cells[columns.score], rest)
    # A row that the machine has not labelled has nothing to audit: a label there is a person's.
    for row in range(count):
        if machine[row] is None and by_people[row] is None:
            by_people[row], said[row], passed[row] = said[row], None, False
        elif by_people[row] is not None and said[row] is not None and in_audit is not None:
            raise DataError(
                "the row is in the audit, and people had labelled it before",
                where=in_audit.where(row),
                fix="audit rows that no person had labelled, and empty one of the two cells",
            )
        before = by_people[row] if said[row] is None else said[row]
        if in_review is not None and None not in (since[row], before) and since[row] != before:
            raise DataError(
                f"the row is reviewed as {since[row]!r}, and people had labelled it {before!r}",
                where=in_review.where(row),
                fix="empty the cell; a label of the audit that changes makes its promise void",
            )
    return AuditedLabels(
        table,
        machine,
        by_people,
        said,
        passed,
        since,
        scores,
        rank_by_score(scores, seed=seed or 0, positions=rest),
        task.space,
        task.names,
        None if columns.group is None else _groups(cells[columns.group]),
        _number_drawn(filled, origin, in_audit),
        seed,
        tuple(
            name for name in (label, columns.score, audit.column, review.column) if name is not None
        ),
    )


def _table_of(answers: PeopleAnswers, what: str, reading: Reading) -> InputRows | None:
    """The rows that llmal wrote for people, where answers stand in these."""
    if answers.column is None or answers.table is None:
        return None
    return open_table(answers.table, reading=reading, what=what)


def _number_drawn(
    table: InputRows | None, origin: AuditOrigin | None, cells: Cells | None
) -> int | None:
    """How many rows were drawn: as their file says, or as many as it has."""
    if table is None or cells is None:
        return None
    if origin is not None and origin.rows is not None:
        return origin.rows
    return sum(line > 0 for line in cells.lines)


def _cells_of(
    answers: PeopleAnswers,
    table: InputRows | None,
    role: str,
    cells: dict[str, Cells],
    count: int,
) -> Cells | None:
    if answers.column is None:
        return None
    if table is None:
        return cells[answers.column]
    return _cells_at_rows(table, role, answers.column, count)


def _cells_at_rows(table: InputRows, role: str, column: str, count: int) -> Cells:
    """The column of a table that llmal wrote for people, each cell at its row of the data."""
    row = "llmal_row" if "llmal_row" in table.names else "row"
    if column == role and f"llmal_{role}" in table.names:
        column = f"llmal_{role}"
    cells = columns_of(table, [("row", row), (role, column)])
    values: list[Any] = [None] * count
    lines = [0] * count
    for place, (number, value) in enumerate(
        zip(cells[row].numbers(), cells[column].values, strict=True)
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
        values[at], lines[at] = value, cells[column].lines[place]
    return Cells(column, tuple(values), tuple(lines), table.name, table.unit)


def _answers_of(
    cells: Cells | None, task: Task, skipped: str | None, count: int
) -> tuple[list[Answer | None], NDArray[np.bool_]]:
    """What people said, and where they could not say."""
    passed = np.zeros(count, dtype=np.bool_)
    if cells is None:
        return [None] * count, passed
    mark = SKIP if skipped is None else skipped
    if skipped is not None or mark not in task.names:
        passed[:] = [name == mark for name in cells.names()]
    kept = tuple(None if skip else value for value, skip in zip(cells.values, passed, strict=True))
    told = Cells(cells.name, kept, cells.lines, cells.source, cells.unit)
    try:
        return told.answers(task), passed
    except DataError as error:
        hint = f"where a person could not say, write {SKIP}, or name what stands there by --skipped"
        fix = hint if error.fix is None else f"{error.fix}; {hint}"
        raise DataError(error.what, where=error.where, fix=fix) from None


def _groups(cells: Cells) -> NDArray[np.int64]:
    """The group of each row as a number; a row whose cell is empty is a group of its own."""
    numbers: dict[str, int] = {}
    count = len(cells.values)
    return np.array(
        [
            count + row if name is None else numbers.setdefault(name, len(numbers))
            for row, name in enumerate(cells.names())
        ],
        dtype=np.int64,
    )


def _scores(cells: Cells, rest: NDArray[np.int64]) -> NDArray[np.float64]:
    found = np.full(len(cells.values), np.nan)
    for row, value in enumerate(cells.numbers()):
        if value is not None:
            found[row] = value
    missing = np.sort(rest[np.isnan(found[rest])])
    if len(missing):
        such = "" if len(missing) == 1 else f" ({len(missing):,} such rows)"
        raise DataError(
            f"the row has a label of the machine and no score{such}",
            where=cells.where(int(missing[0])),
            fix="give every label that no person gave a score, the smallest where nothing is "
            "known of it; or empty the label, and a person gives it",
        )
    return found


def draw_rows(labels: AuditedLabels, seed: int) -> NDArray[np.int64]:
    """All rows that can be audited, in order of draw; those of a group next to each other.

    It follows from the labels and their order too, so that another draw tells that one of them has
    changed since.
    """
    machine = [labels.machine[row] for row in labels.order]
    content: dict[str, Any] = {"order": labels.order.tolist(), "labels": machine}
    groups = labels.groups
    if groups is not None:
        content["groups"] = groups[labels.order].tolist()
    key = int.from_bytes(fingerprint("frozen labels", content).encode(), "big")
    units = len(labels.order) if groups is None else len(np.unique(groups[labels.order]))
    return draw_positions(labels.order, units, seed=(key << 32) + seed, groups=groups)
