"""Where the members of a committee, or the passes of a learner with dropout, disagree.

All read `state.committee`, shape (T, U, C). With T members p_t, their mean p is the consensus.
Where an item takes several labels, the members disagree about each label's yes and no, and the mean
over the labels counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.errors import ConfigError, SelectionError
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import Ranking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.task.spaces import KINDS

Disagreement = Literal["kl", "vote_entropy"]

_Members = NDArray[np.floating[Any]]
_Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Committee(Ranking):
    """What the three have in common.

    Raises:
        SelectionError: The committee has one member.
    """

    spaces: ClassVar[Collection[str]] = KINDS
    requires: ClassVar[frozenset[Signal]] = frozenset({"committee"})

    def _values(
        self, state: RoundState, measure: Callable[[_Members], _Values]
    ) -> NDArray[np.float64]:
        """The measure of each item, shape (U,)."""
        members = state.committee
        if len(members) < 2:
            raise SelectionError(
                f"{self.name}: a committee of one member has nobody to disagree with",
                fix="give it two members or more",
            )
        if not state.space.rows_sum_to_one:
            measure = _of_each_label(measure)
        return _measured(members, measure)

    def _of_labels(self, state: RoundState) -> str:
        return "" if state.space.rows_sum_to_one else ", mean over the labels"


@dataclass(frozen=True)
class Bald(Committee):
    """What the label of an item would tell about the learner: H(p) - mean_t H(p_t), in nats.

    High where each member is sure and they differ; zero where all doubt alike. It is also the mean
    Kullback-Leibler divergence of the members from the consensus, and is computed as such: the
    difference of two entropies close to each other would lose its digits in float32.

    Source: Houlsby et al., 2011, "Bayesian active learning for classification and preference
    learning"; with dropout Gal et al., 2017. The k best items are picked each by itself, as
    GreedyBALD of scikit-activeml and BALD of small-text do. Both put a floor under
    probabilities (1e-7) or inside the logarithm (1e-8) where this takes 0 ln 0 as 0; small-text
    counts in bits.

    Raises:
        SelectionError: The committee has one member.
    """

    name = "bald"

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """The mutual information of label and member."""
        values, more = self._values(state, _divergence), self._of_labels(state)
        return Utilities(values, lambda row: f"a label tells {values[row]:.3f} nats{more}")


@dataclass(frozen=True)
class QueryByCommittee(Committee):
    """The greatest disagreement of the members, by what they say or by what they vote.

    `kl` is the mean Kullback-Leibler divergence of the members from the consensus, which equals
    BALD; `vote_entropy` the entropy of the votes, each member voting for its best label, the first
    of equals. Both in nats.

    Sources: Seung et al., 1992; `kl` McCallum and Nigam, 1998; `vote_entropy` Engelson and Dagan,
    1996. The same utilities as scikit-activeml's QueryByCommittee, but for its floor of 1e-7 under
    probabilities.

    Args:
        disagreement: "kl" or "vote_entropy".

    Raises:
        ConfigError: There is no such disagreement.
        SelectionError: The committee has one member.
    """

    name = "query_by_committee"

    disagreement: Disagreement = "kl"

    def __post_init__(self) -> None:
        if self.disagreement not in get_args(Disagreement):
            raise ConfigError(
                f"query_by_committee: there is no disagreement {self.disagreement!r}",
                fix=f"use {' or '.join(get_args(Disagreement))}",
            )

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """The disagreement."""
        more = self._of_labels(state)
        if self.disagreement == "kl":
            values = self._values(state, _divergence)
            return Utilities(
                values,
                lambda row: f"members diverge from their mean by {values[row]:.3f} nats{more}",
            )
        values = self._values(state, _vote_entropy)
        return Utilities(values, lambda row: f"entropy of the votes {values[row]:.3f} nats{more}")


@dataclass(frozen=True)
class VariationRatio(Committee):
    """The share of the members that do not vote for the label of the most votes.

    Source: Freeman, 1965; for committees Beluch et al., 2018. The same utilities as
    scikit-activeml's QueryByCommittee with variation ratios. T members give T levels at most,
    so most picks are drawn among equals.

    Raises:
        SelectionError: The committee has one member.
    """

    name = "variation_ratio"

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """One less the share of the label of the most votes."""
        values, more = self._values(state, _minority), self._of_labels(state)
        size = len(state.committee)

        def why(row: int) -> str:
            return f"{(1 - values[row]) * size:.3g} of {size} members agree{more}"

        return Utilities(values, why)


def _divergence(members: _Members) -> _Values:
    """mean_t sum_y p_t ln(p_t / p), shape (n,)."""
    tiny = np.finfo(members.dtype).tiny
    logs = np.maximum(members, tiny)
    np.log(logs, out=logs)
    consensus = members.mean(axis=0)
    logs -= np.log(np.maximum(consensus, tiny))
    logs *= members
    # Transposed for the reason given in `uncertainty/measures.py`: short rows sum slowly.
    by_label = np.ascontiguousarray(logs.sum(axis=0).T)
    # Rounding can leave the divergence of near equals just below zero.
    return np.asarray(np.maximum(by_label.sum(axis=0) / len(members), 0))


def _votes(members: _Members) -> NDArray[np.int64]:
    """Number of members that vote for each label, shape (C, n)."""
    _, n, labels = members.shape
    places = members.argmax(axis=2) * n + np.arange(n)
    return np.bincount(places.ravel(), minlength=n * labels).reshape(labels, n)


def _vote_entropy(members: _Members) -> _Values:
    counts = np.arange(len(members) + 1)
    share = counts / len(members)
    terms = -share * np.log(np.where(counts, share, 1))
    # Rounded, because the order of the labels must not decide between equal votes.
    return np.asarray(np.round(terms[_votes(members)].sum(axis=0), 12))


def _minority(members: _Members) -> _Values:
    return np.asarray(1 - _votes(members).max(axis=0) / len(members))


def _of_each_label(measure: Callable[[_Members], _Values]) -> Callable[[_Members], _Values]:
    """The mean over the labels of a measure of each label's yes and no."""

    def measured(members: _Members) -> _Values:
        labels = np.moveaxis(members, 2, 0)
        return np.asarray(
            np.mean([measure(np.stack([one, 1 - one], axis=2)) for one in labels], axis=0)
        )

    return measured


def _measured(members: _Members, measure: Callable[[_Members], _Values]) -> NDArray[np.float64]:
    """The measure of each item, shape (U,), in chunks."""
    size, n, labels = members.shape
    values = np.empty(n)
    for part in chunks(n, size * labels):
        values[part] = measure(members[:, part])
    return values
