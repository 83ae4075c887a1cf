"""Uncertainty sampling: the items whose predicted label is least sure (Lewis and Gale, 1994).

The probabilities are those of the round: the learner's, or the language model's where there is no
learner yet. The three agree on the order of two-label tasks and differ beyond: least confidence
looks at the best label, margin at the best two, entropy at all (Settles, 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.selectors.picking import check_request, highest
from llmal.selectors.protocol import Selection
from llmal.selectors.state import RoundState

_Columns = NDArray[np.floating[Any]]
_Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class LeastConfidence:
    """The lowest probability of the most probable label. Score: 1 - max_y p(y|x)."""

    name = "least_confidence"
    requires = frozenset({"probabilities"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the k items with the least probable best label."""
        k = check_request(state, k, self.name, self.requires)
        scores = _scores(state.probabilities, _doubt)
        return _picks(state, scores, k, rng, lambda score: f"best label at {1 - score:.3f}")


@dataclass(frozen=True)
class Margin:
    """The smallest lead of the best label over the second (Scheffer et al., 2001).

    Score: 1 - (p(y1|x) - p(y2|x)), from 0 (certain) to 1 (the two are level).
    """

    name = "margin"
    requires = frozenset({"probabilities"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the k items with the smallest margins."""
        k = check_request(state, k, self.name, self.requires)
        scores = _scores(state.probabilities, _closeness)
        return _picks(state, scores, k, rng, lambda score: f"margin {1 - score:.3f}")


@dataclass(frozen=True)
class Entropy:
    """The highest entropy of the label. Score: -sum_y p(y|x) ln p(y|x), in nats, 0 to ln C."""

    name = "entropy"
    requires = frozenset({"probabilities"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the k items with the highest entropies."""
        k = check_request(state, k, self.name, self.requires)
        scores = _scores(state.probabilities, _entropy)
        ceiling = np.log(state.probabilities.shape[1])
        return _picks(
            state, scores, k, rng, lambda score: f"entropy {score:.3f} of {ceiling:.3f} nats"
        )


def _doubt(columns: _Columns) -> _Values:
    return np.asarray(1 - columns.max(axis=0))


def _closeness(columns: _Columns) -> _Values:
    first, second = np.maximum(columns[0], columns[1]), np.minimum(columns[0], columns[1])
    for column in columns[2:]:
        second = np.maximum(second, np.minimum(first, column))
        first = np.maximum(first, column)
    return np.asarray(1 - (first - second))


def _entropy(columns: _Columns) -> _Values:
    # p = 0 adds nothing, as p ln p does in the limit; the smallest float keeps its log finite.
    logs = np.log(np.maximum(columns, np.finfo(columns.dtype).tiny))
    return np.asarray(-(columns * logs).sum(axis=0))


def _scores(
    probabilities: NDArray[np.floating[Any]], measure: Callable[[_Columns], _Values]
) -> NDArray[np.float64]:
    """The measure of each row, shape (U,), in chunks.

    Chunks are transposed first: with a few labels and many items, work along the items is several
    times faster than a reduction of each short row.
    """
    scores = np.empty(len(probabilities))
    for part in chunks(*probabilities.shape):
        scores[part] = measure(np.ascontiguousarray(probabilities[part].T))
    return scores


def _picks(
    state: RoundState,
    scores: NDArray[np.float64],
    k: int,
    rng: np.random.Generator,
    reason: Callable[[float], str],
) -> Selection:
    rows = highest(scores, k, rng)
    picked = scores[rows]
    return Selection(state.unlabelled[rows], picked, [reason(score) for score in picked.tolist()])
