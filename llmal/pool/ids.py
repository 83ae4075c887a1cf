"""What an id is: kept as it is written, compared to the letter, and never like another one.

Ids that differ only in what nobody can see (space around them, Unicode form, characters without
width) are refused where a pool is made: a person, a spreadsheet or a database would take one for
the other sooner or later. Ids that differ in case, or in zeros at their front, are different ids.
"""

from __future__ import annotations

from collections.abc import Iterable

from llmal.core.spelling import as_seen, is_missing, plain, written
from llmal.errors import DataError


def read_id(value: object) -> str:
    """An id as it stands in a cell. A whole number has no other spelling, whatever its type.

    Raises:
        DataError: It is empty, a number with decimals or lost digits, or of another type.
    """
    value = plain(value)
    if is_missing(value) or (isinstance(value, str) and not value):
        raise DataError("the id is empty", fix="give every row an id")
    if isinstance(value, bool):
        raise DataError("the id is of type bool, not a string or a whole number", fix=_FIX)
    try:
        text = written(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"the id is {error}", fix=_FIX) from None
    if isinstance(value, float) and not value.is_integer():
        raise DataError("the id is of type float, not a string or a whole number", fix=_FIX)
    if not as_seen(text):
        raise DataError(f"the id {text!a} holds nothing that can be seen", fix=_FIX)
    return text


_FIX = "write each id as a string"


def likeness(id: str) -> str:
    """What two ids of one pool must differ in."""
    return as_seen(id)


def like(id: str, ids: Iterable[str]) -> str | None:
    """An id that may have been meant by one that is not among `ids`, for messages.

    It differs in space, case, Unicode form, or as a whole number that a table holds as a float.
    """
    wanted = _loosely(id)
    return next((one for one in ids if _loosely(one) == wanted), None)


def _loosely(id: str) -> str:
    seen = as_seen(id).casefold()
    whole = seen.removesuffix(".0")
    return whole.lstrip("0") or whole if whole.isdecimal() else seen
