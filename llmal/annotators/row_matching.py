"""Which item a row of a file is about, where a spreadsheet may have changed its id."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Collection, Mapping

from llmal.annotators.label_file import Row, shown_texts
from llmal.core.records import Item
from llmal.core.spelling import as_seen

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_DIGITS_OF_EXCEL = 15
_COMPARED = 30_000
"""Characters of a text that are compared: what a cell of Excel is sure to hold."""

_TRUTHS = ({"true", "wahr", "vrai", "verdadero"}, {"false", "falsch", "faux", "falso"})


class RowMatcher:
    """Finds the item of a row: by its id to the letter, and never by a guess.

    An id that is not among those that wait may have been changed by a spreadsheet (00123 to 123,
    12e4 to 1.20E+05, space at its end gone). Such a row is that of an item only if the id is what a
    spreadsheet makes of that item's id, the row shows that item's texts, and no other item fits. A
    row with the id of one item and the texts of another is nobody's: its columns were sorted apart.

    Args:
        waiting: The items that wait, by id.
        settled: Ids of items that were answered before.
        texts_changed: Whether texts may have changed since rows were written: a row that shows
            another text than its item has is about that other text.
    """

    def __init__(
        self,
        waiting: Mapping[str, Item],
        settled: Collection[str],
        *,
        texts_changed: bool = False,
    ) -> None:
        self._waiting = waiting
        self._settled = settled
        self._texts_changed = texts_changed

    def item_of(self, row: Row) -> str | None:
        """The id of the item that a row is about; None if it is about none that waits.

        Raises:
            ValueError: That cannot be told; the message says why.
        """
        texts = self._texts_of(row)
        same_texts = [] if texts is None else self._by_texts.get(texts, [])
        if row.id in self._waiting:
            if self._texts_changed and texts is not None and row.id not in same_texts:
                raise ValueError(
                    f"the text of item {row.id!r} has changed since this row was written; remove "
                    "the row, and label the new text"
                )
            if texts is None or not same_texts or row.id in same_texts:
                return row.id
            meant = [one for one in same_texts if is_respelt(row.id, one)]
            if len(meant) == 1:
                return meant[0]
            raise ValueError(
                f"the row has the id {row.id!r} and the text of item {same_texts[0]!r}; "
                "put ids and texts together again (sort whole rows only)"
            )
        if row.id in self._settled:
            return None
        meant = [one for one in same_texts if is_respelt(row.id, one)]
        if len(meant) == 1:
            return meant[0]
        if same_texts:
            listed = " or ".join(repr(one) for one in same_texts[:3])
            raise ValueError(
                f"no item {row.id!r} is waiting for a label; the text is that of {listed}, write "
                "this id back"
            )
        raise ValueError(
            f"no item {row.id!r} is waiting for a label; it has one already, or its id was changed"
        )

    def _texts_of(self, row: Row) -> tuple[str, ...] | None:
        """What a row shows of an item; None if a text column is gone."""
        if any(name not in row.shown for name in self._columns):
            return None
        return tuple(_compared(row.shown[name]) for name in self._columns)

    @functools.cached_property
    def _columns(self) -> tuple[str, ...]:
        return next((tuple(shown_texts(item)) for item in self._waiting.values()), ())

    @functools.cached_property
    def _by_texts(self) -> dict[tuple[str, ...], list[str]]:
        found: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for item in self._waiting.values():
            texts = shown_texts(item)
            found[tuple(_compared(texts.get(name, "")) for name in self._columns)].append(item.id)
        return found


def _compared(text: str) -> str:
    return as_seen(text[:_COMPARED])


def is_respelt(cell: str, id: str) -> bool:
    """Whether a spreadsheet may have made `cell` of an id.

    It strips space, takes numbers for numbers (007 is 7, 12e4 is 1.20E+05, digits beyond the 15th
    are zeros) and truth values for truth values.
    """
    seen, wanted = as_seen(cell), as_seen(id)
    if seen == wanted:
        return True
    if any(seen.casefold() in same and wanted.casefold() in same for same in _TRUTHS):
        return True
    if wanted.isdecimal() and seen == wanted[:_DIGITS_OF_EXCEL].ljust(len(wanted), "0"):
        return True
    number, original = _number(seen), _number(wanted)
    if number is None or original is None:
        return False
    digits = _DIGITS_OF_EXCEL
    mantissa, sign, _ = seen.lower().partition("e")
    if sign:
        digits = min(digits, sum(one.isdigit() for one in mantissa))
    return f"{number:.{digits - 1}e}" == f"{original:.{digits - 1}e}"


def _number(text: str) -> float | None:
    return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None
