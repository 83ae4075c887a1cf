"""Answers as requests and synthetic items hold them: the text that their space writes."""

from __future__ import annotations

from collections.abc import Sequence

from llmal.core.records import Answer, Item
from llmal.errors import DataError
from llmal.task import Task
from llmal.task.spaces import fits


def takes_one(task: Task) -> bool:
    """Whether an item has one label."""
    return fits(task.space, ("single",))


def answer_of(task: Task, label: str) -> Answer:
    """The answer that a request's label stands for: of one label an item its name.

    Raises:
        DataError: The task has no such label, or the answer is not written as its space writes it.
    """
    if takes_one(task):
        return task.names[task.index(label)]
    answer = task.space.match(label)
    if answer is None or task.space.write(answer) != label:
        right = "" if answer is None else f", which is written {task.space.write(answer)!r}"
        raise DataError(
            f"{label!r} is no answer of task {task.name!r}{right}",
            fix="write it as the space of the task does",
        )
    return answer


def label_of(task: Task, item: Item, what: str) -> str:
    """The answer of a labelled item as its space writes it.

    Args:
        task: The task.
        item: The answer is in its `gold`.
        what: What the item is called in messages.

    Raises:
        DataError: It has none, or one that the task lacks.
    """
    if item.gold is None:
        raise DataError(
            f"the {what} {item.id!r} has no label", fix=f"give {what}s whose gold is set"
        )
    if isinstance(item.gold, str):
        task.index(item.gold)
    return task.space.write(item.gold)


def labels_among(task: Task, items: Sequence[Item]) -> list[str]:
    """All labels; where an item takes several, each answer that the items have, as it is written.
    Without items each label alone.
    """
    if takes_one(task):
        return list(task.names)
    found = sorted({label_of(task, one, "demonstration") for one in items})
    return found or [task.space.write((name,)) for name in task.names]
