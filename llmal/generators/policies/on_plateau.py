"""Texts when people's labels no longer bring the learner on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from llmal.errors import ConfigError
from llmal.generators.policies.protocol import SynthesisState


@dataclass(frozen=True)
class OnPlateau:
    """Texts of every label when the learner's score on held-out labels has not fallen for a while.

    Over the last `rounds` rounds the best Brier score was not lower than the best before them by
    `tolerance`. After texts were written there are as many rounds of patience.

    Args:
        rounds: Rounds without a gain.
        tolerance: What counts as one.

    Raises:
        ConfigError: A number is out of its range.
    """

    rounds: int = 3
    tolerance: float = 0.01

    needs_held_out: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ConfigError(f"rounds is {self.rounds}", fix="it must be at least 1")
        if not 0 <= self.tolerance < 1:
            raise ConfigError(
                f"tolerance is {self.tolerance}", fix="it must be at least 0 and below 1"
            )

    def wanted(self, state: SynthesisState, per_label: int) -> Mapping[str, int]:
        """As many as may be of each label, on a plateau."""
        waiting = state.last is not None and state.round - state.last <= self.rounds
        if waiting or len(state.held_out) <= self.rounds:
            return {}
        before, recent = state.held_out[: -self.rounds], state.held_out[-self.rounds :]
        gained = min(before) - min(recent) > self.tolerance
        return {} if gained else dict.fromkeys(state.labelled, per_label)

    def most_times(self, rounds: int) -> int:
        """The first time after `rounds` + 1 scores, then with as many rounds between."""
        return max(0, -(-(rounds - self.rounds) // (self.rounds + 1)))
