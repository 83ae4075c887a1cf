"""What generators share that make items out of labelled items, their sources."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from llmal.core.records import Item
from llmal.errors import DataError
from llmal.generators.answers import answer_of, label_of
from llmal.generators.decks import deal, rng_of
from llmal.generators.draws import Draw
from llmal.generators.prompted import AT_ONCE, PromptedGenerator
from llmal.generators.protocol import Need, Request
from llmal.task import Task

log = logging.getLogger("llmal.generators")

UNCHANGED = "the text is that of its source, unchanged"


def of_label(request: Request, task: Task, *, other: bool = False) -> list[Item]:
    """The sources of the request's label, or those of any other.

    Raises:
        DataError: A source has no label, or one that the task lacks.
    """
    found: list[Item] = []
    for item in request.sources:
        if (label_of(task, item, "source") == request.label) is not other:
            found.append(item)
    return found


def lack_of(
    request: Request, usable: Sequence[Item], name: str, *, other: bool = False
) -> str | None:
    """That no source fits, as a sentence; None where one does."""
    if usable:
        return None
    if not request.sources:
        return f"{name} makes items out of labelled ones, and there are none"
    kind = f"a label other than {request.label!r}" if other else f"the label {request.label!r}"
    return f"{name} makes items out of labelled ones, and none has {kind}"


def raise_if_lacking(sentence: str | None) -> None:
    """Raise what `lacks` says.

    Raises:
        DataError: It says something.
    """
    if sentence:
        raise DataError(sentence, fix="label some, or use class_conditional")


def columns_of(item: Item, task: Task) -> dict[str, str]:
    """The text columns of an item by name.

    Raises:
        DataError: It lacks one.
    """
    if len(task.text) == 1:
        return {task.text[0]: item.text}
    for column in task.text:
        if column not in item.fields:
            raise DataError(
                f"the source {item.id!r} lacks the text column {column!r}",
                fix="give sources from a pool with all text columns of the task",
            )
    return {column: item.fields[column] for column in task.text}


@dataclass(eq=False, kw_only=True)
class FromSources(PromptedGenerator):
    """Makes each item out of a source: all sources are used before one comes again.

    Sources that are too long for the model's context or for `max_tokens`, as an item is about as
    long as its source, are left out, and the log says how many.
    """

    other_labels: ClassVar[bool] = False
    """Whether sources are those of labels other than the request's."""

    per_prompt: int = 1
    shots: int = field(default=0, init=False)
    others: int = field(default=0, init=False)

    @property
    def requires(self) -> tuple[Need, ...]:
        """Labelled items."""
        return ("sources",)

    @abstractmethod
    def drawn(self, request: Request, sources: Iterator[Item]) -> Iterator[Draw]:
        """What prompt after prompt is filled with, each from the next source."""

    @property
    def prompts_at_once(self) -> int:
        """Prompts that the model is asked in one call."""
        return AT_ONCE

    def lacks(self, request: Request) -> str | None:
        """Why nothing can be written, or None."""
        answer_of(self.task, request.label)
        usable = self.usable(request)
        return lack_of(request, usable, self.name, other=self.other_labels)

    def usable(self, request: Request) -> list[Item]:
        """The sources that fit the request's label."""
        return of_label(request, self.task, other=self.other_labels)

    def draws(self, request: Request, words: Sequence[str]) -> Iterator[Draw]:
        """From source after source; for a forecast, from the longest."""
        raise_if_lacking(self.lacks(request))
        usable = self.usable(request)
        if request.standing_in:
            usable = self._longest(request, usable, 1)
        else:
            usable = self._short_enough(request, usable)
        hands = deal(usable, 1, rng_of(request, "sources"))
        return self.drawn(request, (hand[0] for hand in hands))

    def read(self, answer: str, draw: Draw) -> tuple[str, ...]:
        """The text columns of an answer, which must not be those of its source.

        Raises:
            DataError: They are, or it does not have the structure.
        """
        fields = super().read(answer, draw)
        self.refuse_unchanged(fields, list(columns_of(draw.sources[0], self.task).values()))
        return fields

    def refuse_unchanged(self, texts: Sequence[str], before: Sequence[str]) -> None:
        """Refuse texts that differ from those of a source by white space at most.

        Raises:
            DataError: They do not.
        """
        if [one.split() for one in texts] == [one.split() for one in before]:
            raise DataError(UNCHANGED)

    def _short_enough(self, request: Request, usable: Sequence[Item]) -> list[Item]:
        fits = self.count_tokens([self.write(one) for one in usable]) <= self.max_tokens
        room = self.lm.context_length
        if room is not None:
            draws = [next(self.drawn(request, iter([one]))) for one in usable]
            prompts = [self.render(request.label, one) for one in draws]
            fits &= self.lm.count_tokens(prompts) + self.max_tokens <= room
        left = [usable[row] for row in np.flatnonzero(fits).tolist()]
        if not left:
            raise DataError(
                f"all {len(usable)} sources that {self.name} could use are too long for the model "
                f"or for an answer of {self.max_tokens} tokens",
                fix="raise max_words, or give shorter ones",
            )
        if len(left) < len(usable):
            log.warning(
                "%d of %d sources are too long for the model or for an answer of %d tokens, and "
                "%s leaves them out",
                len(usable) - len(left),
                len(usable),
                self.max_tokens,
                self.name,
            )
        return left
