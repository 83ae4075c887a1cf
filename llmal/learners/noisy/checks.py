"""What the terms ask of their options, and how strongly one acts in a pass."""

from __future__ import annotations

from llmal.errors import ConfigError


def check_share(name: str, value: float) -> None:
    """Refuse what is no share.

    Raises:
        ConfigError: It is not from 0 to 1.
    """
    if not 0 <= value <= 1:
        raise ConfigError(f"{name} is {value!r}", fix="give a share from 0 to 1")


def check_positive(name: str, value: float) -> None:
    """Refuse what is not above 0.

    Raises:
        ConfigError: It is not.
    """
    if not value > 0:
        raise ConfigError(f"{name} is {value!r}", fix="it must be above 0")


def check_least(name: str, value: float, least: int = 0) -> None:
    """Refuse what is below a bound.

    Raises:
        ConfigError: It is.
    """
    if not value >= least:
        raise ConfigError(f"{name} is {value!r}", fix=f"it must be at least {least}")


def ramped(weight: float, ramp: int, epoch: int) -> float:
    """A weight that rises from 0 in the first pass to its full size after `ramp` passes."""
    return weight if not ramp else weight * min(1.0, epoch / ramp)
