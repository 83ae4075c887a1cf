"""Synthetic items as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmal.core.records import SyntheticItem
from llmal.core.tables import Column

COLUMNS = (
    Column("label"),
    Column("accepted", "flag"),
    Column("refused_by"),
    Column("reason"),
    Column("generator"),
)
"""What `fields_of` gives, besides the id."""


def texts_of(item: SyntheticItem, names: Sequence[str]) -> dict[str, str]:
    """The text columns of a synthetic item, by name.

    An answer that could not be read into several columns stands whole in the first.

    Args:
        item: The item.
        names: The text columns.
    """
    fields = item.provenance.get("fields")
    if not fields:
        return {names[0]: item.text}
    return {name: text for name, text in fields.items() if name in names}


def fields_of(item: SyntheticItem) -> dict[str, Any]:
    """What is known of a synthetic item besides its text: its id, and `COLUMNS`."""
    return {"id": item.id, **{one.name: getattr(item, one.name) for one in COLUMNS}}
