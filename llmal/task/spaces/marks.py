"""Labels as columns or keys of 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping

from llmal.core.spelling import is_missing, plain
from llmal.errors import DataError

_YES = {"1", "true", "yes", "x"}
_NO = {"0", "false", "no"}


def marked_names(marks: Mapping[str, object]) -> tuple[str, ...] | None:
    """The names that are marked with 1; None where nothing is said of any.

    Raises:
        DataError: A mark is neither 1 nor 0 (true nor false), or some are empty and some not.
    """
    found: list[str] = []
    silent: list[str] = []
    for name, given in marks.items():
        mark = plain(given)
        if is_missing(mark) or (isinstance(mark, str) and not mark.strip()):
            silent.append(name)
            continue
        text = str(mark).strip().casefold().removesuffix(".0")
        if text not in _YES | _NO:
            raise DataError(
                f"the label {name!r} is marked with {mark!r}", fix="use 1 or 0 (true or false)"
            )
        if text in _YES:
            found.append(name)
    if len(silent) == len(marks):
        return None
    if silent:
        raise DataError(
            f"nothing is said of the label {silent[0]!r}, and something of others",
            fix="write 0 where a label does not hold",
        )
    return tuple(found)
