"""People whom a function asks: it takes items and gives their labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llmal.annotators.label_help import SKIP
from llmal.annotators.protocol import Context, plan_at
from llmal.core.plans import BatchPlan
from llmal.core.records import Annotation, AnnotatorKind, Answer, Item, Usage
from llmal.core.words import counted
from llmal.errors import AnnotationError, ConfigError, DataError
from llmal.task import Task
from llmal.task.spaces import KINDS

AskPeople = Callable[[list[Item]], Iterable[Any]]
"""Takes items and gives a label for each, in their order; None or "?" for one that is skipped."""


class HumanFunction:
    """People who are asked through a function of yours: a prompt in a terminal, a page, a service.

        HumanFunction(task, lambda items: [input(f"{item.text}: ") for item in items])

    Labels are read as those of a file are: case, white space and the way a number is written do not
    matter. Of each batch of a run the answers are in the ledger before the next is asked for.

    Args:
        task: The task.
        ask: Gives a label for each item, in their order; None, nothing or `?` where a person cannot
            decide. Where an item takes several labels, a list of them or a text such as `a|b`.
        hidden: Columns that the items it gets lack, such as answers of others. They never have a
            gold label.
        cost: Money for each label.
        name: Who is recorded in the ledger.
        batch_size: How many items it gets at once, at most.

    Raises:
        ConfigError: It is no function, the cost is negative, or a batch has no items.
    """

    kind: AnnotatorKind = "human"
    spaces = KINDS

    def __init__(
        self,
        task: Task,
        ask: AskPeople,
        *,
        hidden: Sequence[str] = (),
        cost: float = 0.0,
        name: str = "human",
        batch_size: int = 10,
    ) -> None:
        if not callable(ask):
            raise ConfigError(
                f"people are asked through a {type(ask).__name__}",
                fix="give a function that takes a list of items and gives a label for each",
            )
        if not cost >= 0:
            raise ConfigError(f"cost is {cost}", fix="it must be 0 or more")
        if batch_size < 1:
            raise ConfigError(f"a batch of {batch_size} items is empty", fix="use 1 or more")
        self.task = task
        self.name = name
        self.batch_size = batch_size
        self._ask = ask
        self._hidden = frozenset(hidden)
        self._cost = cost

    @property
    def cost(self) -> float:
        """Money for each label."""
        return self._cost

    def annotate(self, items: Sequence[Item], context: Context = Context()) -> list[Annotation]:
        """Ask about all items at once.

        Raises:
            AnnotationError: It gave another number of labels than there are items, or something
                that is no label of the task. What the function itself raises comes through.
        """
        if not items:
            return []
        started = time.monotonic()
        answers = self._answers(items)
        seconds = (time.monotonic() - started) / len(items)
        usage = Usage(human_labels=1, money=self._cost, seconds=seconds)
        return [
            Annotation(
                item_id=item.id,
                label=answer,
                annotator=self.name,
                kind="human",
                decision="deferred" if answer is None else "accepted",
                usage=usage,
                flags=("skipped",) if answer is None else (),
                round=context.round,
                purpose=context.purpose,
                task_version=context.task_version,
            )
            for item, answer in zip(items, answers, strict=True)
        ]

    def _answers(self, items: Sequence[Item]) -> list[Answer | None]:
        given: object = self._ask([self._shown(one) for one in items])
        if not isinstance(given, Iterable) or isinstance(given, (str, bytes, Mapping)):
            raise AnnotationError(
                f"the function that asks people gave {_in_short(given)} for "
                f"{counted(len(items), 'item')}",
                fix="have it give a list with a label for each item, in their order",
            )
        values = list(given)
        if len(values) != len(items):
            raise AnnotationError(
                f"the function that asks people gave {counted(len(values), 'label')} for "
                f"{counted(len(items), 'item')}",
                fix="have it give one for each item, in their order, and None for one that is "
                "skipped",
            )
        return [self._answer(item, value) for item, value in zip(items, values, strict=True)]

    def _shown(self, item: Item) -> Item:
        """An item without what others have said about it."""
        extra = {name: value for name, value in item.extra.items() if name not in self._hidden}
        return replace(item, gold=None, extra=extra)

    def _answer(self, item: Item, value: object) -> Answer | None:
        if value == SKIP and SKIP not in self.task.names:
            return None
        try:
            return self.task.match(value)
        except DataError as error:
            raise AnnotationError(
                f"the function that asks people gave {_in_short(value)} for item {item.id!r}, "
                "which is no answer of the task",
                fix=error.fix,
            ) from None

    def plan(
        self, items: Sequence[Item], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """So many labels of a person, at their cost."""
        each = Usage(human_labels=1, money=self._cost)
        return plan_at(each, self.annotate, items, context)


def _in_short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
