"""What answers of earlier versions of task and pool say under the present ones.

Annotations are never changed. Whoever reads labels or probabilities reads them through a `Reading`.
"""

from __future__ import annotations

import enum
import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal, Protocol, TypeAlias

from llmal.core.content import is_same
from llmal.core.records import Annotation, AnnotatorKind, Answer, SyntheticItem
from llmal.ledger.entries import TaskVersion

Contents: TypeAlias = Callable[[Sequence[str]], Sequence[str | None]]
"""For ids of items what `content_of` says of their texts; None for one that the pool lacks."""

_AT_ONCE = 1024
_ANSWER: Callable[[Given], Answer | None] = operator.attrgetter("answer")


class Void(enum.Enum):
    """Why an answer says nothing about its item under the present task and pool."""

    UNMAPPED = "the task has no one label in place of its own"
    ASKED_AGAIN = "machines are asked again"
    ELSEWHERE = "its text has changed, or its item is gone"


Now: TypeAlias = Answer | Literal[Void.UNMAPPED, Void.ASKED_AGAIN, Void.ELSEWHERE] | None
"""An answer as it reads now; None is an abstention."""


class Given(Protocol):
    """What has to be known of an annotation to read it."""

    @property
    def item_id(self) -> str: ...

    @property
    def answer(self) -> Answer | None: ...

    @property
    def kind(self) -> AnnotatorKind: ...

    @property
    def task_version(self) -> int: ...

    @property
    def content(self) -> str | None: ...


class Reading:
    """Reads annotations under one version of the task, and one pool.

    Args:
        versions: All versions of the task up to the one to read under.
        contents: Of the present pool; None reads answers about whatever text as they are.

    Attributes:
        version: The version of the task that is read under.
    """

    def __init__(self, versions: Sequence[TaskVersion], contents: Contents | None = None) -> None:
        self._maps = [one.label_map for one in versions]
        self._contents = contents
        last = versions[-1] if versions else None
        self.version = 1 if last is None else last.version
        self._labels = None if last is None or last.labels is None else frozenset(last.labels)
        self._asked_again = max((one.version for one in versions if one.asks_again), default=0)
        self._translates = len(versions) > 1
        self._names_in = functools.cache(self._names)
        self._translated = functools.cache(self._translate)

    @property
    def is_plain(self) -> bool:
        """Whether every answer reads as it was given."""
        return not self._translates and self._contents is None

    def answers(self, rows: Sequence[Given]) -> list[Now]:
        """The answers of annotations as they read now."""
        if self.is_plain:
            return [*map(_ANSWER, rows)]
        elsewhere = self._elsewhere(rows)
        return [
            Void.ELSEWHERE if away else self._answer(one)
            for one, away in zip(rows, elsewhere, strict=True)
        ]

    def present(self, annotations: Iterable[Annotation]) -> Iterator[Annotation]:
        """Those of some annotations that say something, as they read now.

        Labels are the present ones. Probabilities are there where each label that has one is one
        label now, and no present label is without.
        """
        left = iter(annotations)
        while part := list(islice(left, _AT_ONCE)):
            for one, now in zip(part, self.answers([_AsGiven(one) for one in part]), strict=True):
                if isinstance(now, Void):
                    continue
                yield self._as_now(one, now)

    def written(self, items: Iterable[SyntheticItem]) -> Iterator[SyntheticItem]:
        """Those of some generated items whose label the task has, with its name of now."""
        for one in items:
            version = one.provenance.get("task_version", 1)
            now = self._translated(one.label, version) if self._translates else one.label
            if isinstance(now, str):
                yield one if now == one.label else replace(one, label=now)

    def read(self, one: Annotation) -> Now:
        """The answer of one annotation as it reads now."""
        return self.answers([_AsGiven(one)])[0]

    def _as_now(self, one: Annotation, answer: Answer | None) -> Annotation:
        if not self._translates:
            return one
        probabilities = self._probabilities(one)
        if answer == one.label and probabilities == one.probabilities:
            return one
        return replace(one, label=answer, probabilities=probabilities)

    def _elsewhere(self, rows: Sequence[Given]) -> list[bool]:
        if self._contents is None:
            return [False] * len(rows)
        ids = list(dict.fromkeys(one.item_id for one in rows))
        present = dict(zip(ids, self._contents(ids), strict=True))
        found = []
        for one in rows:
            now = present[one.item_id]
            about = one.content
            found.append(now is None or (about is not None and not is_same(about, now)))
        return found

    def _answer(self, one: Given) -> Now:
        if one.kind != "human" and one.task_version < self._asked_again:
            return Void.ASKED_AGAIN
        if one.answer is None:
            return None
        return self._translated(one.answer, one.task_version) if self._translates else one.answer

    def _translate(self, answer: Answer, version: int) -> Now:
        if isinstance(answer, str):
            names = self._names_in(answer, version)
            return next(iter(names)) if len(names) == 1 and self._has(names) else Void.UNMAPPED
        held: set[str] = set()
        for name in answer:
            names = self._names_in(name, version)
            if len(names) > 1:
                return Void.UNMAPPED
            # Of several labels those that are dropped are left out, and the others still hold.
            held |= {one for one in names if self._has((one,))}
        return tuple(sorted(held))

    def _names(self, name: str, version: int) -> frozenset[str]:
        """What a label of a version may be now. A name that no map has stays, so that a label that
        was dropped is there again when the task has it again.
        """
        names = {name}
        for step in self._maps[version:]:
            names = {new for old in names for new in step.get(old, (old,))}
        return frozenset(names)

    def _has(self, names: Iterable[str]) -> bool:
        return self._labels is None or self._labels.issuperset(names)

    def _probabilities(self, one: Annotation) -> Mapping[str, float] | None:
        if one.probabilities is None:
            return None
        now: dict[str, float] = {}
        for name, share in one.probabilities.items():
            names = self._names_in(name, one.task_version)
            if len(names) != 1 or not self._has(names):
                return None
            (new,) = names
            if new in now and not isinstance(one.label, str):
                # Of labels that do not exclude each other it is not known how often either holds.
                return None
            now[new] = now.get(new, 0.0) + share
        return now if self._labels is None or now.keys() == self._labels else None


class _AsGiven:
    """An annotation, by the names that its row has."""

    def __init__(self, one: Annotation) -> None:
        self.item_id = one.item_id
        self.answer = one.label
        self.kind = one.kind
        self.task_version = one.task_version
        self.content = one.content
