"""The configuration in a run directory: kept when a run begins, read when its report is made."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from llmal.config import RunConfig
from llmal.config.kept_paths import with_found_paths, with_relative_paths
from llmal.config.yaml_lines import write
from llmal.core.files import write_whole
from llmal.run.events import Event

log = logging.getLogger("llmal.factory")

FILE = "config.yaml"
# The task has versions, and what becomes of its answers is told where a change is accepted.
_MAY_CHANGE = ("budget", "stop", "directory", "task")
_SHOWN_CHANGES = 5
_PLACE = "# This run was in {} when this was written; paths are relative to this file.\n"
_WRITTEN_IN = re.compile(r"# This run was in (.+) when this was written; .*\n")


class KeptConfig:
    """Writes a run's configuration into its directory: an event callback.

    It acts on the first event, which a run gives once its ledger has been found to belong to the
    same task, pool, seed and objective, and before its first round. So a mistaken directory keeps
    the configuration that it has. What differs from the configuration that is there is told in one
    warning, budget and stopping rules apart, which are there to be changed. Paths are written
    relative to the directory where they can be, so that both can be moved together.

    Args:
        directory: The run directory, absolute.
        content: Gives the configuration as plain data, its paths absolute.
    """

    def __init__(
        self,
        directory: Path,
        content: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._directory = directory
        self._content = content
        self._kept = False

    @classmethod
    def of(cls, config: RunConfig) -> KeptConfig:
        """That of a run's configuration."""
        return cls(config.directory, lambda: config.model_dump(mode="json", by_alias=True))

    def __call__(self, event: Event) -> None:
        """Keep the configuration, once."""
        if self._kept:
            return
        self._kept = True
        directory = self._directory
        path = directory / FILE
        text = _PLACE.format(directory) + write(with_relative_paths({**self._content()}, directory))
        before = path.read_text(encoding="utf-8") if path.exists() else text
        if before == text and path.exists():
            return
        changes = _changes(before, text, directory)
        if changes:
            shown = "; ".join(changes[:_SHOWN_CHANGES])
            more = len(changes) - _SHOWN_CHANGES
            log.warning(
                "the configuration has changed since this run began: %s%s",
                shown,
                f" and {more} more" if more > 0 else "",
            )
        write_whole(path, text)


def _changes(before: str, after: str, directory: Path) -> list[str]:
    old, new = (dict(_leaves(read_content(text, directory) or {})) for text in (before, after))
    if not old:
        return [f"the {FILE} that was there could not be read"]
    return [
        f"{name} was {old.get(name)!r}, is {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name.split(".")[0] not in _MAY_CHANGE
    ]


def read_content(text: str, directory: Path) -> dict[str, Any] | None:
    """A kept configuration with its paths made absolute; None if it cannot be read."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    if not isinstance(content, dict):
        return None
    place = _WRITTEN_IN.match(text)
    return with_found_paths(content, directory, None if place is None else Path(place[1]))


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        pairs = [(str(key), one) for key, one in value.items()]
    elif isinstance(value, list):
        pairs = [(str(place), one) for place, one in enumerate(value)]
    if not pairs:
        yield name, value
    for key, one in pairs:
        yield from _leaves(one, f"{name}.{key}" if name else key)
