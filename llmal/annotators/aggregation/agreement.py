"""How far people agree beyond chance."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmal.core.records import Answer
from llmal.ledger.combining import WorkerAnswer
from llmal.task.spaces import Space


@dataclass(frozen=True)
class PairAgreement:
    """How far two people agree on the items that both have answered.

    Attributes:
        first: One of them.
        second: The other.
        items: How many items both have answered.
        same: The share of them that both have answered alike.
        kappa: Cohen's kappa; None where both always say one and the same thing.
    """

    first: str
    second: str
    items: int
    same: float
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """How far people agree on items that several of them have answered.

    Attributes:
        items: How many such items there are.
        answers: How many answers they have.
        workers: How many people gave them.
        alpha: Krippendorff's alpha; None where all answers are the same.
        pairs: Two people with items in common each, those with the most first.
    """

    items: int
    answers: int
    workers: int
    alpha: float | None
    pairs: tuple[PairAgreement, ...]


def agreement_of(
    answers: Mapping[str, Sequence[WorkerAnswer]], space: Space, *, most_pairs: int = 20
) -> Agreement:
    """How far people agree.

    Args:
        answers: By item, one of each person, as `Ledger.several_answers` gives them.
        space: What answers are. Where an item takes several labels, two answers differ by one less
            the labels in both over the labels in either, for alpha; for kappa they are the same or
            not.
        most_pairs: Pairs of people that are compared, those with the most items in common.
    """
    several = {item_id: given for item_id, given in answers.items() if len(given) > 1}
    units = [[one.answer for one in given] for given in several.values()]
    return Agreement(
        items=len(several),
        answers=sum(map(len, units)),
        workers=len({one.worker for given in several.values() for one in given}),
        alpha=krippendorff_alpha(units, space),
        pairs=_pairs(several, most_pairs),
    )


def krippendorff_alpha(answers: Sequence[Sequence[Answer]], space: Space) -> float | None:
    """Krippendorff's alpha: 1 for full agreement, 0 for what chance would bring.

    One less the observed over the expected disagreement (Krippendorff, Computing Krippendorff's
    Alpha-Reliability, 2011), with the distance that is one less `Space.agreement`.

    Args:
        answers: For each item, the answers that it has; items with fewer than two say nothing.
        space: What answers are.

    Returns:
        None where there is nothing to compare, or all answers are the same.
    """
    units = [given for given in answers if len(given) > 1]
    values = sorted({answer for given in units for answer in given}, key=repr)
    column = {answer: number for number, answer in enumerate(values)}
    counts = np.zeros((len(units), len(values)))
    for row, given in enumerate(units):
        for answer in given:
            counts[row, column[answer]] += 1
    distance = np.array([[1 - space.agreement(a, b) for b in values] for a in values])
    total = counts.sum(axis=0)
    n = total.sum()
    expected = float(total @ distance @ total) / (n * (n - 1)) if n else 0.0
    if expected == 0:
        return None
    within = ((counts @ distance) * counts).sum(axis=1) / (counts.sum(axis=1) - 1)
    return float(1 - within.sum() / n / expected)


def _pairs(answers: Mapping[str, Sequence[WorkerAnswer]], most: int) -> tuple[PairAgreement, ...]:
    said: defaultdict[tuple[str, str], list[tuple[Answer, Answer]]] = defaultdict(list)
    for given in answers.values():
        by_worker = sorted((one.worker, one.answer) for one in given)
        for (first, a), (second, b) in itertools.combinations(by_worker, 2):
            said[first, second].append((a, b))
    ordered = sorted(said.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return tuple(_pair(*people, both) for people, both in ordered[:most])


def _pair(first: str, second: str, both: Sequence[tuple[Answer, Answer]]) -> PairAgreement:
    from sklearn.metrics import cohen_kappa_score

    same = sum(a == b for a, b in both) / len(both)
    values = {answer: number for number, answer in enumerate({one for two in both for one in two})}
    kappa = None
    if len(values) > 1:
        columns = [[values[answer] for answer in said] for said in zip(*both, strict=True)]
        kappa = float(cohen_kappa_score(*columns))
    return PairAgreement(first, second, len(both), same, kappa)
