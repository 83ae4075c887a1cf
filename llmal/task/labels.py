"""From what stands in a file, a frame or a form to the label of a task that is meant by it."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from llmal.core.spelling import as_seen, is_missing, plain, written
from llmal.core.spreadsheets import unguard
from llmal.errors import DataError

_NUMBER = re.compile(r"([+-]?)0*([0-9]+)(?:\.0+)?")


def look_alikes(names: Iterable[str]) -> list[tuple[str, ...]]:
    """The labels that a value from outside could hardly tell apart, those of one look together.

    Args:
        names: Different labels.
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[_key(name)].append(name)
    return [tuple(found) for found in alike.values() if len(found) > 1]


class LabelMatcher:
    """Finds the label that a value from outside stands for.

    A value that is a label to the letter is that label. Any other is the one label that it differs
    from in nothing but case, white space, Unicode form, characters that cannot be seen, or the way
    a whole number is written (1.0, 01). Where two labels could be meant, none is taken.

    Args:
        names: The labels.
        owner: Whose labels they are, for messages.
        earlier: For names that labels had before what they may be now. One that is one label now is
            read as that one.
    """

    def __init__(
        self,
        names: Sequence[str],
        owner: str = "the task",
        earlier: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self._names = tuple(names)
        self._earlier = earlier
        self._owner = owner
        self._known: dict[str, str] = {name: name for name in self._names}
        self._alike: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            self._alike[_key(name)].append(name)

    def match(self, value: object) -> str | None:
        """The label; None for a cell without one: None, NaN, or nothing but white space.

        Raises:
            DataError: It is no label, could be two of them, or is no text, number or truth value.
        """
        if type(value) is str and value in self._known:
            return self._known[value]
        value = plain(value)
        if is_missing(value):
            return None
        try:
            text = written(value)
        except (TypeError, ValueError) as error:
            raise DataError(f"the label is {error}", fix=self._listed()) from None
        if text in self._known:
            return self._known[text]
        if isinstance(value, float) and repr(value) in self._names:
            return repr(value)
        key = _key(text)
        if not key:
            return None
        alike = self._alike.get(key, []) or self._once_called(text)
        if len(alike) != 1:
            raise self._not_one(text, alike)
        if type(value) is str:
            self._known[value] = alike[0]
        return alike[0]

    def _once_called(self, text: str) -> list[str]:
        """What the label is now that was called so.

        Raises:
            DataError: It may be several.
        """
        names = [*self._earlier.get(text, ())]
        if len(names) > 1:
            raise DataError(
                f"{text!r} is no label of {self._owner} any more: it is "
                f"{' or '.join(map(repr, names))} now",
                fix="write which of them",
            )
        return names

    def _not_one(self, text: str, alike: Sequence[str]) -> DataError:
        if alike:
            listed = " or ".join(repr(name) for name in alike)
            return DataError(
                f"{text!r} could be the label {listed} of {self._owner}",
                fix="write it as one of them is written",
            )
        near = difflib.get_close_matches(_key(text), self._alike, n=1)
        hint = f", did you mean {self._alike[near[0]][0]!r}?" if near else ""
        return DataError(f"{text!r} is not a label of {self._owner}", fix=f"{self._listed()}{hint}")

    def _listed(self) -> str:
        return f"its labels are {', '.join(self._names)}"


def _key(text: str) -> str:
    """What counts of a label where no other one is like it."""
    folded = as_seen(unicodedata.normalize("NFC", as_seen(unguard(text)).casefold()))
    number = _NUMBER.fullmatch(folded)
    return f"{number[1].removeprefix('+')}{number[2]}" if number else folded
