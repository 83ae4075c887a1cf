"""The contract of every policy of writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable


@dataclass(frozen=True)
class SynthesisState:
    """Where a run stands when it is asked whether texts are to be written.

    Attributes:
        round: Number of the round, from 0.
        labelled: Items that people have labelled, by label; every label of the task is there.
        synthetic: Accepted synthetic items that were not withdrawn, likewise.
        held_out: Brier scores of the learner on people's labels that it was not shown, one for each
            round in which that could be told, this one's last. Empty where it could not.
        last: The last round in which texts were written; None if in none.
    """

    round: int
    labelled: Mapping[str, int]
    synthetic: Mapping[str, int]
    held_out: Sequence[float] = ()
    last: int | None = None


@runtime_checkable
class Policy(Protocol):
    """Says when texts are written, and of which labels."""

    needs_held_out: ClassVar[bool]
    """Whether it reads `SynthesisState.held_out`, for which the learner is trained several times a
    round.
    """

    def wanted(self, state: SynthesisState, per_label: int) -> Mapping[str, int]:
        """Texts to be written in this round, by label; empty for none.

        Args:
            state: Where the run stands. The same state gives the same answer.
            per_label: The most of a label.
        """
        ...

    def most_times(self, rounds: int) -> int:
        """In how many of so many rounds it can say so, at most."""
        ...
