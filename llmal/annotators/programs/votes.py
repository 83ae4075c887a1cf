"""What labelling programs are worth, and one distribution over the labels out of their votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from scipy.stats import binom

ABSTAINS = -1
_LUCK = 0.2
_HOTTEST, _STEPS = 20.0, 60


@dataclass(frozen=True)
class Verdict:
    """What labelled items say of a program.

    Attributes:
        votes: Labelled items that it has an answer for.
        right: Those of them that it answers rightly.
        chance: Share that answers as frequent as its own would have right by chance.
        dropped: Why it is not used; None where it is.
    """

    votes: int
    right: int
    chance: float
    dropped: str | None = None


def judge(votes: NDArray[np.int64], labels: NDArray[np.int64], classes: int) -> list[Verdict]:
    """Which programs are better than chance on labelled items.

    A program is dropped where answers drawn at random, as often of each label as its own, would be
    right as often as it in more than one case out of five: a program that is right on both of two
    items of four labels is kept, and of five that guess, one.

    Args:
        votes: Shape (n, P): the label that each program gives each item; -1 where it abstains.
        labels: Shape (n,): the right ones.
        classes: Number of labels C.
    """
    shares = np.bincount(labels, minlength=classes) / max(len(labels), 1)
    found = []
    for column in votes.T:
        voted = column != ABSTAINS
        count, right = int(voted.sum()), int((column[voted] == labels[voted]).sum())
        if not count:
            found.append(Verdict(0, 0, 0.0, "it has no answer for any labelled item"))
            continue
        chance = float(shares[column[voted]].mean())
        dropped = None
        if binom.sf(right - 1, count, chance) > _LUCK:
            dropped = (
                f"it is right on {right} of {count} labelled items, which may be chance "
                f"({chance:.0%} would be)"
            )
        found.append(Verdict(count, right, chance, dropped))
    return found


@dataclass(frozen=True)
class Combination:
    """Programs put together: a naive Bayes model of who is how often right.

    A program that votes is right with a probability of its own, and wrong in all other ways alike;
    what is known of that comes from labelled items. Programs that look for the same words are not
    independent, so the whole is made less sure by a temperature.

    Attributes:
        accuracies: Shape (P,): how often each program is right where it votes.
        shares: Shape (C,): how frequent the labels are.
        temperature: Divides the log-odds.
    """

    accuracies: NDArray[np.float64]
    shares: NDArray[np.float64]
    temperature: float

    @classmethod
    def fit(cls, votes: NDArray[np.int64], labels: NDArray[np.int64], classes: int) -> Combination:
        """Learn from labelled items; the temperature from each item by what the others say.

        Args:
            votes: Shape (n, P), of programs that are used.
            labels: Shape (n,).
            classes: Number of labels.
        """
        voted = votes != ABSTAINS
        right = voted & (votes == labels[:, None])
        counts, hits = voted.sum(axis=0), right.sum(axis=0)
        tables = np.bincount(labels, minlength=classes)
        # Of each item: accuracies and shares without it.
        apart = (hits - right + 1) / (counts - voted + 2)
        shares = (tables[None] - np.eye(classes)[labels] + 1) / (len(labels) - 1 + classes)
        scores = _scores(votes, apart, shares, classes)
        told = voted.any(axis=1)
        temperature = _temperature(scores[told], labels[told]) if told.any() else 1.0
        return cls((hits + 1) / (counts + 2), (tables + 1) / (len(labels) + classes), temperature)

    def probabilities(self, votes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Shape (n, C); where nobody votes, the shares of the labels."""
        classes = len(self.shares)
        accuracies = np.broadcast_to(self.accuracies, votes.shape)
        shares = np.broadcast_to(self.shares, (len(votes), classes))
        scores = _scores(votes, accuracies, shares, classes)
        return np.asarray(softmax(scores / self.temperature, axis=1))


def _scores(
    votes: NDArray[np.int64],
    accuracies: NDArray[np.float64],
    shares: NDArray[np.float64],
    classes: int,
) -> NDArray[np.float64]:
    """Log of prior times likelihood, shape (n, C)."""
    scores = np.log(shares)
    wrong = (1 - accuracies) / max(classes - 1, 1)
    for program in range(votes.shape[1]):
        column = votes[:, program]
        rows = np.flatnonzero(column != ABSTAINS)
        scores[rows, column[rows]] += np.log(accuracies[rows, program] / wrong[rows, program])
    return scores


def _temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """From 1 to 20, of the lowest loss; programs are seldom less sure than they may be."""
    tried = np.geomspace(1.0, _HOTTEST, _STEPS)
    rows = np.arange(len(labels))
    losses = [-log_softmax(scores / one, axis=1)[rows, labels].mean() for one in tried]
    return float(tried[int(np.argmin(losses))])


def coded(votes: Sequence[Sequence[str | int | None]], names: Sequence[str]) -> NDArray[np.int64]:
    """Votes of P programs on n items as label columns, shape (n, P); what is no label abstains.

    A vote is the name of a label, in any case, or its number from 0 on.
    """
    places = {name.casefold(): place for place, name in enumerate(names)}

    def code(vote: str | int | None) -> int:
        if isinstance(vote, str):
            return places.get(vote.strip().casefold(), ABSTAINS)
        return vote if vote is not None and 0 <= vote < len(names) else ABSTAINS

    count = len(votes[0]) if votes else 0
    table = [[code(vote) for vote in column] for column in votes]
    return np.array(table, dtype=np.int64).reshape(len(votes), count).T
