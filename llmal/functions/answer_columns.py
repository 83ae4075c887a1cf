"""The column of a table that holds answers."""

from __future__ import annotations

from llmal.core.tables import Column
from llmal.task.spaces import Space


def answer_column(name: str, space: Space) -> Column:
    """A column of answers: texts, or where an item takes several labels lists of them."""
    if space.rows_sum_to_one:
        return Column(name)
    return Column(name, "labels", space.labels, space.write)
