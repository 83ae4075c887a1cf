"""Rows labelled chunk by chunk: what `llmal.annotate` and the command line have in common."""

from __future__ import annotations

import heapq
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from llmal.annotators.policies.walk import Walk
from llmal.annotators.protocol import Context, Prepares
from llmal.annotators.router import Router
from llmal.calibration.default import MOST_TEXTS
from llmal.core.records import Annotation, Item, Usage, total
from llmal.core.tables import Column, free_name
from llmal.errors import (
    ConfigError,
    LanguageModelError,
    ServerError,
    UnsupportedError,
)
from llmal.functions.rows import InputRows, Row
from llmal.functions.spending import affordable_context, plan_ready
from llmal.lm.progress import Meter, reporting
from llmal.lm.protocol import Asking
from llmal.run.budget import Budget
from llmal.task.spaces import Space

log = logging.getLogger("llmal.functions")

Progress = Callable[[str, int, int, Usage], None]
"""Told what is under way, how much of it is done, out of how much, and the cost so far."""

_FIRST_CHUNK = 32
_LARGEST_CHUNK = 512
_SECONDS_A_CHUNK = 4.0
_RECENT = 4096
"""Answers that are remembered for rows of the same text."""


@dataclass(frozen=True)
class Wanted:
    """Which columns are added beside label, confidence, flags and error.

    Attributes:
        probabilities: The probability of each label.
        rationale: Why, in the model's words.
        decision: Who answered, and whether the answer was accepted.
    """

    probabilities: bool = False
    rationale: bool = False
    decision: bool = False

    def columns(self, space: Space) -> list[Column]:
        """The columns, under the names that they have where the data has no column of theirs."""
        columns = [space.column("label"), Column("confidence", "number")]
        if self.decision:
            columns += [Column("accepted", "flag"), Column("annotator")]
        if self.probabilities:
            columns.append(Column("probabilities", "shares", space.labels))
        if self.rationale:
            columns.append(Column("rationale"))
        return [*columns, Column("flags", "texts"), Column("error")]


def renamed(added: Sequence[Column], present: Sequence[str]) -> dict[str, str]:
    """What each added column is called: its own name, or "llmal_" before it if that is taken.

    A column of the data is never overwritten.
    """
    taken = {*present}
    called: dict[str, str] = {}
    for column in added:
        called[column.name] = free_name(column.name, taken)
        taken.add(called[column.name])
    moved = [f"{old!r} is in {new!r}" for old, new in called.items() if old != new]
    if moved:
        log.warning(
            "the data has columns of these names already, which stay as they are: %s",
            ", ".join(moved),
        )
    return called


def drawn_items(rows: InputRows, seed: int) -> tuple[Item, ...]:
    """At most `MOST_TEXTS` items at random, in their order: for calibration without labels."""
    rng = np.random.default_rng([seed, MOST_TEXTS])
    kept: list[tuple[float, int, Item]] = []
    keys = rng.random(0)
    for number, row in enumerate(rows):
        if number % 4096 == 0:
            keys = rng.random(4096)
        key = -float(keys[number % 4096])
        if len(kept) == MOST_TEXTS and key <= kept[0][0]:
            continue
        item = rows.item(row)
        if isinstance(item, Item):
            (heapq.heappushpop if len(kept) == MOST_TEXTS else heapq.heappush)(
                kept, (key, number, item)
            )
    return tuple(item for _, _, item in sorted(kept, key=lambda one: one[1]))


