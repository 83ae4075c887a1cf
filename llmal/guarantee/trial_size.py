"""How many items a trial of a machine against people needs: a power calculation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError

POWER = 0.8
"""How often a machine that deserves it should pass."""

FEWEST = 30
"""Items of a person below which the t test is not to be trusted."""


@dataclass(frozen=True)
class TrialSize:
    """How many items a trial needs.

    Attributes:
        items: Items that each person has to label, so that the machine wins against half of the
            people with the wanted power; None if no number would do, as too many people are better
            than it by epsilon.
        have: How many the people have who decide it.
        power: How often it should pass.
        advice: The same in a sentence.
    """

    items: int | None
    have: int
    power: float
    advice: str


def items_needed(
    differences: Mapping[str, NDArray[np.float64]], epsilon: float, level: float
) -> TrialSize:
    """How many items the trial would need if people and machine went on as they did.

    The machine has to win against half of the people, k of m. Benjamini and Yekutieli allow it if
    k p-values are at most k level / (m (1 + 1/2 + … + 1/m)); for each person it is worked out how
    many items that takes, and the k-th lowest number counts.

    Args:
        differences: Of each person, item by item: 1 where he alone is nearer to the others, -1
            where the machine alone is, 0 where both are.
        epsilon: By how much a person may be better.
        level: The false discovery rate over people.
    """
    wanted = math.ceil(len(differences) / 2)
    threshold = _threshold(wanted, len(differences), level)
    needs = sorted(
        (
            _items(float(one.mean()), float(one.std(ddof=1)), epsilon, threshold) or math.inf,
            len(one),
        )
        for one in differences.values()
    )
    need, have = needs[wanted - 1]
    return _advised(None if math.isinf(need) else int(need), have, epsilon)


def plan_trial(
    people: int,
    *,
    epsilon: float,
    difference: float = 0.0,
    differing: float = 0.3,
    level: float = 0.05,
    power: float = POWER,
) -> int | None:
    """How many items each person should label, before anybody has.

    Args:
        people: How many people.
        epsilon: By how much a person may be better.
        difference: By how much a person is better, on average; 0 for a machine that is a person's
            equal.
        differing: On which share of the items one of the two is nearer to the others.
        level: The false discovery rate over people.
        power: How often a machine of that quality should pass.

    Returns:
        None if no number would do.

    Raises:
        ConfigError: A number is none that can be.
    """
    if people < 2:
        raise ConfigError(f"there are {people} people", fix="a trial takes two, better three")
    if not abs(difference) <= differing <= 1:
        raise ConfigError(
            f"people and machine differ on {differing:g} of the items, and one is better by "
            f"{difference:g}",
            fix="give shares of the items, the first no smaller than the second",
        )
    threshold = _threshold(math.ceil(people / 2), people, level)
    spread = math.sqrt(differing - difference**2)
    return _items(difference, spread, epsilon, threshold, power)


def _threshold(wanted: int, people: int, level: float) -> float:
    return wanted * level / people / sum(1 / rank for rank in range(1, people + 1))


def _items(
    mean: float, spread: float, epsilon: float, threshold: float, power: float = POWER
) -> int | None:
    from scipy.stats import norm

    if mean >= epsilon:
        return None
    quantiles = float(norm.isf(threshold) + norm.ppf(power))
    return max(FEWEST, math.ceil((quantiles * spread / (epsilon - mean)) ** 2))


def _advised(need: int | None, have: int, epsilon: float) -> TrialSize:
    if need is None:
        advice = (
            f"as it is, half of the people or more are better than the machine by {epsilon:g} or "
            "more, and no number of items would make it pass"
        )
    elif need <= have:
        advice = (
            f"about {need:,} items a person are enough for it to pass in {POWER:.0%} of trials if "
            f"it is as good as it looks; there are {have:,}"
        )
    else:
        advice = (
            f"if the machine is as good as it looks, about {need:,} items a person would let it "
            f"pass in {POWER:.0%} of trials; there are {have:,}"
        )
    return TrialSize(need, have, POWER, advice)
