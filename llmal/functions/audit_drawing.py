"""`llmal.draw_audit`: the rows that people label, so that something can be promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from llmal.core.words import counted
from llmal.errors import ConfigError, DataError
from llmal.functions.audited_labels import (
    AUDIT,
    AuditedLabels,
    LabelColumns,
    draw_rows,
    read_audited_labels,
)
from llmal.functions.certified import rows_to_label
from llmal.functions.promise_part import alpha_of
from llmal.functions.results import Results
from llmal.functions.tasks import Labels
from llmal.guarantee.audit import allowed_wrong
from llmal.guarantee.audit_plan import BestShare
from llmal.guarantee.groups import groups_allowed
from llmal.guarantee.nested_looks import fewest_audited
from llmal.guarantee.promises import percent
from llmal.pool.readers import DETECTED, Reading
from llmal.task import TaskKind

ALL_ALIKE = "all scores are the same, so the score orders nothing: labels are ranked at random"


class DrawnRows(Results):
    """The rows to audit, in order of draw.

    Attributes:
        needed: How many it takes at least, that anything can be promised of all labels; groups,
            where these were drawn.
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
    max_error: float = 0.05,
    confidence: float = 0.95,
    seed: int = 0,
    labels: Labels | None = None,
    kind: TaskKind = "single",
    reading: Reading = DETECTED,
) -> DrawnRows:
    """Draw the rows that people have to label, so that `llmal.certify` can promise something.

    They come in order of draw, with the number of the draw (`draw`), their place in the data
    (`row`, from 1), the seed, an empty column `audit` for what people say, and their own columns
    but for the machine's label and its score, which would sway people. Labels and scores must not
    change afterwards. The same audit serves for promises about all labels and about a class.

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
        max_error: The share of wrong labels that is to be allowed.
        confidence: With what probability the promise is to hold.
        seed: Same seed, same rows; `llmal.certify` takes it too.
        labels: All labels of the task; by default those that occur.
        kind: What an answer is.
        reading: Of a file.

    Raises:
        ConfigError: An option is not usable.
        DataError: The data are not usable, or there are fewer rows.
    """
    alpha = alpha_of(max_error, confidence)
    columns = LabelColumns(label, score, people, group, labels, kind, reading)
    found = read_audited_labels(data, columns, seed)
    if not len(found.order):
        raise DataError(
            "there is no label to audit: no row has a label of the machine that no person gave",
            where=found.table.name,
            fix=f"check the column {label!r}",
        )
    sizes = _sizes(found)
    allowed = allowed_wrong(max_error, len(found.machine))
    allowed = allowed if found.groups is None else groups_allowed(sizes, allowed)
    unit = "row" if found.groups is None else "group"
    needed = fewest_audited(len(sizes), allowed, alpha)
    if items == "auto":
        count = _best_size(found, len(sizes), allowed, needed, alpha)
    elif 0 < items <= len(sizes):
        count = items
    else:
        raise ConfigError(
            f"{counted(items, f'{unit} is', f'{unit}s are')} to be audited, and {len(sizes):,} "
            f"{'have' if unit == 'row' else 'of rows have'} a label that no person gave",
            fix="audit fewer",
        )
    notes = [ALL_ALIKE] if found.orders_nothing else []
    if count < needed:
        notes.append(
            f"{counted(count, unit)} can certify nothing: {wanted(max_error, alpha)} takes "
            f"{needed:,} of these {len(sizes):,} at least"
        )
    drawn = _first_units(found, draw_rows(found, seed), count)
    made = rows_to_label(
        found,
        drawn,
        AUDIT,
        {"draw": range(1, len(drawn) + 1), "seed": [seed] * len(drawn)},
        title="rows to audit",
    )
    return DrawnRows(
        made.rows, made.table, made.text, made.added, made.cost, title=made.title,
        needed=needed, notes=notes,
    )  # fmt: skip


def wanted(max_error: float, alpha: float) -> str:
    """A promise about all labels, in words."""
    return f"at most {percent(max_error)} wrong with a probability of {percent(1 - alpha)}"


def _sizes(found: AuditedLabels) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many rows each thing has that can be drawn."""
    if found.groups is None:
        return np.ones(len(found.order), dtype=np.int64)
    _, sizes = np.unique(found.groups[found.order], return_counts=True)
    return np.asarray(sizes, dtype=np.int64)


def _first_units(
    found: AuditedLabels, drawn: np.ndarray[Any, np.dtype[np.int64]], count: int
) -> list[int]:
    """The rows of the first rows or groups of a draw."""
    if found.groups is None:
        return [*map(int, drawn[:count])]
    kept = dict.fromkeys(found.groups[drawn].tolist())
    first = {*list(kept)[:count]}
    return [row for row in drawn.tolist() if int(found.groups[row]) in first]


def _best_size(found: AuditedLabels, units: int, allowed: int, needed: int, alpha: float) -> int:
    least = min(units, 2 * needed)
    scores = found.score[found.order]
    if found.groups is not None or scores.min() < 0 or scores.max() > 1:
        return max(least, units // 10, 1)
    return max(least, BestShare(alpha=alpha).audit(1 - scores, allowed).audited)
