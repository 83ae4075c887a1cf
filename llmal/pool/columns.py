"""Which columns of a row are text, gold label and id."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmal.errors import DataError


@dataclass(frozen=True)
class Columns:
    """The roles that columns play; every other column is an extra.

    Attributes:
        text: The text columns, in the order in which they are joined.
        gold: The column of the gold label.
        id: The column of the id; None means the column "id", or ids made from content.
    """

    text: tuple[str, ...]
    gold: str | None = None
    id: str | None = None

    @classmethod
    def of(cls, text: str | Sequence[str], gold: str | None, id: str | None) -> Columns:
        """Check the names that a caller gave.

        Raises:
            DataError: No text column is named, or one is named twice or also as gold.
        """
        names = (text,) if isinstance(text, str) else tuple(text)
        if not names:
            raise DataError("no text column is named", fix="give text= one name or several")
        for name in names:
            if names.count(name) > 1:
                raise DataError(f"the text column {name!r} is named twice", fix="name it once")
        if gold in names:
            raise DataError(
                f"the column {gold!r} is named both as text and as gold",
                fix="name the column that holds the labels",
            )
        return cls(names, gold, id)


def missing_column(column: str, role: str, present: Iterable[str], where: str) -> DataError:
    """The error for a column that is not there, which suggests a near one."""
    names = [str(name) for name in present]
    near = difflib.get_close_matches(column, names, n=1)
    folded = [name for name in names if name.strip().casefold() == column.strip().casefold()]
    listed = ", ".join(repr(name) for name in names) or "none"
    hint = f", did you mean {(folded or near)[0]!r}?" if folded or near else ""
    return DataError(
        f"there is no {role} column {column!r}", where=where, fix=f"the columns are {listed}{hint}"
    )
