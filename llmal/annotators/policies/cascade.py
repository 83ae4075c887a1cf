"""Models from cheap to strong, each with a threshold that people's labels have shown to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from llmal.annotators.policies.in_turn import InTurn
from llmal.annotators.policies.protocol import (
    Answers,
    Ask,
    Machine,
    People,
    PilotItem,
    Route,
    RoutingPolicy,
    Stands,
)
from llmal.errors import ConfigError
from llmal.statistics.fixed_sequence import loosest_threshold


@dataclass(frozen=True)
class Cascade:
    """Asks models in turn, and lets an answer stand above a threshold fitted to people's labels.

    Jung et al. 2025, "Trust or Escalate": a model's threshold is the loosest above which the share
    of wrong labels passes a fixed-sequence test at level alpha / number of models, among the items
    that the models before it leave to it. Where no threshold passes, no answer of the model stands.
    Until the thresholds are fitted those of the annotators hold. Both shares are aimed at, and no
    promise: which thresholds are tested is read off the same items. What is proved is the
    certificate of a guarantee behind it, an audit of the labels of all models together that is
    drawn after they are frozen.

    Thirty items above a threshold are the fewest that show anything, and with `max_error` 0.1 and
    three models it takes 33 without an error: have people label a hundred or more first.

    Attributes:
        max_error: The share of wrong labels among those of a model that stand.
        alpha: With what probability the thresholds together may let more stand.
        thresholds: Of each model, as they were fitted: None where no answer stands.

    Raises:
        ConfigError: A share that is none.
    """

    max_error: float = 0.1
    alpha: float = 0.1
    thresholds: Sequence[float | None] | None = None

    def __post_init__(self) -> None:
        for name in ("max_error", "alpha"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}", fix="give a share between 0 and 1"
                )

    def check(self, machines: Sequence[Machine], *, people: bool) -> None:
        """See that people are behind the models, and that thresholds are theirs.

        Raises:
            ConfigError: They do not fit.
        """
        if not people:
            raise ConfigError(
                "the routing cascade sends items to people, and no annotator is one",
                fix="add people",
            )
        if self.thresholds is not None and len(self.thresholds) != len(machines):
            raise ConfigError(
                f"thresholds has {len(self.thresholds)} numbers for {len(machines)} machines",
                fix="give each one, or leave them to be fitted",
            )

    def route(self, answers: Sequence[Answers], machines: Sequence[Machine]) -> list[Route]:
        """See `RoutingPolicy`."""
        if self.thresholds is None:
            return InTurn().route(answers, machines)
        return [self._next(said, self.thresholds) for said in answers]

    def _next(self, said: Answers, thresholds: Sequence[float | None]) -> Route:
        for place, threshold in enumerate(thresholds):
            if place not in said:
                return Ask(place)
            sure = _sure(said, place)
            if sure is not None and threshold is not None and sure >= threshold:
                return Stands(place)
        return People()

    def fit(self, pilot: Sequence[PilotItem], machines: Sequence[Machine]) -> dict[str, Any]:
        """The threshold of each model, from the items that the models before it leave to it."""
        thresholds: list[float | None] = []
        left = list(pilot)
        for place in range(len(machines)):
            met = [(one, _sure(one.answers, place)) for one in left]
            answered = [(one, sure) for one, sure in met if sure is not None]
            threshold = loosest_threshold(
                np.array([sure for _, sure in answered], dtype=np.float64),
                np.array([one.answers[place].label != one.label for one, _ in answered], np.bool_),
                max_error=self.max_error,
                alpha=self.alpha / len(machines),
            )
            thresholds.append(threshold)
            if threshold is not None:
                left = [one for one, sure in met if sure is None or sure < threshold]
        return {"thresholds": thresholds}

    def fitted(self, fit: Mapping[str, Any]) -> RoutingPolicy:
        """The cascade with the thresholds that were fitted."""
        return replace(self, thresholds=tuple(fit["thresholds"]))


def _sure(said: Answers, place: int) -> float | None:
    """How sure a model is; None if it gave no label. Labels without probabilities are all alike."""
    if place not in said or said[place].label is None:
        return None
    return said[place].confidence or 0.0
