"""Names in the configuration, and the classes that they stand for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from llmal.errors import ConfigError


class Registry:
    """One room's table of names. Classes are imported when first asked for.

    Other packages add theirs through the entry point group `llmal.<room>`. A name of ours cannot
    be replaced that way.

    Args:
        room: Name of the room, e.g. "selectors".
        table: Name in the configuration to "module:Class".
    """

    def __init__(self, room: str, table: Mapping[str, str]) -> None:
        self.room = room
        self._table = dict(table)

    def names(self) -> list[str]:
        """All known names, ours and those of installed plug-ins, sorted."""
        return sorted({*self._table, *(e.name for e in entry_points(group=f"llmal.{self.room}"))})

    def get(self, name: str) -> Any:
        """The class behind a name.

        Raises:
            ConfigError: The name is unknown (the message suggests a near one), or what a plug-in
                names cannot be loaded.
        """
        if name in self._table:
            module, _, attribute = self._table[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        for entry in entry_points(group=f"llmal.{self.room}"):
            if entry.name == name:
                try:
                    return entry.load()
                except (ImportError, AttributeError) as error:
                    raise ConfigError(
                        f"the plug-in {entry.value!r}, which is {name!r} among the {self.room}, "
                        f"cannot be loaded ({error})",
                        fix="install it anew, or use another",
                    ) from error
        near = difflib.get_close_matches(name, self.names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(self.names())}"
        raise ConfigError(f"there is no {name!r} among the {self.room}", fix=hint)
