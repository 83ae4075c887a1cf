"""Uncertainty sampling: the items whose predicted answer is least sure (Lewis and Gale, 1994).

Of the learner's probabilities, or with `of="lm"` of the language model's, which need no label yet.
The three agree on the order of two-label tasks and differ beyond: least confidence
looks at the best label, margin at the best two, entropy at all (Settles, 2009).

Where an item takes several labels, each label is a task of two answers, yes and no: the measure is
taken of each label, and the mean over the labels counts, or with `over="max"` the least sure label.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.errors import ConfigError
from llmal.selectors.options import check_whose
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import Ranking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.task.spaces import KINDS

_Columns = NDArray[np.floating[Any]]
_Values = NDArray[np.floating[Any]]
_Measure = Callable[[_Columns], _Values]


@dataclass(frozen=True)
class Uncertainty(Ranking):
    """What the three have in common.

    Args:
        of: Whose probabilities: the "learner"'s, or the "lm"'s, those of the language model over
            the labels.
        over: Where an item takes several labels: "mean" over the labels, or "max", the least sure.

    Raises:
        ConfigError: They are of neither, or over neither.
    """

    spaces: ClassVar[Collection[str]] = KINDS

    of: Literal["learner", "lm"] = "learner"
    over: Literal["mean", "max"] = "mean"

    def __post_init__(self) -> None:
        check_whose(self)
        if self.over not in ("mean", "max"):
            raise ConfigError(f"{self.name}: over is {self.over!r}", fix="use mean or max")

    @property
    def requires(self) -> frozenset[Signal]:
        """The learner's probabilities, or the language model's scores."""
        return frozenset({"probabilities" if self.of == "learner" else "lm_scores"})

    def _probabilities(self, state: RoundState) -> NDArray[np.floating[Any]]:
        return (
            state.probabilities
            if self.of == "learner"
            else state.space.probabilities_of(state.lm_scores.astype(np.float64))
        )

    def _values(self, state: RoundState, measure: _Measure) -> NDArray[np.float64]:
        if not state.space.rows_sum_to_one:
            measure = _each(measure, np.mean if self.over == "mean" else np.max)
        return _measured(self._probabilities(state), measure)

    def _of_labels(self, state: RoundState) -> str:
        if state.space.rows_sum_to_one:
            return ""
        return ", mean over the labels" if self.over == "mean" else ", of the least sure label"


@dataclass(frozen=True)
class LeastConfidence(Uncertainty):
    """The lowest probability of the most probable label. Utility: 1 - max_y p(y|x)."""

    name = "least_confidence"

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """One less the probability of the best label."""
        values, more = self._values(state, _doubt), self._of_labels(state)
        return Utilities(values, lambda row: f"best label at {1 - values[row]:.3f}{more}")


@dataclass(frozen=True)
class Margin(Uncertainty):
    """The smallest lead of the best label over the second (Scheffer et al., 2001).

    Utility: 1 - (p(y1|x) - p(y2|x)), from 0 (certain) to 1 (the two are level).
    """

    name = "margin"

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """One less the margin."""
        values, more = self._values(state, _closeness), self._of_labels(state)
        return Utilities(values, lambda row: f"margin {1 - values[row]:.3f}{more}")


@dataclass(frozen=True)
class Entropy(Uncertainty):
    """The highest entropy of the label. Utility: -sum_y p(y|x) ln p(y|x), in nats, 0 to ln C."""

    name = "entropy"

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """The entropy."""
        values, more = self._values(state, _entropy), self._of_labels(state)
        answers = len(state.space.labels) or self._probabilities(state).shape[1]
        ceiling = np.log(answers if state.space.rows_sum_to_one else 2)
        most = f"{ceiling:.3f} nats{more}"
        return Utilities(values, lambda row: f"entropy {values[row]:.3f} of {most}")


@dataclass(frozen=True)
class LeastSure(Ranking):
    """The answers that are least sure, whatever an answer is, as the task's space measures it."""

    name = "least_sure"
    requires = frozenset[Signal]({"uncertainty"})

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """The uncertainty."""
        values = state.uncertainty
        return Utilities(values, lambda row: f"uncertainty {values[row]:.3f}")


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


def _each(measure: _Measure, combine: Callable[..., Any]) -> _Measure:
    """A measure of each label's yes and no, put together over the labels."""

    def combined(columns: _Columns) -> _Values:
        return np.asarray(combine([measure(np.stack([one, 1 - one])) for one in columns], axis=0))

    return combined


def _measured(probabilities: NDArray[np.floating[Any]], measure: _Measure) -> NDArray[np.float64]:
    """The measure of each row, shape (U,), in chunks.

    Chunks are transposed first: with a few labels and many items, work along the items is several
    times faster than a reduction of each short row.
    """
    values = np.empty(len(probabilities))
    for part in chunks(*probabilities.shape):
        values[part] = measure(np.ascontiguousarray(probabilities[part].T))
    return values
