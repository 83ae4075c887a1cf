"""Whether the options of a class are those that it takes, and of the types that it says."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from llmal.errors import ConfigError

_SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class OptionError(ConfigError):
    """What is wrong with one option.

    Attributes:
        option: Its name; None if the object as a whole is what is wrong.
    """

    def __init__(self, what: str, *, fix: str | None = None, option: str | None = None) -> None:
        super().__init__(what, fix=fix)
        self.option = option


def parameters_of(kind: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """What a class or function takes, by name."""
    return inspect.signature(kind).parameters


def check_known(
    name: str,
    kind: Callable[..., Any],
    options: Mapping[str, Any],
    hidden: Container[str] = (),
    also: Sequence[str] = (),
) -> None:
    """Refuse an option that the class does not take.

    Args:
        name: Of the object, for the message.
        kind: The class.
        options: By name.
        hidden: Parameters that are filled by others, and are no options.
        also: Further options that there are, for the message.

    Raises:
        OptionError: One is unknown.
    """
    parameters = parameters_of(kind)
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for option in options:
        if option not in parameters:
            known = [*(parameter for parameter in parameters if parameter not in hidden), *also]
            raise OptionError(
                f"{name} has no option {option!r}",
                fix=f"its options are {', '.join(known)}" if known else "it has none",
                option=option,
            )


def missing_parameter(kind: Callable[..., Any], given: Container[str]) -> str | None:
    """The first parameter without a default that is not given, if there is one."""
    for parameter in parameters_of(kind).values():
        if parameter.default is not parameter.empty or parameter.kind in _SEVERAL:
            continue
        if parameter.name not in given:
            return parameter.name
    return None


def check_options(
    name: str, kind: Callable[..., Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The options, with lists as tuples where the class holds tuples.

    Nothing is converted otherwise: "8" is no number, nor is 8.0 a whole one. Only options of plain
    types are looked at: numbers, texts, truth values, literals, and lists and tuples of them.

    Args:
        name: Of the object, for messages.
        kind: Its class.
        options: By name.

    Raises:
        OptionError: One is of another type.
    """
    from pydantic import ValidationError

    checks = _checks(kind)
    found: dict[str, Any] = {}
    for option, value in options.items():
        check = checks.get(option)
        if check is not None:
            given = tuple(value) if isinstance(value, list) and check.holds_tuples else value
            try:
                check.adapter.validate_python(given, strict=True)
            except ValidationError as error:
                wanted = error.errors()[0]["msg"].removeprefix("Input should be ")
                raise OptionError(
                    f"{name}: {option} is {value!r}",
                    fix=f"give {_PLAIN_WORDS.get(wanted, wanted)}",
                    option=option,
                ) from None
            value = given
        found[option] = value
    return found


_PLAIN_WORDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "a text",
    "a valid boolean": "true or false",
    "a valid tuple": "a list",
}


class _Check(NamedTuple):
    adapter: Any
    holds_tuples: bool


@functools.cache
def _checks(kind: Callable[..., Any]) -> dict[str, _Check]:
    from pydantic import TypeAdapter

    found = {}
    for option, hint in _hints(kind).items():
        if _is_plain(hint):
            kinds = {typing.get_origin(one) for one in (hint, *typing.get_args(hint))}
            found[option] = _Check(TypeAdapter(hint), tuple in kinds)
    return found


def _hints(kind: Callable[..., Any]) -> dict[str, Any]:
    """The types of the parameters, as far as they are known when the program runs."""
    made_by: Any = kind
    if isinstance(kind, type) and not dataclasses.is_dataclass(kind):
        made_by = kind.__init__  # type: ignore[misc]
    # Of a dataclass the class itself: its fields stand in several modules, each with its names.
    try:
        return {
            option: hint
            for option, hint in typing.get_type_hints(made_by).items()
            if option in parameters_of(kind)
        }
    except (NameError, TypeError):
        return {}


def _is_plain(hint: Any) -> bool:
    if hint in (int, float, str, bool, types.NoneType, Ellipsis):
        return True
    origin = typing.get_origin(hint)
    if origin is Literal:
        return True
    if origin in (typing.Union, types.UnionType, tuple, list):
        return all(_is_plain(argument) for argument in typing.get_args(hint))
    return False
