"""People who label in a file of their own: items go out as CSV, Excel or JSONL and come back."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from llmal.annotators.label_file import (
    SUFFIXES,
    Row,
    Sheet,
    read_sheet,
    stamp_of,
    write_for_people,
    write_sheet,
)
from llmal.annotators.label_help import MOST_NAMED, SKIP, help_lines, in_one_line
from llmal.annotators.protocol import Context, plan_at
from llmal.annotators.row_matching import RowMatcher
from llmal.core.content import content_of
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Answer, Item, Usage
from llmal.core.spelling import as_seen
from llmal.errors import AnnotationError, ConfigError, DataError
from llmal.ledger.queue import Queue
from llmal.task import Task
from llmal.task.spaces import KINDS
from llmal.task.spaces.multi import JOINT

log = logging.getLogger("llmal.annotators")

_SKIPS = {SKIP, "\uff1f"}
_NOTHING = ""
EARLIER = "earlier label"
"""The column that shows what was answered before the task changed."""


class HumanQueue:
    """Writes the items that are waiting to a file, and takes the file back.

    A person fills in the column `label` of `to_label.csv` (in an `.xlsx` file it is a list to
    choose from, in a `.jsonl` a key), may leave a `note`, writes `?` where they cannot decide, and
    leaves blank what they have not come to. Every row is checked: what is right is kept at once and
    leaves the file, what is wrong is named with its line and stays. An item with two different
    labels is left to whoever wrote them. The file may be saved in any way that spreadsheets save,
    and with columns added. When the last item is answered it is put aside as
    `labelled-<round>.csv`. The labels, the guidelines and how to label stand in
    `HOW_TO_LABEL.txt` beside the file, and shortly in its first line.

    Texts come from anywhere, and a spreadsheet would run one that begins with =, +, - or @ as a
    formula. In a CSV file such a text stands behind an apostrophe, and so does what a spreadsheet
    would change (00123, 12e4, 3-4). Ids, labels and notes are read without it, and ids to the
    letter; see `RowMatcher` for those that a spreadsheet has changed after all.

    Args:
        task: The task.
        file: Where the items go; by default `to_label.csv` in the run directory, or
            `to_label-<name>.csv` for a queue of another name. A name without a directory is one
            in the run directory.
        context: Columns of the pool that are shown beside the texts; by default all that hold
            plain values.
        hidden: Columns that are not shown by default, such as answers of others.
        cost: Money for each label.
        name: Who is recorded in the ledger.
        stage: The stage of the router that is answered; by default it is called like the person.

    Raises:
        ConfigError: The file has another ending, the cost is negative, or the task has a label
            that cannot be told from a skipped item.
    """

    kind: AnnotatorKind = "human"
    spaces = KINDS

    def __init__(
        self,
        task: Task,
        file: str | Path | None = None,
        *,
        context: Sequence[str] | None = None,
        hidden: Sequence[str] = (),
        cost: float = 0.0,
        name: str = "human",
        stage: str | None = None,
    ) -> None:
        if file is not None and Path(file).suffix not in SUFFIXES:
            raise ConfigError(
                f"the file for people is {str(file)!r}",
                fix=f"it must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}",
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
        self.stage = name if stage is None else stage
        self.batch_size = 1_000_000
        self.file = None if file is None else Path(file)
        self._context = None if context is None else tuple(context)
        self._hidden = frozenset(hidden)
        self._cost = cost
        self._queue: Queue | None = None

    def attach(self, queue: Queue, directory: Path) -> None:
        """Use a run's queue in the ledger, and its directory for the file."""
        self._queue = queue
        if self.file is None:
            self.file = directory / f"{self._stem('to_label')}.csv"
        elif not self.file.is_absolute() and len(self.file.parts) == 1:
            self.file = directory / self.file

    @property
    def _queue_name(self) -> str:
        return self.name if self.stage == self.name else f"{self.stage}/{self.name}"

    def _stem(self, stem: str) -> str:
        if self.name == "human":
            return stem
        joint = "-" if self.stage == self.name else "."
        return f"{stem}{joint}{self._plain_name}"

    @property
    def _plain_name(self) -> str:
        return re.sub(r"[^\w.-]+", "_", self.name)

    @property
    def files(self) -> Sequence[Path]:
        """The file, once it is known where it is."""
        return () if self.file is None else (self.file,)

    @property
    def request(self) -> str:
        """What people are asked to do: the labels, where to write them, the guidelines."""
        return in_one_line(self.task, self._help_file)

    @property
    def _help_file(self) -> str:
        return f"{self._stem('HOW_TO_LABEL')}.txt"

    @property
    def cost(self) -> float:
        """Money for each label."""
        return self._cost

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
            self.file = Path(f"{self._stem('to_label')}.csv")
        items = _with_earlier(items, context.earlier)
        waiting = {item.id: item for item in items}
        around = self._context_columns(items)
        if self._queue is not None:
            self._queue.put(self._queue_name, list(waiting), context.round)
        sheet = read_sheet(self.file)
        for other in (self.file.with_suffix(suffix) for suffix in SUFFIXES):
            if other != self.file and other.exists():
                log.warning("%s is not read; save it as %s", other, self.file.name)
        checked = self._check(sheet.rows, waiting, context)
        answers = checked.answers
        if answers and self._queue is not None:
            self._queue.answer(self._queue_name, list(answers.values()))
        for line, problem in sorted(checked.wrong.items()):
            log.warning("%s, line %d%s", self.file, line, problem)
        if len(answers) == len(waiting):
            self._put_aside(context)
        else:
            kept = [row for row in sheet.rows if checked.stays(row)]
            there = {checked.items[row.line] for row in kept if row.line in checked.items}
            missing = [item for item in items if item.id not in answers and item.id not in there]
            if missing or len(kept) < len(sheet.rows) or self._says_otherwise():
                self._write(sheet, kept, missing, around)
        return [answers[item_id] for item_id in waiting if item_id in answers]

    @property
    def _help(self) -> bytes:
        assert self.file is not None
        opening = f"Open {self.file.name} in a spreadsheet or an editor."
        text = "\n".join(help_lines(self.task, opening)) + "\n"
        return text.encode("utf-8", "replace")

    def _says_otherwise(self) -> bool:
        """Whether the file was written for the task as it was before."""
        assert self.file is not None
        try:
            return self.file.with_name(self._help_file).read_bytes() != self._help
        except OSError:
            return False

    def _write(
        self, sheet: Sheet, kept: Sequence[Row], missing: Sequence[Item], around: Sequence[str]
    ) -> None:
        assert self.file is not None
        if stamp_of(self.file) != sheet.stamp:
            # Somebody saved it since it was read. What was taken leaves it at the next run.
            log.info("%s was saved meanwhile and is left as it is", self.file)
            return
        write_for_people(self.file.with_name(self._help_file), self._help)
        write_sheet(
            self.file,
            sheet,
            kept,
            missing,
            task=self.task,
            context=around,
            help_file=self._help_file,
        )

    def _context_columns(self, items: Sequence[Item]) -> tuple[str, ...]:
        if self._context is not None:
            for name in self._context:
                # One row may lack it: JSON lines often leave out what is null.
                if not any(name in item.extra for item in items):
                    others = sorted({one for item in items for one in item.extra})
                    raise AnnotationError(
                        f"the pool has no column {name!r} to show to people",
                        fix=f"its further columns are {', '.join(others) or 'none'}",
                    )
            earlier = {name for item in items for name in item.extra if name == EARLIER}
            return (*self._context, *(earlier - {*self._context}))
        names = dict.fromkeys(
            name
            for item in items
            for name, value in item.extra.items()
            if isinstance(value, str | int | float | bool)
        )
        return tuple(name for name in names if name not in self._hidden)

    def _check(
        self, rows: Sequence[Row], waiting: Mapping[str, Item], context: Context
    ) -> _Checked:
        settled = {} if self._queue is None else self._queue.answers(self.stage, self.name)
        matcher = RowMatcher(waiting, settled, texts_changed=context.texts_changed)
        checked = _Checked()
        rows_of: dict[str, list[tuple[Row, Answer]]] = {}
        for row in rows:
            if row.problem is not None:
                checked.wrong[row.line] = f": {row.problem}"
                continue
            try:
                item_id = matcher.item_of(row)
            except ValueError as error:
                # A row in which nothing was typed goes, and its item is written out again.
                if row.label:
                    checked.wrong[row.line] = f", column id: {error}"
                continue
            try:
                label = self._label(row)
                if item_id is None:
                    self._check_settled(row, label, settled[row.id])
                    checked.done.add(row.line)
            except ValueError as error:
                checked.wrong[row.line] = f", column label: {error}"
                label = _NOTHING
            if item_id is not None:
                checked.items[row.line] = item_id
                rows_of.setdefault(item_id, []).append((row, label))
        for item_id, found in rows_of.items():
            typed = [(row, label) for row, label in found if row.label]
            for row, label in typed[1:]:
                if row.line not in checked.wrong and label != typed[0][1]:
                    checked.wrong[row.line] = (
                        f", column label: item {item_id!r} is {row.label!r} here and "
                        f"{typed[0][0].label!r} in line "
                        f"{typed[0][0].line}; clear one of them"
                    )
            if typed and not any(row.line in checked.wrong for row, _ in typed):
                notes = list(dict.fromkeys(row.note for row, _ in found if row.note))
                first, label = typed[0]
                answer = self._answer(waiting[item_id], first, label, notes, context)
                checked.answers[item_id] = answer
        return checked

    def _label(self, row: Row) -> Answer:
        """The answer that was typed, or `SKIP`; `_NOTHING` if nothing was.

        Raises:
            ValueError: It is none of the task's.
        """
        if as_seen(row.label) in _SKIPS:
            return SKIP
        try:
            answer = self.task.match(row.label)
            return _NOTHING if answer is None else answer
        except DataError as error:
            fix = error.fix or ""
            if len(self.task.names) > MOST_NAMED and "did you mean" in fix:
                fix = f"did you mean{fix.rpartition('did you mean')[2]}"
            elif len(self.task.names) > MOST_NAMED:
                fix = f"its labels stand in {self._help_file}"
            raise ValueError(f"{error.what}; {fix} ({SKIP} skips an item)") from None

    def _check_settled(self, row: Row, label: Answer, answer: Answer | None) -> None:
        """Nothing is to be done about a row that repeats what was taken from it before.

        Raises:
            ValueError: It says something else.
        """
        if label != _NOTHING and label != (SKIP if answer is None else answer):
            was = "was skipped" if answer is None else f"has the label {self._shown(answer)!r}"
            raise ValueError(
                f"item {row.id!r} {was} already, and an answer that was taken is not changed; "
                "remove the row"
            )

    def _shown(self, answer: Answer) -> str:
        return self.task.space.write(answer)

    def _answer(
        self, item: Item, row: Row, label: Answer, notes: Sequence[str], context: Context
    ) -> Annotation:
        item_id, fields = item.id, item.fields
        skipped = label == SKIP
        assert self.file is not None
        where: dict[str, str | int] = {"file": self.file.name, "line": row.line}
        if row.id != item_id:
            where["id in the file"] = row.id
        return Annotation(
            item_id=item_id,
            content=content_of(fields),
            task_version=context.task_version,
            label=None if skipped else label,
            annotator=self.name,
            kind="human",
            decision="deferred" if skipped else "accepted",
            rationale="; ".join(notes) or None,
            usage=Usage(human_labels=1, money=self._cost),
            provenance=where,
            flags=("skipped",) if skipped else (),
            round=context.round,
            purpose=context.purpose,
            stage="" if self.stage == self.name else self.stage,
        )

    def _put_aside(self, context: Context) -> None:
        """Rename the finished file; one that was put aside earlier is not written over."""
        assert self.file is not None
        stem = "labelled" if context.round is None else f"labelled-{context.round:03d}"
        stem = stem if self.stage == self.name else f"{stem}.{self._plain_name}"
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

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """So many labels of a person, at their cost."""
        each = Usage(human_labels=1, money=self._cost)
        return plan_at(each, self.annotate, items, context)


def _with_earlier(items: Sequence[Item], earlier: Mapping[str, Answer]) -> Sequence[Item]:
    """Items with what people had said about them, as one more column."""
    if not earlier:
        return items
    return [
        replace(one, extra={**one.extra, EARLIER: _written(earlier[one.id])})
        if one.id in earlier
        else one
        for one in items
    ]


def _written(answer: Answer) -> str:
    """An answer in labels that the task may not have any more."""
    return answer if isinstance(answer, str) else JOINT.join(answer)


@dataclass
class _Checked:
    """What the rows of a file were found to say.

    Attributes:
        answers: By item.
        wrong: What is wrong with a row, by line; with the column, where it is in one.
        items: The item that waits of each row that is about one, by line.
        done: Lines that repeat what was taken before.
    """

    answers: dict[str, Annotation] = field(default_factory=dict)
    wrong: dict[int, str] = field(default_factory=dict)
    items: dict[int, str] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    def stays(self, row: Row) -> bool:
        """Whether a row stays in the file: it still waits, or holds something not taken."""
        if row.line in self.wrong:
            return True
        if row.line in self.items:
            return self.items[row.line] not in self.answers
        return bool(row.note) and row.line not in self.done
