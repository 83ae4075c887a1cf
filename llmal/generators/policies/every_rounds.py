"""Texts every so many rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from llmal.errors import ConfigError
from llmal.generators.policies.protocol import SynthesisState


@dataclass(frozen=True)
class EveryRounds:
    """Texts of every label in the first round, and in every so many after it.

    Args:
        every: Rounds from one time to the next.

    Raises:
        ConfigError: It is below one.
    """

    every: int = 1

    needs_held_out: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"every is {self.every}", fix="it must be at least 1")

    def wanted(self, state: SynthesisState, per_label: int) -> Mapping[str, int]:
        """As many as may be of each label, in its rounds."""
        return {} if state.round % self.every else dict.fromkeys(state.labelled, per_label)

    def most_times(self, rounds: int) -> int:
        """One in so many."""
        return -(-rounds // self.every)