@dataclass
class Annotating:
    """Machines at work on rows; `rows()` gives each row with what was found out about it.

    Attributes:
        data: The rows.
        router: The annotators. People among them are left out.
        context: What they may know.
        space: What an answer is.
        wanted: Which columns are added.
        budget: No chunk is begun that could cost more than is left.
        count_only: Ask nobody; `usage` is then the most that it would cost.
        whole: Ask about each row by itself, for annotators that read other columns than the text.
        strict: End with an error where a server is lost, and do not go on without it.
        on_progress: Told of every chunk.
    """

    data: InputRows
    router: Router
    context: Context
    space: Space
    wanted: Wanted
    budget: Budget | None = None
    count_only: bool = False
    whole: bool = False
    strict: bool = False
    on_progress: Progress | None = None
    usage: Usage = field(default_factory=Usage)
    counts: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        kinds = [stage.annotator.kind for stage in self.router.stages]
        self._machines = [place for place, kind in enumerate(kinds) if kind != "human"]
        if not self._machines:
            raise ConfigError(
                "the configuration names no annotator but people",
                fix="add one that is a machine (llm, similarity, recorded), or use llmal run",
            )
        self.leaves_out_people = len(self._machines) < len(kinds)
        added = self.wanted.columns(self.space)
        self.called = renamed(added, self.data.names)
        self.added = [replace(one, name=self.called[one.name]) for one in added]
        self._stopped: str | None = None
        self._answered = False
        self._chunk = _FIRST_CHUNK
        self._recent: dict[str, Annotation | str] = {}

    @property
    def columns(self) -> list[Column]:
        """All columns: those of the data, then those that are added."""
        return [*self.data.columns, *self.added]

    def rows(self) -> Iterator[Row]:
        """Each row in its order, with the added columns.

        Raises:
            LlmalError: The work cannot begin, or (`strict`) a server is lost.
        """
        self._prepare()
        done = 0
        for chunk in self.data.chunks(lambda: self._chunk):
            started = time.monotonic()
            items = [self.data.item(row, whole=self.whole) for row in chunk]
            answers = self._asked([one for one in items if isinstance(one, Item)])
            for row, item in zip(chunk, items, strict=True):
                yield self._row(row, item if isinstance(item, str) else answers[item.id])
            done += len(chunk)
            self._pace(time.monotonic() - started)
            self._tell("annotating", done, self.data.size)

    def _tell(self, what: str, done: int, total: int) -> None:
        if self.on_progress is not None:
            self.on_progress(what, done, total, self.usage)

    def _tell_asking(self, meter: Meter, answered: int, prompts: int) -> None:
        if self.on_progress is not None:
            cost = self.usage + meter.since()
            self.on_progress("preparing the prompt", answered, prompts, cost)

    def _pace(self, seconds: float) -> None:
        """Chunks that take a few seconds each, so that progress is seen with a slow model too."""
        likely = self._chunk * _SECONDS_A_CHUNK / max(seconds, 1e-3)
        self._chunk = int(min(max(likely, _FIRST_CHUNK), 2 * self._chunk, _LARGEST_CHUNK))

    def _prepare(self) -> None:
        for place in self._machines:
            annotator = self.router.stages[place].annotator
            if not isinstance(annotator, Prepares):
                continue
            self._tell("preparing the prompt", 0, 1)
            if self.count_only:
                self.usage += plan_ready(annotator, self.context).highest
            else:
                if self.budget is not None:
                    self.context = affordable_context(
                        annotator, self.context, self.budget, self.usage
                    )
                models = [annotator.lm] if isinstance(annotator, Asking) else []
                with reporting(models, partial(self._tell_asking, Meter(models))):
                    self.usage += plan_ready(annotator, self.context).execute()[1]
            self._tell("preparing the prompt", 1, 1)

    def _asked(self, items: Sequence[Item]) -> dict[str, Annotation | str]:
        """For each item, by id, its annotation or a sentence on why there is none."""
        recent = self._recent
        different = list({item.id: item for item in items if item.id not in recent}.values())
        if self._stopped is None and different and (self.count_only or self.budget is not None):
            self._count(different)
        answers = self._routed(different)
        for item in different:
            answers.setdefault(item.id, self._stopped or "no annotator had an answer")
        answers |= {item.id: recent[item.id] for item in items if item.id in recent}
        self._recent = dict(list({**recent, **answers}.items())[-_RECENT:])
        return answers

    def _routed(self, items: Sequence[Item]) -> dict[str, Annotation | str]:
        """The answers of machines, asked in turn or as the routing policy says."""
        answers: dict[str, Annotation | str] = {}
        policy = self.router.policy
        if policy is None or self.count_only:
            left = items
            for place in self._machines:
                if not left or self._stopped is not None:
                    break
                answers |= self._stage(place, left)
                left = [item for item in left if not _accepted(answers.get(item.id))]
            return answers
        by_id = {item.id: item for item in items}
        walk = Walk(policy, self.router.machines, by_id)
        places: dict[str, int] = {}
        while self._stopped is None and (asked := walk.next()):
            for place, ids in asked.items():
                given = self._stage(place, [by_id[one] for one in ids])
                answers |= given
                places |= dict.fromkeys(given, place)
                walk.take(place, [one for one in given.values() if isinstance(one, Annotation)])
        return {
            i: one if isinstance(one, str) else walk.decided(places[i], one)
            for i, one in answers.items()
        }

    def _count(self, items: Sequence[Item]) -> None:
        """What the items can cost, before anybody is asked about them."""
        plans = (
            self.router.stages[place].annotator.plan(items, self.context)
            for place in self._machines
        )
        cost = total(one.highest for one in plans)
        if self.count_only:
            self.usage += cost
        limit = None if self.budget is None else self.budget.exceeded_by(self.usage, cost)
        if limit is not None and not self.count_only:
            self._stopped = f"not asked: {limit} is used up"
            log.warning("%s; the remaining rows are not labelled", limit)

    def _stage(self, place: int, items: Sequence[Item]) -> dict[str, Annotation | str]:
        """The answers of one annotator, or why there are none."""
        if self.count_only:
            return {item.id: "not asked: this was a dry run" for item in items}
        answers, error = self._attempt(place, items)
        if error is not None and not self._answered:
            raise error  # Nobody has answered at all: it is not for one of the texts.
        return answers

    def _attempt(
        self, place: int, items: Sequence[Item]
    ) -> tuple[dict[str, Annotation | str], LanguageModelError | None]:
        """Ask about items; in halves where that fails, so that one text does not cost the others.

        Returns:
            The answers, and an error that some got in the place of one.
        """
        annotator = self.router.stages[place].annotator
        try:
            given = self.router.decide(place, annotator.annotate(items, self.context))
        except ServerError as error:
            if self.strict or not self._answered:
                raise
            log.warning("%s; the remaining rows are not labelled", error)
            self._stopped = f"not asked: {error}"
            return {}, None
        except UnsupportedError:
            raise
        except LanguageModelError as error:
            if len(items) == 1:
                return {items[0].id: str(error)}, error
            middle = len(items) // 2
            first, why = self._attempt(place, items[:middle])
            if self._stopped is not None:
                return first, why
            second, also = self._attempt(place, items[middle:])
            return first | second, why or also
        self._answered = True
        self.usage = sum((one.usage for one in given), self.usage)
        return {one.item_id: one for one in given}, None

    def _row(self, row: Row, answer: Annotation | str) -> Row:
        found: Row = {}
        if isinstance(answer, str):
            self.failed += 1
            found["error"] = answer
        else:
            accepted = answer.decision == "accepted"
            self.accepted += accepted
            if answer.label is None:
                self.failed += 1
                found["error"] = f"the annotator {answer.annotator!r} gave no label"
            else:
                self.counts.update(self.space.names_in(answer.label))
            found |= {
                "label": answer.label,
                "confidence": answer.confidence,
                "accepted": accepted,
                "annotator": answer.annotator,
                "probabilities": answer.probabilities,
                "rationale": answer.rationale,
                "flags": list(answer.flags),
            }
        return {
            **{name: row.get(name) for name in self.data.names},
            **{name: found.get(own) for own, name in self.called.items()},
        }


def _accepted(answer: Annotation | str | None) -> bool:
    return isinstance(answer, Annotation) and answer.decision == "accepted"


def reading_whole_rows(router: Router) -> bool:
    """Whether some annotator reads other columns than the text."""
    kinds: set[Any] = {stage.annotator.kind for stage in router.stages}
    return "recorded" in kinds
