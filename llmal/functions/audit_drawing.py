"""`llmal.draw_audit`: the rows that people label, so that something can be promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from llmal.core.words import counted
from llmal.errors import ConfigError, DataError
from llmal.functions.audit_origin import DRAW, DRAWS, GROUPS, SEED
from llmal.functions.audit_size import LIKELY, AuditSize, size_of_audit
from llmal.functions.audited_labels import (
    AUDIT,
    AuditedLabels,
    LabelColumns,
    draw_rows,
    read_audited_labels,
)
from llmal.functions.certified import rows_to_label
from llmal.functions.promise_part import alpha_of, check_part, part_of
from llmal.functions.results import Results
from llmal.functions.tasks import Labels
from llmal.guarantee.certificate import Mode
from llmal.guarantee.promises import percent
from llmal.pool.readers import DETECTED, Reading
from llmal.task import TaskKind

ALL_ALIKE = "all scores are the same, so the score orders nothing: labels are ranked at random"


class DrawnRows(Results):
    """The rows to audit, in order of draw.

    Attributes:
        needed: How many it takes at least, that anything can be promised; groups, where these were
            drawn. For a class, how many hold enough of its rows with a probability of 95 %.
    """

    def __init__(self, *args: Any, needed: int, notes: Sequence[str], **more: Any) -> None:
        super().__init__(*args, **more)
        self.needed = needed
        self._notes = tuple(notes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about their number, or about the score."""
        return self._notes


def draw_audit(
    data: Any,
    *,
    label: str,
    score: str,
    items: int | Literal["auto"] = "auto",
    people: str | None = None,
    group: str | None = None,
    mode: Mode = "pool_error",
    of: str | None = None,
    max_error: float = 0.05,
    confidence: float = 0.95,
    seed: int = 0,
    labels: Labels | None = None,
    kind: TaskKind = "single",
    reading: Reading = DETECTED,
) -> DrawnRows:
    """Draw the rows that people have to label, so that `llmal.certify` can promise something.

    They come in order of draw, with the number of the draw (`draw`), how many rows were drawn
    (`draws`; with `group` also how many `groups`), the seed, their place in the data (`row`, from
    1), an empty column `audit` for what people say, and their own columns but for the machine's
    label and its score, which would sway people. Labels and scores must not change afterwards, and
    `llmal.certify` sees from these columns that they have not. The same audit serves for promises
    about all labels and about a class, if it is large enough for either.

    Args:
        data: A file, a pandas frame, a `datasets.Dataset` or rows.
        label: Column with the machine's labels.
        score: Column that says how much each is trusted: larger is surer.
        items: How many rows; with `group`, how many groups. "auto" takes the score for the
            probability that the label is right where all scores are between 0 and 1, and draws as
            many as pay best; else, and of groups, a tenth, and no fewer than twice as many as can
            certify anything.
        people: Column with labels that people gave already: these rows are not audited.
        group: Column that says which rows are near-duplicates of each other: all rows of a group
            are drawn together. A row without one is a group of its own.
        mode: What is to be promised; see `llmal.certify`. The rows drawn are the same, but for a
            class it takes more of them.
        of: The class that is to be promised something of; the number that is drawn ("auto") is
            enough for it with a probability of 95 %.
        max_error: The share of wrong labels that is to be allowed; for recall of missed items.
        confidence: With what probability the promise is to hold.
        seed: Same seed, same rows; the rows say it to `llmal.certify`.
        labels: All labels of the task; by default those that occur.
        kind: What an answer is.
        reading: Of a file.

    Raises:
        ConfigError: An option is not usable.
        DataError: The data are not usable, or there are fewer rows.
    """
    alpha = alpha_of(max_error, confidence)
    check_part(mode, of=of, group=group)
    columns = LabelColumns(label, score, people, group, labels, kind, reading)
    found = read_audited_labels(data, columns, seed)
    if not len(found.order):
        raise DataError(
            "there is no label to audit: no row has a label of the machine that no person gave",
            where=found.table.name,
            fix=f"check the column {label!r}",
        )
    size = size_of_audit(found, part_of(found, mode, of), max_error, alpha)
    unit = "row" if found.groups is None else "group"
    if items == "auto":
        count = size.best
    elif 0 < items <= size.units:
        count = items
    else:
        raise ConfigError(
            f"{counted(items, f'{unit} is', f'{unit}s are')} to be audited, and {size.units:,} "
            f"{'have' if unit == 'row' else 'of rows have'} a label that no person gave",
            fix="audit fewer",
        )
    notes = [ALL_ALIKE] if found.orders_nothing else []
    if of is not None:
        notes += _of_class(count, size, mode, of)
    elif count < size.needed:
        notes.append(
            f"{counted(count, unit)} can certify nothing: {wanted(max_error, alpha)} takes "
            f"{size.needed:,} of these {size.units:,} at least"
        )
    drawn = _first_units(found, draw_rows(found, seed), count)
    told = {DRAWS: len(drawn)} | ({} if group is None else {GROUPS: count}) | {SEED: seed}
    made = rows_to_label(
        found,
        drawn,
        AUDIT,
        {DRAW: range(1, len(drawn) + 1), **{key: [one] * len(drawn) for key, one in told.items()}},
        title="rows to audit",
    )
    return DrawnRows(
        made.rows, made.table, made.text, made.added, made.cost, title=made.title,
        needed=size.needed, notes=notes,
    )  # fmt: skip


def wanted(max_error: float, alpha: float) -> str:
    """A promise about all labels, in words."""
    return f"at most {percent(max_error)} wrong with a probability of {percent(1 - alpha)}"


def _of_class(count: int, size: AuditSize, mode: Mode, of: str) -> list[str]:
    """What is said of the number of rows where the promise is about a class."""
    gave = "has not given" if mode == "recall" else "has given"
    takes = (
        f"takes {size.part:,} rows at least of those that the machine {gave} it, which "
        f"{size.needed:,} of all {size.units:,} hold with a probability of {percent(LIKELY)}"
    )
    name = "recall" if mode == "recall" else "precision"
    if count < size.needed:
        return [f"{counted(count, 'row')} may certify nothing: the {name} of {of!r} {takes}"]
    if mode != "recall" and 2 * count > size.units:
        alone = f"in a file of those alone, {size.part:,} drawn are enough"
        return [f"the {name} of {of!r} {takes}; {alone}"]
    return []


def _first_units(
    found: AuditedLabels, drawn: np.ndarray[Any, np.dtype[np.int64]], count: int
) -> list[int]:
    """The rows of the first rows or groups of a draw."""
    if found.groups is None:
        return [*map(int, drawn[:count])]
    kept = dict.fromkeys(found.groups[drawn].tolist())
    first = {*list(kept)[:count]}
    return [row for row in drawn.tolist() if int(found.groups[row]) in first]
