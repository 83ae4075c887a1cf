"""Uncertainty sampling: the items whose predicted label is least sure (Lewis and Gale, 1994).

Of the learner's probabilities, or with `of="lm"` of the language model's, which need no label yet.
The three agree on the order of two-label tasks and differ beyond: least confidence
looks at the best label, margin at the best two, entropy at all (Settles, 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.scores import probabilities_of
from llmal.embed.chunks import chunks
from llmal.selectors.options import check_whose
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import Ranking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_Columns = NDArray[np.floating[Any]]
_Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Uncertainty(Ranking):
    """What the three have in common.

    Args:
        of: Whose probabilities: the "learner"'s, or the "lm"'s, those of the language model over
            the labels.

    Raises:
        ConfigError: They are of neither.
    """

    of: Literal["learner", "lm"] = "learner"

    def __post_init__(self) -> None:
        check_whose(self)

    @property
    def requires(self) -> frozenset[Signal]:
        """The learner's probabilities, or the language model's scores."""
        return frozenset({"probabilities" if self.of == "learner" else "lm_scores"})

    def _probabilities(self, state: RoundState) -> NDArray[np.floating[Any]]:
        return (
            state.probabilities
            if self.of == "learner"
            else probabilities_of(state.lm_scores.astype(np.float64))
        )


@dataclass(frozen=True)
class LeastConfidence(Uncertainty):
    """The lowest probability of the most probable label. Utility: 1 - max_y p(y|x)."""

    name = "least_confidence"

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """One less the probability of the best label."""
        values = _measured(self._probabilities(state), _doubt)
        return Utilities(values, lambda row: f"best label at {1 - values[row]:.3f}")


@dataclass(frozen=True)
class Margin(Uncertainty):
    """The smallest lead of the best label over the second (Scheffer et al., 2001).

    Utility: 1 - (p(y1|x) - p(y2|x)), from 0 (certain) to 1 (the two are level).
    """

    name = "margin"

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """One less the margin."""
        values = _measured(self._probabilities(state), _closeness)
        return Utilities(values, lambda row: f"margin {1 - values[row]:.3f}")


@dataclass(frozen=True)
class Entropy(Uncertainty):
    """The highest entropy of the label. Utility: -sum_y p(y|x) ln p(y|x), in nats, 0 to ln C."""

    name = "entropy"

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """The entropy."""
        probabilities = self._probabilities(state)
        values = _measured(probabilities, _entropy)
        ceiling = np.log(probabilities.shape[1])
        return Utilities(values, lambda row: f"entropy {values[row]:.3f} of {ceiling:.3f} nats")


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


def _measured(
    probabilities: NDArray[np.floating[Any]], measure: Callable[[_Columns], _Values]
) -> NDArray[np.float64]:
    """The measure of each row, shape (U,), in chunks.

    Chunks are transposed first: with a few labels and many items, work along the items is several
    times faster than a reduction of each short row.
    """
    values = np.empty(len(probabilities))
    for part in chunks(*probabilities.shape):
        values[part] = measure(np.ascontiguousarray(probabilities[part].T))
    return values
