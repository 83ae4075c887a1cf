"""The contract of every selector (query strategy)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from llmal.selectors.state import RoundState


@dataclass(frozen=True)
class Selection:
    """The picks of a selector, best first.

    Attributes:
        indices: Shape (k,): positions in the pool, distinct and unlabelled.
        scores: Shape (k,): how useful each is; higher is more useful.
        why: k short reasons for people to read.
    """

    indices: NDArray[np.int64]
    scores: NDArray[np.float64]
    why: Sequence[str]

    def __len__(self) -> int:
        return len(self.indices)


@runtime_checkable
class Selector(Protocol):
    """Ranks the unlabelled items of a round and picks k of them. Holds no state of its own."""

    requires: frozenset[str]
    """Signals that it reads from the state: "embeddings", "probabilities", "lm_scores"."""

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick exactly k distinct unlabelled items.

        Raises:
            SelectionError: Fewer than k items are unlabelled, k is below one, or a signal is
                missing or not usable.
        """
        ...
