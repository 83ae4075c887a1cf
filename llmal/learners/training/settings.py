"""How a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmal.errors import ConfigError

Schedule = Literal["linear", "constant"]


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Attributes:
        epochs: Most passes over the items.
        learning_rate: Peak rate.
        batch_size: Items in one step.
        warm_up: Share of the steps in which the rate rises to its peak.
        schedule: What follows: a linear decay to zero, or the peak rate to the end.
        weight_decay: Of AdamW.
        largest_gradient: Gradients are clipped to this norm.
        validation: Share of the items that is held out to stop early; 0 for none.
        fewest_to_hold_out: With fewer items than this nothing is held out.
        patience: Passes without a lower held-out loss after which training ends.
    """

    epochs: int = 10
    learning_rate: float = 1e-3
    batch_size: int = 16
    warm_up: float = 0.06
    schedule: Schedule = "linear"
    weight_decay: float = 0.0
    largest_gradient: float = 1.0
    validation: float = 0.1
    fewest_to_hold_out: int = 100
    patience: int = 3

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} is {value!r}", fix="it must be a whole number above 0")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate is {self.learning_rate!r}", fix="it must be above 0")
        if not 0 <= self.validation < 1:
            raise ConfigError(
                f"validation is {self.validation!r}",
                fix="give the share of the items to hold out, at least 0 and below 1",
            )
        if self.schedule not in ("linear", "constant"):
            raise ConfigError(
                f"there is no schedule {self.schedule!r}", fix='use "linear" or "constant"'
            )

    def rate(self, step: int, steps: int) -> float:
        """The share of the peak rate in a step of so many, from 0 on."""
        warm_up = max(1, round(self.warm_up * steps))
        rising = (step + 1) / warm_up
        if self.schedule == "constant":
            return min(1.0, rising)
        return min(rising, (steps - step) / max(1, steps - warm_up))
