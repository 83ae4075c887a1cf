"""CVIRS: answers unlike those that people gave, from classifiers that are unsure of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.errors import ConfigError
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import Ranking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.task.spaces import SpaceKind


@dataclass(frozen=True)
class Cvirs(Ranking):
    """Category vector inconsistency and ranking of scores, where an item takes several labels.

    Utility: s(x) v(x). s is the Borda count of the items' ranks by margin |2p - 1| in each label,
    the smallest first, from 0 to 1; equal margins share their mean rank. v is the mean distance of
    the predicted answer from the answers to the labelled items: as vectors of C zeros and ones, the
    variation of information over their joint entropy, (2 H(a, b) - H(a) - H(b)) / H(a, b), and 1
    where they differ in every label.

    Source: Reyes, Morell and Ventura, 2018, "Effective active learning strategy for multi-label
    learning". small-text's CategoryVectorInconsistencyAndRanking departs from
    it: its margin is p less the sum of all p, the position in the sorted order stands for the rank,
    and the share of labels that differ for the distance.

    Args:
        threshold: Probability above which a label counts as predicted.

    Raises:
        ConfigError: The threshold is not between 0 and 1.
    """

    name = "cvirs"
    spaces: ClassVar[tuple[SpaceKind, ...]] = ("multi",)
    requires = frozenset[Signal]({"labels", "probabilities"})

    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ConfigError(f"{self.name}: threshold is {self.threshold}", fix="between 0 and 1")

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """Borda count of the margins times the inconsistency."""
        unsure = _borda(state.probabilities)
        unlike = _inconsistency(state.probabilities > self.threshold, state.labels)
        return Utilities(
            unsure * unlike,
            lambda row: (
                f"ahead of {unsure[row]:.0%} by margin, answer {unlike[row]:.2f} from those given"
            ),
        )


def _borda(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean over the labels of the share of other items with a larger margin, shape (n,)."""
    from scipy.stats import rankdata

    n, labels = probabilities.shape
    if n == 1:
        return np.ones(1)
    ahead = np.zeros(n)
    for column in range(labels):
        margin = np.abs(2 * probabilities[:, column].astype(np.float64) - 1)
        ahead += n - rankdata(margin)
    return np.asarray(ahead / (labels * (n - 1)))


def _inconsistency(predicted: NDArray[np.bool_], answers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean distance of each predicted answer, shape (n, C), from given ones, shape (L, C)."""
    own, of = np.unique(predicted.astype(np.float64), axis=0, return_inverse=True)
    given, counts = np.unique(answers.astype(np.float64), axis=0, return_counts=True)
    mean = np.empty(len(own))
    for part in chunks(len(own), 8 * len(given)):
        mean[part] = _distances(own[part], given) @ (counts / counts.sum())
    return mean[of.reshape(-1)]


def _distances(own: NDArray[np.float64], given: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances of vectors of zeros and ones, shape (m, l)."""
    labels = own.shape[1]
    ones, others = own.sum(axis=1)[:, None], given.sum(axis=1)
    both = own @ given.T
    cells = [both, ones - both, others - both, labels - ones - others + both]
    joint = sum(_terms(cell / labels) for cell in cells)
    alone = _entropy(ones / labels) + _entropy(others / labels)
    apart = np.divide(2 * joint - alone, joint, out=np.zeros_like(joint), where=joint > 0)
    # Opposites tell all about each other, so that entropies would call them the same.
    apart[cells[1] + cells[2] == labels] = 1.0
    return np.asarray(np.clip(apart, 0, 1))


def _terms(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import entr

    return np.asarray(entr(shares))


def _entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return _terms(shares) + _terms(1 - shares)
