"""Names in the configuration, the classes that they stand for, and objects made of both."""

from __future__ import annotations

import difflib
import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from llmal.core.options import (
    OptionError,
    check_known,
    check_options,
    missing_parameter,
    parameters_of,
)
from llmal.errors import ConfigError

Where = Callable[[str], str]
"""Gives the place of a key of a section in the file."""

_NEEDS = {
    "lm": "a language model",
    "embedder": "an embedder",
    "scorer": "a scorer of prompts, which asks a language model",
}


class Registry:
    """One room's table of names. Classes are imported when first asked for.

    Other packages add theirs through the entry point group `llmal.<room>`. A name of ours cannot
    be replaced that way.

    Args:
        room: Name of the room, e.g. "selectors".
        table: Name in the configuration to "module:Class".
        contract: What objects of the room are, where some hold others.
    """

    def __init__(
        self, room: str, table: Mapping[str, str], *, contract: type[Any] | None = None
    ) -> None:
        self.room = room
        self._contract = contract
        self._table = dict(table)

    def names(self) -> list[str]:
        """All known names, ours and those of installed plug-ins, sorted."""
        return sorted({*self._table, *(e.name for e in self._plug_ins())})

    def _plug_ins(self) -> EntryPoints:
        folders = tuple((folder, _changed(folder)) for folder in sys.path)
        return _entries_of(f"llmal.{self.room}", folders)

    def get(self, name: str) -> Any:
        """The class behind a name.

        Raises:
            ConfigError: The name is unknown (the message suggests a near one), or what a plug-in
                names cannot be loaded.
        """
        if name in self._table:
            module, _, attribute = self._table[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        for entry in self._plug_ins():
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

    def make(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        offers: Mapping[str, Any] | None = None,
        where: Where | None = None,
        key: str = "name",
        also: Sequence[str] = (),
    ) -> Any:
        """The object of a name: the one way from a name to an object, for every room.

        The options are checked against the signature of the class: their names, their plain types,
        and that none is lacking. Where a class names in `parts` the options that hold objects of
        the same room, or of others, these may be given as objects, as names, or as mappings of a
        name and options.

        Args:
            name: In the configuration.
            options: What the class is called with.
            offers: What the class may have from others, if it takes a parameter of that name and
                the options do not hold it, such as `task`, `lm`, `embedder`, `scorer` and `seed`.
                None is not there.
            where: Gives the place of a mistake in the file, for `key` or an option.
            key: The key of the name.
            also: Options that the caller takes for itself, for the message on an unknown one.

        Raises:
            ConfigError: The name or an option is unknown, an option is missing or not usable, or
                what the class needs is not there. With `where`, it has file and line.
        """
        given = dict(options or {})
        try:
            kind = self.get(name)
            given = with_present_names(name, kind, given)
            offered = _taken(kind, offers or {})
            given = _checked(name, kind, given, offered, also, in_file=where is not None)
            for part, room in self._rooms_of_parts(kind).items():
                if given.get(part) is not None:
                    given[part] = room.make_part(given[part])
            there = {one: value for one, value in offered.items() if value is not None}
            return kind(**{**there, **given})
        except (ConfigError, TypeError, ValueError) as error:
            raise _placed(name, error, given, where, key) from error

    def check(
        self,
        name: str,
        options: Mapping[str, Any],
        *,
        offers: Mapping[str, Any],
        later: Sequence[str] = (),
        also: Sequence[str] = (),
    ) -> None:
        """Refuse what `make` would refuse before the class is called.

        Args:
            name: In the configuration.
            options: Of the class.
            offers: As for `make`.
            later: Offers that are not there yet, and will be.
            also: As for `make`.

        Raises:
            ConfigError: As `make`.
        """
        kind = self.get(name)
        options = with_present_names(name, kind, options)
        offered = _taken(kind, {**offers, **dict.fromkeys(later, True)})
        _checked(name, kind, options, offered, also, in_file=False)

    def _rooms_of_parts(self, kind: object) -> Mapping[str, Registry]:
        """Of which room the objects are that an option of a class holds."""
        if isinstance(kind, HoldsParts) and isinstance(kind.parts, Mapping):
            return kind.parts
        return dict.fromkeys(parts_of(kind), self)

    def make_part(self, value: Any) -> Any:
        """What an option of a class holds: an object as it is, or that of a name, or of a mapping
        of a name and options; of a list each of its members.

        Raises:
            ConfigError: As `make`.
        """
        if isinstance(value, str):
            return self.make(value)
        if isinstance(value, Mapping):
            inner = dict(value)
            name = inner.pop("name", None)
            if not isinstance(name, str):
                raise ConfigError(
                    f"one of the {self.room} inside another has no name: {dict(value)!r}",
                    fix="add name:",
                )
            return self.make(name, inner)
        if isinstance(value, Sequence):
            return tuple(self.make_part(one) for one in value)
        if self._contract is not None and not isinstance(value, self._contract):
            raise ConfigError(
                f"{value!r} is none of the {self.room}", fix="give one of them, or its name"
            )
        return value


@lru_cache(maxsize=64)
def _entries_of(group: str, folders: tuple[tuple[str, int], ...]) -> EntryPoints:
    """Entry points of a group, read anew only where a folder that Python imports from has changed:
    to find out takes microseconds, to read them many times as long as to make a task.
    """
    found: EntryPoints = _installed(folders).select(group=group)
    return found


@lru_cache(maxsize=1)
def _installed(folders: tuple[tuple[str, int], ...]) -> Any:
    """The entry points of all packages."""
    return entry_points()


def _changed(folder: str) -> int:
    """When something was last put into a folder, or taken from it; in nanoseconds."""
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


def _taken(kind: Any, offers: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the offers that a class takes."""
    former = former_names_of(kind)
    taken = {one for one in parameters_of(kind) if one not in former}
    return {one: value for one, value in offers.items() if one in taken}


@runtime_checkable
class HoldsParts(Protocol):
    """A class some of whose options hold objects of its own room, or of others.

    Attributes:
        parts: These options; with the room of each, where it is not that of the class.
    """

    parts: Sequence[str] | Mapping[str, Registry]


@runtime_checkable
class RenamedOptions(Protocol):
    """A class that has given options other names, and takes the former ones for one version more.

    Attributes:
        former_names: The present name of each.
    """

    former_names: Mapping[str, str]


def parts_of(kind: object) -> tuple[str, ...]:
    """The options of a class that hold objects of a room."""
    return tuple(kind.parts) if isinstance(kind, HoldsParts) else ()


def former_names_of(kind: object) -> Mapping[str, str]:
    """The present name of each option of a class that was called otherwise."""
    return kind.former_names if isinstance(kind, RenamedOptions) else {}


def with_present_names(name: str, kind: object, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options under the names that they have now; a former name is warned of."""
    present = former_names_of(kind)
    for option in options:
        if option in present:
            warnings.warn(
                f"the option {option!r} of {name} is now {present[option]!r}; the former name goes "
                "in the next version",
                DeprecationWarning,
                stacklevel=3,
            )
    return {present.get(option, option): value for option, value in options.items()}


def _checked(
    name: str,
    kind: Any,
    options: Mapping[str, Any],
    offered: Mapping[str, Any],
    also: Sequence[str],
    *,
    in_file: bool,
) -> dict[str, Any]:
    """The options, known, complete with what is offered, and of the right types."""
    check_known(name, kind, options, offered, also)
    _check_complete(name, kind, {**offered, **options}, in_file=in_file)
    return check_options(name, kind, options)


def _check_complete(name: str, kind: Any, given: Mapping[str, Any], *, in_file: bool) -> None:
    there = {one for one, value in given.items() if value is not None or one not in _NEEDS}
    lacking = missing_parameter(kind, there)
    if lacking is None:
        return
    if lacking in _NEEDS:
        fix = f"add {lacking}:" if in_file else f"give `{lacking}`"
        raise OptionError(f"{name} needs {_NEEDS[lacking]}", fix=fix)
    raise OptionError(f"{name} lacks the option {lacking!r}", fix="give it")


def _placed(
    name: str,
    error: ConfigError | TypeError | ValueError,
    options: Mapping[str, Any],
    where: Where | None,
    key: str,
) -> ConfigError:
    """The mistake with its place in the file."""
    if not isinstance(error, ConfigError):
        what = str(error) if where is not None else f"{name}: {error}"
        error = ConfigError(what, fix=None if where is not None else "check its options")
    if where is None or error.where is not None:
        return error
    if isinstance(error, OptionError):
        return ConfigError(error.what, where=where(error.option or key), fix=error.fix)
    # Said by the class: the option that it means is named in its sentence, if any is.
    meant = next((option for option in options if option in error.what.split()), None)
    return ConfigError(error.what, where=where(meant or next(iter(options), key)), fix=error.fix)
