"""A fast model, a strong one, or people, by how sure the fast one is and by what each costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

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

_STEPS = 20
"""In how many steps each threshold goes down."""
_NEVER = 2.0
"""A confidence that no answer reaches."""
_USUAL = (1.0, 10.0, 100.0)
"""Costs of a fast model, a strong one and a person where no prices are stated."""


@dataclass(frozen=True)
class ThreeWay:
    """Sends each item to one of three by how sure the fast model is.

    From `high` on the fast model's answer stands, below `low` the item goes to people, and in
    between the strong model is asked, whose answer stands. After HyPAC (2026), whose way to choose
    the two is not published; this one is llmal's own. Both are fitted to people's labels: on one
    half of these a path is laid out from "everything to people", each step of which lowers a
    threshold and saves most for each wrong label that it is expected to let through; on the other
    half the steps are tested in this order, until one lets through more than `max_error` (Clopper
    and Pearson's bound, of fixed sequence). As the path does not depend on the half that tests it,
    no more than a share `max_error` of all items is wrong with probability 1 − `alpha`, if the
    labelled items are a uniform sample; the promise is an audit's all the same.

    With a `max_error` of 0.1 it takes 44 labelled items or more to show anything.

    Attributes:
        low: Below this confidence of the fast model people are asked, until that is fitted.
        high: From this confidence on its answer stands, until that is fitted.
        costs: Of an answer of the fast model, of the strong one, and of a person. Only their
            proportions count. By default what the answers to the labelled items took on average, by
            the prices of the models, and the price of a person's label; where these are not stated,
            or do not rise in this order, 1, 10 and 100. What was taken is kept with the thresholds.
        max_error: The share of wrong labels among all.
        alpha: With what probability the thresholds may let through more.
        seed: Says which half of the labelled items tests.

    Raises:
        ConfigError: No thresholds, costs or shares.
    """

    low: float = 0.5
    high: float = 0.9
    costs: Sequence[float] | None = None
    max_error: float = 0.1
    alpha: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise ConfigError(
                f"low is {self.low} and high is {self.high}",
                fix="give probabilities, the lower one first, such as 0.5 and 0.9",
            )
        if self.costs is not None and not _rise(self.costs):
            raise ConfigError(
                f"costs is {list(self.costs)}",
                fix="give those of the fast model, the strong one and a person, the dearest last",
            )
        for name in ("max_error", "alpha"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}", fix="give a share between 0 and 1"
                )

    def check(self, machines: Sequence[Machine], *, people: bool) -> None:
        """See that there are two models and people, and that the first says how sure it is."""
        if len(machines) != 2 or not people:
            raise ConfigError(
                "the routing three_way takes a fast model, a strong one and people, and there are "
                f"{len(machines)} machines and {'people' if people else 'no people'}",
                fix="name these annotators in this order, or use cascade",
            )
        if not machines[0].gives_confidence:
            raise ConfigError(
                f"the labels of {machines[0].name!r} come without confidence, by which the routing "
                "three_way decides",
                fix="name the column with the confidences, or put another annotator first",
            )

    def route(self, answers: Sequence[Answers], machines: Sequence[Machine]) -> list[Route]:
        """See `RoutingPolicy`."""
        return [self._next(said) for said in answers]

    def _next(self, said: Answers) -> Route:
        if 0 not in said:
            return Ask(0)
        sure = _sure(said)
        if said[0].label is not None and sure >= self.high:
            return Stands(0)
        if sure < self.low:
            return People()
        if 1 not in said:
            return Ask(1)
        return People() if said[1].label is None else Stands(1)

    def fit(self, pilot: Sequence[PilotItem], machines: Sequence[Machine]) -> dict[str, Any]:
        """Both thresholds, from two halves of the pilot, and the costs that they go by."""
        costs, source = self._costs(pilot)
        chosen = np.random.default_rng(self.seed).permutation(len(pilot))
        halves = [_Half([pilot[row] for row in chosen.tolist()[part::2]]) for part in range(2)]
        low = high = _NEVER
        if len(halves[1]):
            for step in self._path(halves[0], costs):
                wrong = int(halves[1].wrong(*step).sum())
                if bdtr(wrong, len(halves[1]), self.max_error) > self.alpha:
                    break
                low, high = step
        return {"low": low, "high": high, "costs": list(costs), "costs by": source}

    def _costs(self, pilot: Sequence[PilotItem]) -> tuple[Sequence[float], str]:
        """What an answer of each costs, and where that is from."""
        if self.costs is not None:
            return self.costs, "options"
        if pilot:
            paid = [
                [one.answers[place].usage.money for one in pilot if place in one.answers]
                for place in range(2)
            ]
            found = [float(np.mean(some)) if some else 0.0 for some in paid]
            found.append(float(np.mean([one.cost for one in pilot])))
            if _rise(found):
                return tuple(found), "prices"
        return _USUAL, "usual proportions, as no prices that rise are stated"

    def _path(self, half: _Half, costs: Sequence[float]) -> list[tuple[float, float]]:
        """Pairs of thresholds, low and high, from the safest to the cheapest."""
        levels = half.levels()
        at = (-1, -1)
        path = []
        while at[1] < len(levels) - 1:
            now = _outcome(half, _pair(levels, at), costs)
            low, high = at[0] + 1, at[1] + 1
            steps = [(max(at[0], high), high)]
            if low < len(levels):
                steps.append((low, at[1]))
            gains = []
            for step in steps:
                cost, wrong = _outcome(half, _pair(levels, step), costs)
                # Half a wrong label stands for those that so few items do not show.
                gains.append((now[0] - cost) / (max(wrong - now[1], 0) + 0.5))
            at = steps[int(np.argmax(gains))]
            path.append(_pair(levels, at))
        return path

    def fitted(self, fit: Mapping[str, Any]) -> RoutingPolicy:
        """The same with the thresholds that were fitted."""
        return replace(self, low=float(fit["low"]), high=float(fit["high"]))


class _Half:
    """What two models said of labelled items."""

    def __init__(self, items: Sequence[PilotItem]) -> None:
        said = [one.answers for one in items]
        self.sure = np.array([_sure(one) for one in said], dtype=np.float64)
        self.label = [
            np.array([n in one and one[n].label is not None for one in said], np.bool_)
            for n in range(2)
        ]
        self.errs = [
            np.array([n in i.answers and i.answers[n].label != i.label for i in items], np.bool_)
            for n in range(2)
        ]

    def __len__(self) -> int:
        return len(self.sure)

    def levels(self) -> list[float]:
        """The confidences at which thresholds may stand, the highest first."""
        if not len(self):
            return []
        shares = np.linspace(1, 0, _STEPS + 1)[1:]
        found = np.quantile(self.sure, shares, method="lower")
        return sorted({float(one) for one in found}, reverse=True)

    def ways(self, low: float, high: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Of which items the strong model is asked, and of which people are."""
        stands = (self.sure >= high) & self.label[0]
        asked = ~stands & (self.sure >= low)
        return asked, ~stands & (~asked | ~self.label[1])

    def wrong(self, low: float, high: float) -> NDArray[np.bool_]:
        """Of which items the label would be wrong."""
        asked, people = self.ways(low, high)
        return np.where(asked, self.errs[1], self.errs[0]) & ~people


def _outcome(half: _Half, pair: tuple[float, float], costs: Sequence[float]) -> tuple[float, int]:
    """What the items cost, and how many labels are wrong."""
    to_strong, to_people = half.ways(*pair)
    cost = costs[1] * to_strong.sum() + costs[2] * to_people.sum()
    return float(cost), int(half.wrong(*pair).sum())


def _rise(costs: Sequence[float]) -> bool:
    """Whether these can be the costs of a fast model, a strong one and a person."""
    return len(costs) == 3 and 0 <= costs[0] <= costs[1] < costs[2]


def _sure(said: Answers) -> float:
    """How sure the fast model is; not at all where it has no label."""
    if 0 not in said or said[0].label is None:
        return 0.0
    return said[0].confidence or 0.0


def _pair(levels: Sequence[float], at: tuple[int, int]) -> tuple[float, float]:
    low, high = (levels[place] if place >= 0 else _NEVER for place in at)
    return low, high
