"""At which sizes an audit is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from llmal.errors import ConfigError


class Looks(Protocol):
    """Plans the looks of an audit before it is drawn."""

    def plan(self, audited: int, rest: int) -> tuple[int, ...]:
        """How many items have been audited at each look, rising, `rest` at most.

        Args:
            audited: The size of the audit that pays best.
            rest: How many items there are to audit.
        """
        ...


@dataclass(frozen=True)
class MultipleLooks:
    """Looks at multiples of the audit that pays best.

    Args:
        multiples: Of it, rising.
        least: Audited at the first look.

    Raises:
        ConfigError: There is none, or they do not rise from above zero.
    """

    multiples: tuple[float, ...] = (0.6, 1.0, 1.6)
    least: int = 20

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip((0.0, *self.multiples), self.multiples, strict=False))
        if not self.multiples or not rising:
            raise ConfigError(
                f"looks at {self.multiples} times an audit do not rise", fix="give rising numbers"
            )

    def plan(self, audited: int, rest: int) -> tuple[int, ...]:
        """Rounded; looks that would be the same are one."""
        sizes = {min(rest, max(self.least, round(audited * one))) for one in self.multiples}
        return tuple(sorted(sizes))
