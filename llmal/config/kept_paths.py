"""Paths in the configuration of a run directory: relative to it, and found again after a move."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from pathlib import Path
from typing import Any

_PATHS: tuple[tuple[str, ...], ...] = (
    ("data", "pool"),
    ("data", "pool", "hub"),
    ("data", "test"),
    ("data", "test", "hub"),
    ("data", "labels", "file"),
    ("lm", "model"),
    ("lm", "learner"),
    ("embedder", "model"),
    ("learner", "model"),
    ("annotator", "*", "prompt"),
    ("annotator", "*", "programs"),
    ("annotator", "*", "programs", "*"),
    ("generator", "prompt"),
    ("generator", "forward"),
    ("generator", "backward"),
    ("ledger",),
)
_FILES = (
    ("data", "pool"),
    ("data", "test"),
    ("data", "labels", "file"),
    ("annotator", "*", "programs"),
    ("annotator", "*", "programs", "*"),
    ("directory",),
    ("exports", "*", "out"),
    ("ledger",),
)
"""Those that are no names of anything else."""
_SQLITE = "sqlite:///"


def with_relative_paths(content: dict[str, Any], directory: Path) -> dict[str, Any]:
    """A configuration with the paths of what is there relative to its run directory.

    A path that shares nothing with that of the directory stays absolute.

    Args:
        content: The configuration as plain data; it is changed.
        directory: The run directory, absolute.
    """

    def relative(text: str) -> str:
        path = Path(text)
        if not path.is_absolute() or not path.exists() or path.parts[:2] != directory.parts[:2]:
            return text
        return Path(os.path.relpath(path, directory)).as_posix()

    return {**_changed(content, relative), "directory": "."}


def with_absolute_paths(content: dict[str, Any], base: Path) -> dict[str, Any]:
    """A configuration as it is written, its paths made absolute; names of models stay.

    Args:
        content: The configuration as plain data; it is changed.
        base: The directory that its paths are relative to.
    """

    def absolute(text: str) -> str:
        return os.path.normpath(base / Path(text).expanduser())

    def if_there(text: str) -> str:
        path = absolute(text)
        return path if _is_path(text) or Path(path).exists() else text

    return _changed(_changed(content, absolute, _FILES), if_there)


def with_found_paths(
    content: dict[str, Any], directory: Path, was: Path | None = None
) -> dict[str, Any]:
    """A configuration with every path made absolute, as seen from where its directory is now.

    What was moved with the run directory is found beside it; what was not is found where it was.

    Args:
        content: The configuration as plain data; it is changed.
        directory: The run directory, absolute.
        was: Where it was when the configuration was written; by default what that says itself, as
            llmal 0.1 wrote it.
    """
    if was is None:
        written = content.get("directory")
        known = isinstance(written, str) and Path(written).is_absolute()
        was = Path(str(written)) if known else directory

    def found(text: str) -> str:
        path = Path(text).expanduser()
        step = Path(os.path.relpath(path, was)) if path.is_absolute() else path
        # By the names alone: of a directory that is gone, `..` leads nowhere.
        beside, before = (Path(os.path.normpath(place / step)) for place in (directory, was))
        for place in (beside, before):
            if place.exists():
                return str(place)
        # A name on a hub, or gone: to be judged by whoever needs it.
        return text if path.is_absolute() or not _is_path(text) else str(beside)

    return {**_changed(content, found), "directory": str(directory)}


def _is_path(text: str) -> bool:
    return text.startswith((".", "/", "~")) or text.count("/") > 1


def _changed(
    content: dict[str, Any],
    change: Callable[[str], str],
    patterns: tuple[tuple[str, ...], ...] = _PATHS,
) -> dict[str, Any]:
    for pattern in patterns:
        for holder, key in _places(content, pattern):
            value = holder[key]
            if isinstance(value, str) and pattern == ("ledger",):
                if value.startswith(_SQLITE):
                    holder[key] = _SQLITE + change(value.removeprefix(_SQLITE))
            elif isinstance(value, str) and not value.startswith("hub:"):
                holder[key] = change(value)
    return content


def _places(content: Any, pattern: tuple[str, ...]) -> Iterator[tuple[Any, Any]]:
    """The mappings that hold a value which a pattern names, each with its key."""
    step, *rest = pattern
    if step == "*" and isinstance(content, MutableSequence):
        for place, one in enumerate(content):
            if rest:
                yield from _places(one, tuple(rest))
            else:
                yield content, place
    elif step == "*" and rest:  # one, without a list around it
        yield from _places(content, tuple(rest))
    elif isinstance(content, MutableMapping) and step in content:
        if not rest:
            yield content, step
        else:
            yield from _places(content[step], tuple(rest))
