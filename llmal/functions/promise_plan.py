"""What a promise will take of people, and whether their budget reaches for it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llmal.core.words import counted
from llmal.guarantee.forecast import Forecast, Needed, if_wrong_on
from llmal.guarantee.guarantee import Guarantee
from llmal.guarantee.promises import percent

ASSUMED = (0.05, 0.15, 0.3)
"""Shares of wrong labels that a plan reckons with where no machine has answered yet."""

_WEAKER = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Guess:
    """What the promise takes if the machine errs on a share of the items.

    Attributes:
        wrong: That share.
        needed: What the promise takes.
        within_budget: The smallest share that may be promised with the budget of labels, where it
            does not reach for the one that is wanted; None where it reaches, or for none.
    """

    wrong: float
    needed: Needed
    within_budget: float | None


@dataclass(frozen=True)
class PromisePlan:
    """What people's labels a promise will take, beside their budget.

    Attributes:
        wanted: The promise.
        items: How many texts people may be asked about.
        budget: How many labels they may give at most; None without a limit.
        forecast: What is expected of a run that has begun; None before.
        guesses: What is guessed of one that has not.
    """

    wanted: Guarantee
    items: int
    budget: int | None
    forecast: Forecast | None = None
    guesses: tuple[Guess, ...] = ()

    def text(self) -> str:
        """It in lines for people."""
        if self.forecast is not None:
            return "\n".join([self.forecast.text(), *self._of_forecast(self.forecast)])
        lines = [
            f"labels of people for at most {self.wanted.max_error:.1%} wrong at a confidence of "
            f"{self.wanted.confidence:.0%}, a GUESS as long as the machine has not answered, if it "
            "errs"
        ]
        lines += [self._line(one) for one in self.guesses]
        return "\n".join([*lines, *self._of_guesses()])

    def _line(self, guess: Guess) -> str:
        needed = guess.needed
        line = (
            f"  on {guess.wrong:.0%} of the items: {needed.people:,} ({needed.low:,} to "
            f"{needed.high:,}) of {self.items:,}"
        )
        if self.budget is None or needed.people <= self.budget:
            return line
        if guess.within_budget is None:
            return f"{line}: the budget of {self.budget:,} reaches for no promise"
        return (
            f"{line}: the budget of {self.budget:,} reaches for at most "
            f"{percent(guess.within_budget)} wrong"
        )

    def _of_guesses(self) -> list[str]:
        budget = self.budget
        if budget is None or not self.guesses:
            return []
        short = [one for one in self.guesses if one.needed.people > budget]
        if not short:
            return []
        most = max(one.needed.people for one in self.guesses)
        what = (
            "cannot be expected to keep the promise"
            if len(short) == len(self.guesses)
            else "keeps the promise only if the machine errs little"
        )
        return [
            f"by this guess, budget.human_labels ({budget:,}) {what}: raise it (to {most:,}, to be "
            "safe), or ask for less with guarantee.max_error; where it ends before, every item has "
            "a label all the same, and the run says what it can promise"
        ]

    def _of_forecast(self, forecast: Forecast) -> list[str]:
        needed = forecast.at(self.wanted.max_error)
        if self.budget is None or needed is None or needed.people <= self.budget:
            return []
        others = [one for one in forecast.needed if one.people <= self.budget]
        guess = "by this guess, " if forecast.basis == "guess" else ""
        instead = (
            f"it reaches for at most {percent(min(one.epsilon for one in others))} wrong"
            if others
            else "the run says what it can promise when it ends"
        )
        return [
            f"{guess}budget.human_labels ({self.budget:,}) cannot be expected to keep the promise, "
            f"which takes about {counted(needed.people, 'label')}: {instead}; raise it to go on"
        ]

    def as_dict(self) -> dict[str, Any]:
        """It as plain JSON has it."""
        reaches = {"budget": self.budget, "reaches": self.reaches}
        if self.forecast is not None:
            return {"forecast": self.forecast.as_dict(), **reaches}
        guesses = [
            {"wrong": one.wrong, **asdict(one.needed), "within_budget": one.within_budget}
            for one in self.guesses
        ]
        return {"basis": "guess", "if_wrong_on": guesses, **reaches}

    @property
    def reaches(self) -> bool:
        """Whether the budget is expected to reach for the promise, whatever share is assumed."""
        if self.budget is None:
            return True
        if self.forecast is not None:
            needed = self.forecast.at(self.wanted.max_error)
            return needed is None or needed.people <= self.budget
        return all(one.needed.people <= self.budget for one in self.guesses)


def guess_promise(wanted: Guarantee, items: int, budget: int | None) -> PromisePlan:
    """What a promise takes of people before anybody has answered, for some shares of wrong labels.

    Args:
        wanted: The promise.
        items: How many texts people may be asked about.
        budget: How many labels they may give at most.
    """
    alpha = round(1 - wanted.confidence, 12)
    guesses = []
    for share in ASSUMED:
        needed = if_wrong_on(share, items, epsilon=wanted.max_error, alpha=alpha)
        weaker = None
        if budget is not None and needed.people > budget:
            larger = [one for one in _WEAKER if one > wanted.max_error]
            weaker = _smallest(larger, share, items, budget, alpha)
        guesses.append(Guess(share, needed, weaker))
    return PromisePlan(wanted, items, budget, guesses=tuple(guesses))


def _smallest(
    epsilons: Sequence[float], share: float, items: int, budget: int, alpha: float
) -> float | None:
    """The smallest share of wrong labels that a budget is expected to reach for.

    Fewer labels are needed the more may be wrong, so the place is found by halving.
    """

    def is_within(epsilon: float) -> bool:
        return if_wrong_on(share, items, epsilon=epsilon, alpha=alpha).people <= budget

    place = bisect_left(epsilons, True, key=is_within)
    return epsilons[place] if place < len(epsilons) else None
