"""Plain strings where an annotator takes items."""

from __future__ import annotations

from collections.abc import Sequence

from llmal.core.records import Item
from llmal.errors import DataError
from llmal.pool.index import content_ids
from llmal.task import Task


def as_items(items: Sequence[Item | str], task: Task) -> Sequence[Item]:
    """Items, made of those that are strings, with the ids that a pool would give them.

    Raises:
        DataError: One is neither, or a string cannot fill several text columns.
    """
    if isinstance(items, str):
        raise DataError("the items are one string", fix="give a list of items or of strings")
    if all(isinstance(one, Item) for one in items):
        return [one for one in items if isinstance(one, Item)]
    for number, one in enumerate(items):
        if not isinstance(one, Item | str):
            raise DataError(
                f"item {number} (from 0) is of type {type(one).__name__}",
                fix="give a list of items or of strings",
            )
    if len(task.text) > 1:
        raise DataError(
            f"a string is one text, and task {task.name!r} reads {', '.join(task.text)}",
            fix="give items, such as those of a Pool",
        )
    [column] = task.text
    ids = content_ids(one if isinstance(one, str) else one.text for one in items)
    return [
        one if isinstance(one, Item) else Item(id, str(one), {column: str(one)})
        for id, one in zip(ids, items, strict=True)
    ]
