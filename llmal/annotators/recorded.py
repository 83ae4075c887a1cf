"""Answers that were obtained elsewhere and stand in a column of the pool."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from llmal.annotators.protocol import Context, Foresight, plan_at
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Answer, Item, Usage
from llmal.errors import AnnotationError, ConfigError, DataError
from llmal.pool import Pool
from llmal.task.spaces import Single, Space

_UNREAD = "not a label of the task"
_SHOWN = 6
_READ = 40
"""Characters of a text that show which item is meant."""
_DECIMAL_COMMA = re.compile(r"0?,\d+|[01],0*")

log = logging.getLogger("llmal.annotators")


class Recorded:
    """Replays labels, and confidences if there are any, from columns.

    An empty cell, or an answer that is not a label of the task, is an abstention; the second is
    flagged and told in a warning. Without a column of confidences a router takes every answer; it
    refuses a threshold, which no answer would reach.

    Args:
        column: The column of the labels.
        labels: The task's labels.
        space: What an answer of the task is; by default one of the labels.
        confidence: The column of the confidences, between 0 and 1. The rest of the probability is
            spread evenly over the other labels.
        name: Who is recorded in the ledger.
        batch_size: Items between two writes to the ledger in a run.

    Raises:
        ConfigError: Fewer than two labels, or confidences where an item takes several.
    """

    kind: AnnotatorKind = "recorded"

    def __init__(
        self,
        column: str,
        *,
        labels: Sequence[str],
        space: Space | None = None,
        confidence: str | None = None,
        name: str = "recorded",
        batch_size: int = 1024,
    ) -> None:
        if len(labels) < 2:
            raise ConfigError("recorded answers need the task's labels", fix="pass task.names")
        self.name = name
        self.batch_size = batch_size
        self._column = column
        self._confidence = confidence
        self._labels = tuple(labels)
        self._space: Space = Single(self._labels) if space is None else space
        if confidence is not None and not self._space.rows_sum_to_one:
            raise ConfigError(
                "a column of confidences works with one label an item, and the task takes "
                f"{self._space.takes}",
                fix="leave the confidence out",
            )

    @property
    def spaces(self) -> tuple[str, ...]:
        """The kind of answers that it was made for."""
        return (self._space.kind,)

    @property
    def gives_confidence(self) -> bool:
        """Whether there is a column with confidences."""
        return self._confidence is not None

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Look up every item.

        In a run, of which these may be a few items, columns and gaps are left to `foresee`.

        Raises:
            AnnotationError: No item has the column, or a confidence is not between 0 and 1.
        """
        if context.round is None and items:
            # One row may lack it: JSON lines often leave out what is null.
            self._check_columns(sorted({name for one in items for name in one.extra}))
        result = [self._one(item, context) for item in items]
        if context.round is None:
            for warning in self._gaps(result):
                log.warning("%s", warning)
        return result

    def foresee(self, pool: Pool) -> Foresight:
        """How many answers of a pool cannot be used.

        Raises:
            AnnotationError: The pool lacks a column, a confidence is not between 0 and 1, or the
                column has labels and none of them is of the task.
        """
        roles = {*pool.text_columns, *pool.gold_columns, pool.id_column}
        self._check_columns(sorted(name for name in pool.columns if name not in roles))
        unread: Any = None
        readable = False

        def answers() -> Iterator[Annotation]:
            nonlocal unread, readable
            for one in (one for part in pool.map_batches(self._all) for one in part):
                readable = readable or one.label is not None
                if unread is None and _UNREAD in one.flags:
                    unread = one.provenance["answer"]
                yield one

        gaps = self._gaps(answers())
        if unread is not None and not readable:
            raise AnnotationError(
                f"no label in column {self._column!r} is one of the task: it has {unread!r}, say, "
                f"and the task {', '.join(self._labels[:_SHOWN])}"
                f"{', …' if len(self._labels) > _SHOWN else ''}",
                fix="name the labels as they stand in the column, or name another column",
            )
        return Foresight(gaps)

    def _all(self, items: Sequence[Item]) -> list[Annotation]:
        return [self._one(item, Context()) for item in items]

    def _check_columns(self, present: Sequence[str]) -> None:
        for column in (self._column, self._confidence):
            if column is not None and column not in present:
                raise AnnotationError(
                    f"the pool has no column {column!r} to take recorded answers from",
                    fix=f"its further columns are {', '.join(present) or 'none'}",
                )

    def _gaps(self, answers: Iterable[Annotation]) -> tuple[str, ...]:
        total = unread = unsure = 0
        for one in answers:
            total += 1
            unread += _UNREAD in one.flags
            unsure += one.label is not None and one.probabilities is None
        gaps = []
        if unread:
            gaps.append(
                f"{unread} of {total} recorded answers in column {self._column!r} are not labels "
                "of the task and count as abstentions"
            )
        if unsure and self._confidence is not None:
            gaps.append(
                f"{unsure} of {total} recorded answers have no confidence in column "
                f"{self._confidence!r} and reach no threshold"
            )
        return tuple(gaps)

    def _one(self, item: Item, context: Context) -> Annotation:
        answer = item.extra.get(self._column)
        label: Answer | None = None
        flags: tuple[str, ...] = ()
        try:
            label = self._space.match(answer)
        except DataError:
            flags = (_UNREAD,)
        return Annotation(
            item_id=item.id,
            label=label,
            annotator=self.name,
            kind="recorded",
            probabilities=None if label is None else self._spread(item, label),
            exact=False,
            provenance={"column": self._column, "answer": answer},
            flags=flags,
            round=context.round,
        )

    def _spread(self, item: Item, label: Answer) -> dict[str, float] | None:
        value = None if self._confidence is None else item.extra.get(self._confidence)
        if value is None or value == "":
            return None
        try:
            share = float(value)
        except (TypeError, ValueError):
            share = -1.0
        if not 0 <= share <= 1:
            raise AnnotationError(
                f"the confidence of item {item.id!r} ({item.text[:_READ]!r}) in column "
                f"{self._confidence!r} is {value!r}",
                fix="write it with a point in place of the comma"
                if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value.strip())
                else "it must be a number between 0 and 1",
            )
        rest = (1 - share) / (len(self._labels) - 1)
        return {name: share if name == label else rest for name in self._labels}

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """Nothing is asked: the answers are there."""
        return plan_at(Usage(), self.annotate, items, context)
