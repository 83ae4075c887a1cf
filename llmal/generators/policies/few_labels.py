"""Texts of labels of which there is little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from llmal.errors import ConfigError
from llmal.generators.policies.protocol import SynthesisState


@dataclass(frozen=True)
class FewLabels:
    """Texts of each label of which there are fewer than so many items, those written included.

    Args:
        labels: Items that each label is to have.

    Raises:
        ConfigError: It is below one.
    """

    labels: int = 10

    needs_held_out: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.labels < 1:
            raise ConfigError(f"labels is {self.labels}", fix="it must be at least 1")

    def wanted(self, state: SynthesisState, per_label: int) -> Mapping[str, int]:
        """What each label lacks."""
        lacking = {
            label: self.labels - count - state.synthetic[label]
            for label, count in state.labelled.items()
        }
        return {label: min(count, per_label) for label, count in lacking.items() if count > 0}

    def most_times(self, rounds: int) -> int:
        """Every round: what filters refuse is lacking still."""
        return rounds
