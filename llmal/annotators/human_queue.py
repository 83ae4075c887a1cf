"""People who label in a file of their own: items go out as CSV or JSONL and come back filled in."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmal.annotators.label_file import Row, read_sheet, write_sheet
from llmal.annotators.protocol import Context
from llmal.errors import AnnotationError, ConfigError
from llmal.ledger.queue import Queue
from llmal.records import Annotation, AnnotatorKind, Item, Usage
from llmal.task import Task

log = logging.getLogger("llmal.annotators")

SKIP = "?"
"""Written in place of a label by a person who cannot decide."""


class HumanQueue:
    """Writes the items that are waiting to a file, and takes the file back.

    A person fills in the column `label` of `to_label.csv` (or the key of a `.jsonl`), may leave a
    `note`, writes `?` where they cannot decide, and leaves blank what they have not come to. Every
    row is checked: what is right is kept at once and leaves the file, what is wrong is named with
    its line and stays. An item with two different labels is left to whoever wrote them. The file
    may be saved with commas, semicolons or tabs, and with columns added. When the last item is
    answered it is put aside as `labelled-<round>.csv`.

    Texts come from anywhere, and a spreadsheet would run one that begins with =, +, - or @ as a
    formula. In a CSV file such a text stands behind an apostrophe, and so does an id that a
    spreadsheet would change (00123, 12e4, 3-4). Ids, labels and notes are read without it.

    Args:
        task: The task.
        file: Where the items go; by default `to_label.csv` in the run directory, or
            `to_label-<name>.csv` for a queue of another name.
        cost: Money for each label.
        name: Who is recorded in the ledger.

    Raises:
        ConfigError: The file has another ending, the cost is negative, or the task has a label
            that cannot be told from a skipped item.
    """

    kind: AnnotatorKind = "human"

    def __init__(
        self,
        task: Task,
        file: str | Path | None = None,
        *,
        cost: float = 0.0,
        name: str = "human",
    ) -> None:
        if file is not None and Path(file).suffix not in {".csv", ".jsonl"}:
            raise ConfigError(
                f"the file for people is {str(file)!r}", fix="it must end in .csv or .jsonl"
            )
        if not cost >= 0:
            raise ConfigError(f"cost is {cost}", fix="it must be 0 or more")
        if SKIP in task.names:
            raise ConfigError(
                f"task {task.name!r} has the label {SKIP!r}, by which people skip an item",
                fix="rename the label",
            )
        self.task = task
        self.name = name
        self.batch_size = 1_000_000
        self.file = None if file is None else Path(file)
        self._cost = cost
        self._queue: Queue | None = None

    def attach(self, queue: Queue, directory: Path) -> None:
        """Use a run's queue in the ledger, and its directory for the file."""
        self._queue = queue
        if self.file is None:
            self.file = directory / self._default_file()

    def _default_file(self) -> str:
        if self.name == "human":
            return "to_label.csv"
        plain = re.sub(r"[^\w.-]+", "_", self.name)
        return f"to_label-{plain}.csv"

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Take back what has been filled in, and write out what is still waiting.

        With a queue attached, the answers are in the ledger before they leave the file.

        Raises:
            AnnotationError: The file cannot be read or written, or is not the one that was
                written. Nothing of it was taken then.
        """
        if not items:
            return []
        if self.file is None:
            self.file = Path(self._default_file())
        waiting = {item.id: item for item in items}
        if self._queue is not None:
            self._queue.put(self.name, list(waiting), context.round)
        sheet = read_sheet(self.file)
        answers, wrong = self._check(sheet.rows, waiting, context)
        if answers and self._queue is not None:
            self._queue.answer(self.name, list(answers.values()))
        for line, problem in sorted(wrong.items()):
            log.warning("%s, line %d: %s", self.file, line, problem)
        if len(answers) == len(waiting):
            self._put_aside(context)
        else:
            kept = [row for row in sheet.rows if _stays(row, waiting, answers)]
            there = {row.id for row in kept}
            missing = [item for item in items if item.id not in answers and item.id not in there]
            if missing or len(kept) < len(sheet.rows):
                write_sheet(self.file, sheet, kept, missing)
        return [answers[item_id] for item_id in waiting if item_id in answers]

    def _check(
        self, rows: Sequence[Row], waiting: Mapping[str, Item], context: Context
    ) -> tuple[dict[str, Annotation], dict[int, str]]:
        """Answers by item, and problems by line."""
        wrong: dict[int, str] = {}
        typed: dict[str, list[Row]] = {}
        for row in rows:
            if row.problem is not None:
                wrong[row.line] = row.problem
            elif not row.label:
                continue
            elif row.id not in waiting:
                wrong[row.line] = (
                    f"no item {row.id!r} is waiting for a label; it has one already, or its id "
                    "was changed"
                )
            else:
                typed.setdefault(row.id, []).append(row)
                if row.label != SKIP and row.label not in self.task.names:
                    wrong[row.line] = (
                        f"{row.label!r} is not a label of task {self.task.name!r}; "
                        f"{self._hint(row.label)}"
                    )
        answers: dict[str, Annotation] = {}
        for item_id, given in typed.items():
            first, *others = given
            for row in others:
                if row.label != first.label and row.line not in wrong:
                    wrong[row.line] = (
                        f"item {item_id!r} is {row.label!r} here and {first.label!r} in line "
                        f"{first.line}; clear one of them"
                    )
            if not any(row.line in wrong for row in given):
                answers[item_id] = self._answer(first, context)
        return answers, wrong

    def _hint(self, typed: str) -> str:
        folded = {name.casefold(): name for name in self.task.names}
        near = difflib.get_close_matches(typed.casefold(), folded, n=1)
        if near:
            return f"did you mean {folded[near[0]]!r}?"
        return f"its labels are {', '.join(self.task.names)}, and {SKIP} skips an item"

    def _answer(self, row: Row, context: Context) -> Annotation:
        skipped = row.label == SKIP
        assert self.file is not None
        return Annotation(
            item_id=row.id,
            label=None if skipped else row.label,
            annotator=self.name,
            kind="human",
            decision="deferred" if skipped else "accepted",
            rationale=row.note or None,
            usage=Usage(human_labels=1, money=self._cost),
            provenance={"file": self.file.name, "line": row.line},
            flags=("skipped",) if skipped else (),
            round=context.round,
        )

    def _put_aside(self, context: Context) -> None:
        """Rename the finished file; one that was put aside earlier is not written over."""
        assert self.file is not None
        stem = "labelled" if context.round is None else f"labelled-{context.round:03d}"
        aside = self.file.with_name(f"{stem}{self.file.suffix}")
        number = 1
        while aside.exists():
            number += 1
            aside = self.file.with_name(f"{stem}-{number}{self.file.suffix}")
        try:
            self.file.replace(aside)
        except OSError as error:
            raise AnnotationError(
                f"the finished file cannot be renamed to {aside.name} ({error.strerror})",
                where=str(self.file),
                fix="close it in other programs; its labels are taken",
            ) from error

    def estimate(self, items: Sequence[Item], context: Context = Context()) -> Usage:
        """So many labels of a person, at their cost."""
        return Usage(human_labels=len(items), money=self._cost * len(items))


def _stays(row: Row, waiting: Mapping[str, Item], answers: Mapping[str, Annotation]) -> bool:
    """Whether a row stays in the file: it still waits, or holds something typed and not taken."""
    if row.problem is not None:
        return True
    if row.id in answers:
        return False
    return row.id in waiting or bool(row.label or row.note)
