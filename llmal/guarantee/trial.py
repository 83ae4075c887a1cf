"""May a machine label in a person's place? The alternative annotator test."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Answer
from llmal.core.words import counted
from llmal.errors import ConfigError, DataError
from llmal.guarantee.trial_size import TrialSize, items_needed
from llmal.task.spaces import Space

Expertise = Literal["experts", "skilled", "crowd"]

EPSILON: Mapping[str, float] = {"experts": 0.2, "skilled": 0.15, "crowd": 0.1}
"""What the authors advise by who the people are (their section 3.2 and their notebook)."""

Nearness = Callable[[Answer, Sequence[Answer]], float]
"""How near an answer is to those of several others; higher is nearer."""

_EQUAL = 1e-12


@dataclass(frozen=True)
class PersonTrial:
    """The machine against one person, by how near each is to the other people.

    Attributes:
        person: Who it is.
        items: On how many items the two were compared.
        machine: Share of them on which the machine is at least as near as the person.
        of_person: Share of them on which the person is at least as near as the machine.
        p_value: Of "the person is better by epsilon or more", by a one-sided t test.
        won: Whether that is refuted, all people considered.
    """

    person: str
    items: int
    machine: float
    of_person: float
    p_value: float
    won: bool


@dataclass(frozen=True)
class Trial:
    """Whether a machine may stand in for a person.

    Attributes:
        machine: Its name.
        passed: Whether it wins against at least half of the people.
        winning_rate: The share of people that it wins against.
        advantage: The average advantage probability: how often it is at least as near to the other
            people as a person is, the mean over people. Tells machines apart.
        epsilon: By how much a person may be better, as the price of a person's work.
        level: The false discovery rate, over people.
        people: Each of them.
        left_out: People with too few items, by name, and how many they have.
        items: Items with answers by enough people and by the machine.
        unanswered: Items with answers by enough people and none by the machine; they are left out,
            so a machine that answers easy items only looks better than it is.
        agreement: Krippendorff's alpha of the people; None where it is not defined.
        size: How many items it would take.
        warnings: What makes the result weaker, one sentence each.
    """

    machine: str
    passed: bool
    winning_rate: float
    advantage: float
    epsilon: float
    level: float
    people: tuple[PersonTrial, ...]
    left_out: Mapping[str, int]
    items: int
    unanswered: int
    agreement: float | None
    size: TrialSize
    warnings: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        won = sum(one.won for one in self.people)
        may = "may stand in for a person" if self.passed else "is not shown to stand in for one"
        return (
            f"{self.machine} {may}: it wins against {won} of {len(self.people)} people at epsilon "
            f"{self.epsilon:g} (half are needed), and is at least as near to the others as a "
            f"person is on {self.advantage:.0%} of the items"
        )

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain JSON has them."""
        return {
            **asdict(self),
            "people": [asdict(one) for one in self.people],
            "left_out": dict(self.left_out),
            "warnings": list(self.warnings),
            "verdict": self.verdict,
        }


def nearness_in(space: Space) -> Nearness:
    """Mean agreement with the others, as the space measures it; for a `single` the share of them
    that say the same.
    """

    def near(answer: Answer, others: Sequence[Answer]) -> float:
        return sum(space.agreement(answer, one) for one in others) / len(others)

    return near


def nearness_of_numbers(answer: Answer, others: Sequence[Answer]) -> float:
    """For labels that are numbers: less the root of the mean squared distance.

    Raises:
        DataError: A label is no number.
    """
    mine, theirs = _number(answer), [_number(one) for one in others]
    return -math.sqrt(sum((mine - one) ** 2 for one in theirs) / len(theirs))


def _number(answer: Answer) -> float:
    try:
        return float(answer)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(
            f"the label {answer!r} is no number", fix="compare the labels as labels, not as numbers"
        ) from None


def epsilon_of(people: Expertise | float) -> float:
    """By how much a person may be better: by who the people are, or a number.

    Raises:
        ConfigError: It is neither.
    """
    if isinstance(people, str):
        if people not in EPSILON:
            known = ", ".join(f"{name} ({value:g})" for name, value in EPSILON.items())
            raise ConfigError(f"epsilon is {people!r}", fix=f"give a number, or one of {known}")
        return EPSILON[people]
    if not 0 <= people < 1:
        raise ConfigError(f"epsilon is {people!r}", fix="give a number from 0 to below 1")
    return float(people)


