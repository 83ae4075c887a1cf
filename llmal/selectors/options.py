"""Whether the options of a selector are in range."""

from __future__ import annotations

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
