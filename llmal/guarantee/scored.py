"""What an error score says of a pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.evidence import Evidence


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What would have been said of items that people labelled, had they not.

    Attributes:
        positions: The items, shape (n,).
        probability_wrong: Of the labels that would have been delivered, recalibrated, shape (n,).
        wrong: Whether these are wrong, shape (n,).
    """

    positions: NDArray[np.int64]
    probability_wrong: NDArray[np.float64]
    wrong: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ScoredPool:
    """Delivered labels and how likely each is wrong.

    Attributes:
        labels: Targets, shape (N,) or (N, C); of items that people labelled, what a machine or a
            learner would have said.
        by: Who gives each, "machine" or "learner", shape (N,).
        probability_wrong: Recalibrated, shape (N,).
        alternative: What the learner would say, targets like `labels`; None without a learner.
        describe: Gives how it was fitted, as plain JSON: the state of the model, and which features
            mattered.
        held_out: What labels of people say of the probabilities; None where it is not known.
    """

    labels: NDArray[np.int64]
    by: NDArray[np.str_]
    probability_wrong: NDArray[np.float64]
    alternative: NDArray[np.int64] | None
    describe: Callable[[], Mapping[str, Any]]
    held_out: HeldOut | None = None


class Score(Protocol):
    """Learns from people's labels which others are wrong."""

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> ScoredPool:
        """The delivered label of every item, and the probability that it is wrong."""
        ...
