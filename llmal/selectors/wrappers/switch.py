"""One selector for the cold start, and another once there is something to go by."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import dearest
from llmal.core.records import Usage
from llmal.embed.chunks import chunks
from llmal.errors import ConfigError
from llmal.selectors.options import check_least
from llmal.selectors.protocol import Selection, Selector
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import Wrapper, called, highest_of, needed

_log = logging.getLogger("llmal.selectors")


@dataclass(frozen=True)
class Switch(Wrapper):
    """`first` picks until every condition that is given holds; from then on, `then`.

    Diversity pays while labels are few, uncertainty once the learner is worth asking (Hacohen et
    al., 2022, "Active learning on a budget"). How well the learner does on the labelled items
    says nothing, as it was trained on them; so the conditions look at how much it has seen, and at
    how sure it is of items that it has not. Sure is not right: `confidence` is no measure of
    accuracy, and an overconfident learner passes it early. Give it together with `labels`.

    Nothing is remembered from round to round. With `confidence`, `first` comes back where the
    learner loses its confidence.

    `requires` holds what either needs; a round must have what the one that picks needs, and no more
    (`needs`). While a round has no probabilities, `per_label` and `confidence` do not hold.

    Args:
        first: For the cold start, such as `TypiClust`.
        then: For later, such as `Margin`.
        labels: So many items must be labelled.
        per_label: So many items of each label of the task must be labelled.
        confidence: So large must be the mean margin between the two most probable labels of the
            unlabelled items, from 0 to 1.

    Raises:
        ConfigError: There is no condition, or one is out of range.
    """

    name = "switch"
    parts = ("first", "then")

    first: Selector
    then: Selector
    labels: int | None = None
    per_label: int | None = None
    confidence: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels is self.per_label is self.confidence is None:
            raise ConfigError("switch has no condition", fix="give labels, per_label or confidence")
        check_least(self, labels=1, per_label=1)
        if self.confidence is not None and not 0 < self.confidence < 1:
            raise ConfigError(f"switch: confidence is {self.confidence}", fix="between 0 and 1")

    @property
    def reads(self) -> frozenset[Signal]:
        """The learner's probabilities, if a condition looks at them."""
        learnt = self.per_label is not None or self.confidence is not None
        return frozenset({"probabilities"}) if learnt else frozenset()

    def acting(self, state: RoundState) -> Selector:
        """The one that picks in this round."""
        return self.first if self._unmet(state) else self.then

    def needs(self, state: RoundState) -> frozenset[Signal]:
        """What the one that picks in this round needs."""
        if state.forecasts:
            return needed(self.first, state) | needed(self.then, state)
        return needed(self.acting(state), state)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Have one of the two pick, and say in the log which and why."""
        k = self._check_request(state, k)
        unmet = self._unmet(state)
        selector = self.first if unmet else self.then
        _log.info("switch: %s picks (%s)", called(selector), unmet or "every condition holds")
        return selector.select(state, k, rng)

    def _highest(self, state: RoundState, k: int) -> Usage:
        """What the one that picks in this round can ask at most."""
        if state.forecasts:
            # Either may, in one round or another.
            return dearest([highest_of(one, state, k) for one in (self.first, self.then)])
        return highest_of(self.acting(state), state, k)

    def _unmet(self, state: RoundState) -> str:
        """The first condition that does not hold, in words; empty if all hold."""
        labelled = len(state.labelled)
        if self.labels is not None and labelled < self.labels:
            return f"{labelled} of {self.labels} labels"
        if not self.reads:
            return ""
        if "probabilities" not in state.signals:
            return "the learner has no probabilities yet"
        probabilities = state.probabilities
        if self.per_label is not None:
            counts = np.bincount(state.labels, minlength=probabilities.shape[1])
            if counts.min() < self.per_label:
                return f"label {counts.argmin()} has {counts.min()} of {self.per_label} items"
        if self.confidence is not None:
            confidence = _mean_margin(probabilities)
            if confidence < self.confidence:
                return f"confidence {confidence:.3f} of {self.confidence:g}"
        return ""


def _mean_margin(probabilities: NDArray[np.floating]) -> float:
    total = 0.0
    for part in chunks(*probabilities.shape):
        second, first = np.partition(probabilities[part], (-2, -1), axis=1)[:, -2:].T
        total += float((first - second).sum(dtype=np.float64))
    return total / max(1, len(probabilities))
