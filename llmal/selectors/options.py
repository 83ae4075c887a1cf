"""Whether an option of a selector is of the type that its class says, and in range."""

from __future__ import annotations

import functools
import typing
from collections.abc import Mapping
from typing import Any

from llmal.errors import ConfigError


def check_least(selector: Any, **least: int) -> None:
    """Refuse an option below its lower limit; None is no limit of its own, and passes.

    Args:
        selector: Has a `name` and the options.
        least: The limit of each option.

    Raises:
        ConfigError: One is below.
    """
    for option, limit in least.items():
        value = getattr(selector, option)
        if value is not None and value < limit:
            raise ConfigError(f"{selector.name}: {option} is {value}", fix=f"at least {limit}")


def check_whose(selector: Any, what: str = "probabilities") -> None:
    """Refuse an option `of` that is neither the learner nor the language model.

    Raises:
        ConfigError: It is neither.
    """
    if selector.of not in ("learner", "lm"):
        raise ConfigError(
            f"{selector.name}: there are no {what} of {selector.of!r}", fix="use learner or lm"
        )


def checked_options(name: str, made: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with lists as tuples where the class holds tuples.

    Nothing is converted otherwise: "8" is no number, nor is 8.0 a whole one. Options that hold
    selectors, and those whose type is not known when the program runs, are passed as they are.

    Args:
        name: Name of the selector, for messages.
        made: Its class.
        options: By name.

    Raises:
        ConfigError: One is of another type.
    """
    from pydantic import ValidationError

    checks = _checks(made)
    found: dict[str, Any] = {}
    for option, value in options.items():
        check = checks.get(option)
        if check is not None:
            given = tuple(value) if isinstance(value, list) and check.holds_tuples else value
            try:
                check.adapter.validate_python(given, strict=True)
            except ValidationError as error:
                wanted = error.errors()[0]["msg"].removeprefix("Input should be ")
                raise ConfigError(
                    f"{name}: {option} is {value!r}", fix=f"give {_PLAIN.get(wanted, wanted)}"
                ) from None
            value = given
        found[option] = value
    return found


_PLAIN = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "a text",
    "a valid boolean": "true or false",
    "a valid tuple": "a list",
}


class _Check(typing.NamedTuple):
    adapter: Any
    holds_tuples: bool


@functools.cache
def _checks(made: Any) -> dict[str, _Check]:
    from pydantic import PydanticSchemaGenerationError, TypeAdapter

    try:
        hints = typing.get_type_hints(made)
    except (NameError, TypeError):
        return {}
    parts = getattr(made, "parts", ())
    found = {}
    for option, hint in hints.items():
        if option in parts or typing.get_origin(hint) is typing.ClassVar:
            continue
        try:
            adapter = TypeAdapter(hint)
        except PydanticSchemaGenerationError:
            continue
        kinds = {typing.get_origin(one) for one in (hint, *typing.get_args(hint))}
        found[option] = _Check(adapter, tuple in kinds)
    return found
