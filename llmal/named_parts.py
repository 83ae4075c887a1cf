"""Objects by the names of a configuration: one way for every room, llmal's own and plug-ins."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from llmal.core.registry import Registry
from llmal.errors import ConfigError

Where = Callable[..., str]
"""Gives the place of a key in the file, as `RunConfig.where` does."""

_LACKING = {
    "lm": ("a language model", "add lm:"),
    "embedder": ("an embedder", "add embedder:"),
}


def make_part(
    registry: Registry,
    name: str,
    options: Mapping[str, Any],
    where: Where,
    place: tuple[str | int, ...],
    *,
    key: str = "name",
    offers: Mapping[str, Any] | None = None,
    through: Callable[..., Any] | None = None,
) -> Any:
    """An object by its name and options, which are checked against the signature of its class.

    Args:
        registry: Has the name.
        name: Of the object.
        options: What its class is called with.
        where: Gives the place of a mistake.
        place: The section.
        key: The key of the name in the section.
        offers: What a class may have from the run if it takes a parameter of that name and the
            options do not hold it, such as `task`, `lm`, `embedder` and `seed`. None is not
            there.
        through: Takes name and options in the place of the class.

    Raises:
        ConfigError: The name or an option is unknown, an option is missing or not usable, or what
            the class needs is not there. The message has file and line.
    """
    try:
        made: Callable[..., Any] = registry.get(name)
    except ConfigError as error:
        raise ConfigError(error.what, where=where(*place, key), fix=error.fix) from None
    accepted = inspect.signature(made).parameters
    offered = {one: value for one, value in (offers or {}).items() if one in accepted}
    _check_options(name, options, accepted, offered, where, place)
    given = {
        **{one: value for one, value in offered.items() if value is not None},
        **options,
    }
    if through is None:
        _check_complete(name, given, accepted, where(*place, key))
    try:
        return made(**given) if through is None else through(name, **given)
    except (ConfigError, TypeError, ValueError) as error:
        what = error.what if isinstance(error, ConfigError) else str(error)
        fix = error.fix if isinstance(error, ConfigError) else None
        first = next(iter(options), key)
        raise ConfigError(what, where=where(*place, first), fix=fix) from error


def _check_options(
    name: str,
    options: Mapping[str, Any],
    accepted: Mapping[str, inspect.Parameter],
    offered: Mapping[str, Any],
    where: Where,
    place: tuple[str | int, ...],
) -> None:
    kinds = {one.kind for one in accepted.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return
    for option in options:
        if option not in accepted:
            known = [one for one in accepted if one not in offered]
            raise ConfigError(
                f"{name} has no option {option!r}",
                where=where(*place, option),
                fix=f"its options are {', '.join(known) or 'none'}",
            )


def _check_complete(
    name: str, given: Mapping[str, Any], accepted: Mapping[str, inspect.Parameter], where: str
) -> None:
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for parameter in accepted.values():
        if parameter.default is not parameter.empty or parameter.kind in several:
            continue
        if parameter.name not in given:
            if parameter.name in _LACKING:
                what, fix = _LACKING[parameter.name]
                raise ConfigError(f"{name} needs {what}", where=where, fix=fix)
            raise ConfigError(
                f"{name} lacks the option {parameter.name!r}", where=where, fix="give it"
            )