def run_trial(
    people: Mapping[str, Mapping[str, Answer]],
    machine: Mapping[str, Answer],
    nearness: Nearness,
    *,
    name: str = "the machine",
    epsilon: Expertise | float = "experts",
    level: float = 0.05,
    fewest_people: int = 2,
    fewest_items: int = 30,
    agreement: float | None = None,
) -> Trial:
    """The alternative annotator test (Calderon, Reichart and Dror, ACL 2025).

    Each person is left out in turn. On each of his items it is asked whether the machine, or he, is
    nearer to what the others said; who is at least as near scores one. "He is better by epsilon or
    more" is tested by a one-sided t test on the differences, and the people are put together by
    Benjamini and Yekutieli, as their tests depend on each other. The machine passes if it wins
    against half of them.

    Args:
        people: The answers of each person, by item.
        machine: Its answers, by item.
        nearness: How near an answer is to those of the others; see `nearness_in`.
        name: What the machine is called.
        epsilon: By how much a person may be better and the machine still do: "experts" (.2),
            "skilled" (.15), "crowd" (.1), or a number.
        level: The false discovery rate over people.
        fewest_people: Items with answers by fewer people are left out; at least 2.
        fewest_items: People with fewer items are left out.
        agreement: Krippendorff's alpha of the people, for the record.

    Raises:
        ConfigError: An option is not usable.
        DataError: Fewer than two people are left.
    """
    allowed = epsilon_of(epsilon)
    if not 0 < level < 1:
        raise ConfigError(f"the level is {level!r}", fix="give a number between 0 and 1")
    if fewest_people < 2 or fewest_items < 2:
        raise ConfigError("nobody can be compared with nobody", fix="keep both fewest at 2 or more")
    several = _answered_by(people, fewest_people)
    kept = several & machine.keys()
    left_out: dict[str, int] = {}
    ahead: dict[str, NDArray[np.float64]] = {}
    for person, one in compare(people, machine, nearness, kept).items():
        if len(one) < fewest_items:
            left_out[person] = len(one)
        else:
            ahead[person] = one
    differences = {person: one[:, 1] - one[:, 0] for person, one in ahead.items()}
    if len(differences) < 2:
        raise DataError(
            f"of {counted(len(people), 'person', 'people')} "
            f"{counted(len(differences), 'has', 'have')} {fewest_items} items or more with an "
            f"answer by the machine and by {fewest_people - 1} other people or more",
            fix="at least two people are needed, better three, with 50 to 100 items each",
        )
    tests = {person: p_value(one, allowed) for person, one in differences.items()}
    won = dict(zip(tests, refuted(list(tests.values()), level), strict=True))
    results = tuple(
        PersonTrial(
            person,
            len(one),
            float(one[:, 0].mean()),
            float(one[:, 1].mean()),
            tests[person],
            won[person],
        )
        for person, one in ahead.items()
    )
    rate = sum(won.values()) / len(won)
    size = items_needed(differences, allowed, level)
    return Trial(
        machine=name,
        passed=rate >= 0.5,
        winning_rate=rate,
        advantage=float(np.mean([one.machine for one in results])),
        epsilon=allowed,
        level=level,
        people=results,
        left_out=left_out,
        items=len(kept),
        unanswered=len(several) - len(kept),
        agreement=agreement,
        size=size,
        warnings=_warnings(results, left_out, len(several) - len(kept)),
    )


def compare(
    people: Mapping[str, Mapping[str, Answer]],
    machine: Mapping[str, Answer],
    nearness: Nearness,
    items: Set[str],
) -> dict[str, NDArray[np.float64]]:
    """Who is at least as near to the other people, the machine or a person, item by item.

    Args:
        people: The answers of each person, by item.
        machine: Its answers, by item.
        nearness: How near an answer is to those of the others.
        items: The items that count; two people or more and the machine have answered each.

    Returns:
        For each person one row an item, shape (n, 2): 1 where the machine is, 1 where he is.
    """
    result = {}
    for person, answers in people.items():
        own = [item for item in answers if item in items]
        ahead = np.zeros((len(own), 2))
        for row, item in enumerate(own):
            others = [
                theirs[item] for one, theirs in people.items() if one != person and item in theirs
            ]
            his, its = nearness(answers[item], others), nearness(machine[item], others)
            ahead[row] = its >= his - _EQUAL, his >= its - _EQUAL
        result[person] = ahead
    return result


def _answered_by(people: Mapping[str, Mapping[str, Answer]], fewest: int) -> set[str]:
    counts = Counter(item for answers in people.values() for item in answers)
    return {item for item, count in counts.items() if count >= fewest}


def refuted(p_values: Sequence[float], level: float) -> list[bool]:
    """Which hypotheses Benjamini and Yekutieli (2001) refute, however their tests depend."""
    values = np.asarray(p_values, dtype=np.float64)
    ranks = np.arange(1, len(values) + 1)
    order = np.argsort(values, kind="stable")
    below = np.flatnonzero(values[order] <= ranks * level / len(values) / (1 / ranks).sum())
    result = np.zeros(len(values), dtype=bool)
    if len(below):
        result[order[: below[-1] + 1]] = True
    return [bool(one) for one in result]


def p_value(differences: NDArray[np.float64], epsilon: float) -> float:
    """Of "their mean is epsilon or more", by a one-sided t test."""
    from scipy.stats import t

    gap = float(differences.mean()) - epsilon
    spread = float(differences.std(ddof=1))
    if spread == 0:
        # All items say the same: the test's limit, which scipy leaves undefined at epsilon.
        return 0.0 if gap < 0 else 1.0
    return float(t.cdf(gap / (spread / math.sqrt(len(differences))), len(differences) - 1))


def _warnings(
    people: Sequence[PersonTrial], left_out: Mapping[str, int], unanswered: int
) -> tuple[str, ...]:
    found = []
    if len(people) == 2:
        found.append(
            "with two people there is no consensus to be near to: each is compared with one other; "
            "take three or more"
        )
    few = [one for one in people if one.items < 50]
    if few:
        found.append(
            f"{counted(len(few), 'person has', 'people have')} fewer than 50 "
            "items, where the test seldom has the power to pass"
        )
    if left_out:
        found.append(f"{counted(len(left_out), 'person', 'people')} left out for too few items")
    if unanswered:
        found.append(
            f"{counted(unanswered, 'item')} without an answer of the machine left out; if it "
            "passes over hard items, it looks better than it is"
        )
    return tuple(found)
