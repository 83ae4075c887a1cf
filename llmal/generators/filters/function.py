"""Refuses whatever a function says."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError, DataError

Judge = Callable[[str], str | None]
"""Given a text, the reason to refuse it, or None."""


class FunctionFilter:
    """Asks a function about each text: toxicity, a list of words, whatever a person can write.

    The function gets the text and gives the reason to refuse it, one plain sentence, or None.

    Args:
        function: It, or where it is: "module:name".
        called: Under which name it refuses; by default that of the function.

    Raises:
        ConfigError: There is no such function, or it cannot be called.
    """

    def __init__(self, function: Judge | str, called: str | None = None) -> None:
        self._function = _found(function) if isinstance(function, str) else function
        if not callable(self._function):
            raise ConfigError(
                f"function is {self._function!r}, which cannot be called",
                fix="give a function that takes a text, and gives a reason or None",
            )
        own = getattr(self._function, "__name__", type(self._function).__name__)
        self.name: str = called or str(own)

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """What the function says of each text.

        Raises:
            DataError: It fails on a text, or answers with something else than a reason or None.
        """
        return [self._reason(item) for item in items]

    def _reason(self, item: SyntheticItem) -> str | None:
        try:
            reason = self._function(item.text)
        except Exception as error:
            raise DataError(
                f"the filter {self.name!r} fails on {item.id!r}: {type(error).__name__}: {error}",
                fix="mend the function, or leave the filter out",
            ) from error
        if reason is not None and not (isinstance(reason, str) and reason.strip()):
            raise DataError(
                f"the filter {self.name!r} gave {reason!r} for {item.id!r}",
                fix="give a text that says why, or None to let the item pass",
            )
        return reason


def _found(place: str) -> Judge:
    module, _, name = place.partition(":")
    if not module or not name:
        raise ConfigError(
            f"function is {place!r}", fix='say where it is as "module:name", such as "checks:rude"'
        )
    try:
        function: Judge = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"function {place!r} cannot be loaded ({error})",
            fix="check its name, and that its module can be imported",
        ) from error
    return function
