"""The columns that items came with, beside those that a table of llmal's adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmal.core.records import Item
from llmal.core.tables import free_name
from llmal.pool.columns import Kind
from llmal.pool.pool import Pool
from llmal.task.labels import LabelMatcher


class InputColumns:
    """What a table holds of the input, and what its own columns are called beside it.

    Every column of the input comes back under its own name, in its own order. A column of llmal's
    that has the name of one of them is called "llmal_<name>". Two columns of llmal's stand for
    columns of the input, whatever those are called: `id` for the column of the ids, and `gold`,
    where the table has it, for the gold column. So a gold column "label" comes back as `gold`, and
    leaves the name `label` to the label that was given.

    Args:
        pool: The items.
        own: The columns that the table adds, in their order.
    """

    def __init__(self, pool: Pool, own: Sequence[str]) -> None:
        roles = set()
        if "id" in own:
            roles.add(pool.id_column)
        if "gold" in own:
            roles.add(pool.gold_column)
        self._id, self._gold = pool.id_column, pool.gold_columns
        self._gold_names = LabelMatcher(self._gold)
        self.columns: dict[str, Kind] = {
            name: kind for name, kind in pool.columns.items() if not (name in own and name in roles)
        }
        for name in (self._id, *(self._gold if len(self._gold) == 1 else ())):
            if name in self.columns:
                lists = name in self._gold and pool.gold_is_lists
                self.columns[str(name)] = "any" if lists else "text"
        for name in self._gold if len(self._gold) > 1 else ():
            if name in self.columns:
                self.columns[name] = "whole"
        self.own = {name: free_name(name, self.columns) for name in own}

    @property
    def renamed(self) -> dict[str, str]:
        """The columns of llmal's that gave way, with what they are called now."""
        return {name: called for name, called in self.own.items() if name != called}

    def values(self, item: Item) -> dict[str, Any]:
        """What an item came with, by column."""
        row = {**item.extra, **item.fields}
        if self._id is not None:
            row[self._id] = item.id
        if len(self._gold) == 1:
            row[self._gold[0]] = item.gold
        elif item.gold is not None:
            held = {self._gold_names.match(label) for label in item.gold}
            row |= {name: int(name in held) for name in self._gold}
        return {name: row.get(name) for name in self.columns}
