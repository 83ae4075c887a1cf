"""A configuration that extends another one: a recipe by its name, or a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmal.config.kept_paths import with_absolute_paths
from llmal.config.references import is_file_name
from llmal.config.schema import is_text
from llmal.config.yaml_lines import KeyPath, Places, read
from llmal.errors import ConfigError
from llmal.recipes import recipe_file

EXTENDS = "extends"
_ABOUT = "recipe"
_TASK: KeyPath = ("task",)  # its name is its own, and no kind of task


def read_file(path: Path, shown: str) -> str:
    """The text of a configuration.

    Args:
        path: The file.
        shown: Its name for messages.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "there is no such file", where=shown, fix="give the path of a YAML configuration"
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            "this is a directory", where=shown, fix="give the path of a YAML configuration"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"the byte 0x{error.object[error.start]:02x} is not UTF-8",
            where=f"{shown}, line {line}",
            fix="save the file as UTF-8",
        ) from None
    except OSError as error:
        raise ConfigError(f"the file cannot be read ({error.strerror})", where=shown) from None


def read_extended(text: str, source: str, base: Path) -> tuple[dict[str, Any], Places]:
    """A configuration with everything that it extends.

    Mappings are put together key by key, and what stands nearer to the user's own file counts.
    Anything else replaces what was there: lists, values, and a mapping that has another `name`,
    for its keys are those of another thing. Paths are relative to the file in which they stand.

    Args:
        text: The YAML.
        source: Its name, for messages.
        base: The directory that its paths are relative to.

    Raises:
        ConfigError: A text is not usable as YAML, what is extended is not there, or it extends
            itself.
    """
    return _read(text, source, base, ((base / Path(source).name).resolve(),))


def _read(
    text: str, source: str, base: Path, chain: tuple[Path, ...]
) -> tuple[dict[str, Any], Places]:
    data, places = read(text, source, is_text)
    if EXTENDS not in data:
        return data, places
    named, where = data.pop(EXTENDS), places.where((EXTENDS,))
    file, shown = _find(named, source, base, where)
    if file in chain:
        round_trip = " -> ".join(one.name for one in (*chain[chain.index(file) :], file))
        raise ConfigError(
            f"the file extends itself ({round_trip})", where=where, fix="remove this line"
        )
    below, below_places = _read(read_file(file, shown), shown, file.parent, (*chain, file))
    below.pop(_ABOUT, None)  # it is about that file
    below = with_absolute_paths(below, file.parent)
    replaced: list[KeyPath] = []
    together = _merged(below, data, (), replaced)
    return together, places.over(below_places.without(replaced))


def _find(named: Any, source: str, base: Path, where: str) -> tuple[Path, str]:
    """The file that a name or path stands for, and what messages call it."""
    if not isinstance(named, str) or not named:
        raise ConfigError(
            "expected the name of a recipe or the path of a file",
            where=where,
            fix="such as promptal, or shared.yaml",
        )
    if not is_file_name(named):
        try:
            return recipe_file(named).resolve(), f"recipe {named}"
        except ConfigError as error:
            raise ConfigError(error.what, where=where, fix=error.fix) from None
    file = (base / Path(named).expanduser()).resolve()
    if not file.is_file():
        raise ConfigError(
            f"there is no file {str(file)!r}",
            where=where,
            fix="the path is relative to this file",
        )
    return file, str(Path(source).parent / named)


def _merged(
    below: Mapping[str, Any], own: Mapping[str, Any], path: KeyPath, replaced: list[KeyPath]
) -> dict[str, Any]:
    """Two mappings as one.

    Args:
        below: What is extended.
        own: What counts where both say something.
        path: Where they stand.
        replaced: Gets the paths of what `own` says in the place of `below`.
    """
    together = dict(below)
    for key, value in own.items():
        here = (*path, key)
        before = below.get(key)
        if (
            isinstance(before, Mapping)
            and isinstance(value, Mapping)
            and (here == _TASK or value.get("name", before.get("name")) == before.get("name"))
        ):
            together[key] = _merged(before, value, here, replaced)
        else:
            together[key] = value
            replaced.append(here)
    return together
