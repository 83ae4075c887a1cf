"""Sections that name what another package adds, beside those of llmal's own names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from llmal.config.section import Named
from llmal.core.registry import Registry

PLUG_IN = "plug-in"
"""The tag of a section whose name another package adds."""

ROOMS = {
    "annotator": "annotators",
    "stop": "stopping",
    "generator": "generators",
    "embedder": "embed",
}
"""Keys of a configuration with sections of their own for our names, and where plug-ins add some."""


class PlugIn(Named):
    """A name that another package adds; further keys are parameters of the class behind it."""


@runtime_checkable
class HasName(Protocol):
    """A section that says by a name what it is of."""

    @property
    def name(self) -> str:
        """The name."""
        ...


def plug_in_names(key: str) -> list[str]:
    """The names that installed packages add to the rooms behind a key of the configuration."""
    return Registry(ROOMS[key], {}).names()


def tag_of(
    key: str, own: tuple[str, ...], open_ones: tuple[str, ...] = ()
) -> Callable[[Any], str | None]:
    """What tells the sections of a key apart: the name, and one tag for all plug-ins.

    Args:
        key: Of the configuration.
        own: The names that llmal knows; no plug-in takes their place.
        open_ones: Names of llmal whose further keys are the parameters of their class, as those
            of a plug-in are.
    """

    def tag(value: Any) -> str | None:
        if isinstance(value, PlugIn):
            return PLUG_IN
        if isinstance(value, Mapping):
            name = value.get("name")
        else:
            name = value.name if isinstance(value, HasName) else None
        if name is None or name in own:
            return name
        if name in open_ones:
            return PLUG_IN
        return PLUG_IN if name in plug_in_names(key) else str(name)

    return tag
