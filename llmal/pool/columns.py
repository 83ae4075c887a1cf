"""Which columns of a row are text, gold label and id."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from llmal.errors import DataError

Kind = Literal["text", "whole", "number", "flag", "any"]
"""What the values of a column are, where they are not null; "any" for lists, objects, mixtures."""

_KINDS: dict[type, Kind] = {str: "text", int: "whole", float: "number", bool: "flag"}
_LARGEST = 2**63


def kind_of(value: object, known: Kind | None) -> Kind | None:
    """The kind of a column with one value more; None as long as all are null."""
    if value is None:
        return known
    kind = _KINDS.get(type(value), "any")
    if kind == "whole" and isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        kind = "any"
    if known is None or known == kind:
        return kind
    return "number" if {known, kind} == {"whole", "number"} else "any"


@dataclass(frozen=True)
class Columns:
    """The roles that columns play; every other column is an extra.

    Attributes:
        text: The text columns, in the order in which they are joined.
        gold: The column of the gold answer; or several that are each called like a label, with 1
            where it holds.
        id: The column of the id; None means the column "id", or ids made from content.
    """

    text: tuple[str, ...]
    gold: tuple[str, ...] = ()
    id: str | None = None

    @classmethod
    def of(
        cls, text: str | Sequence[str], gold: str | Sequence[str] | None, id: str | None
    ) -> Columns:
        """Check the names that a caller gave.

        Raises:
            DataError: No text column is named, or a column is named twice or as text and as gold.
        """
        names = _names("text", text)
        if not names:
            raise DataError("no text column is named", fix="give text= one name or several")
        for name in names:
            if names.count(name) > 1:
                raise DataError(f"the text column {name!r} is named twice", fix="name it once")
        golds = () if gold is None else _names("gold", gold)
        for name in golds:
            if name in names:
                raise DataError(
                    f"the column {name!r} is named both as text and as gold",
                    fix="name the column that holds the labels",
                )
            if golds.count(name) > 1:
                raise DataError(f"the gold column {name!r} is named twice", fix="name it once")
        if not (id is None or isinstance(id, str)):
            raise DataError(f"id is {id!r}", fix="give the name of a column")
        return cls(names, golds, id)


def _names(role: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    names = tuple(value) if isinstance(value, Iterable) else (None,)
    if not all(isinstance(name, str) for name in names):
        raise DataError(f"{role} is {value!r}", fix="give the name of a column, or several")
    return names


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
