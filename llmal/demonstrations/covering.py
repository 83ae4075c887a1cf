"""Demonstrations in which every label is shown, whatever else chooses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmal.core.plans import Plan
from llmal.core.records import Answer, Item, Usage
from llmal.demonstrations.candidates import warn_if_few
from llmal.demonstrations.protocol import (
    AskingSelector,
    DemonstrationSelector,
    PerQuerySelector,
    RankingSelector,
)
from llmal.prompting.protocol import Need
from llmal.prompting.scorer import PromptScorer


@dataclass(frozen=True)
class Covering:
    """What another selector chooses, changed as little as it takes to show every label.

    Each label that candidates have and the choice lacks gets the candidate of that label that the
    selector finds most useful; it takes the place of the least useful one whose label is shown
    more than once. With fewer demonstrations than labels, each one shows another label.

    Args:
        selector: Chooses.
    """

    selector: DemonstrationSelector

    @property
    def requires(self) -> tuple[Need, ...]:
        """As the selector."""
        return self.selector.requires

    @property
    def per_query(self) -> bool:
        """As the selector."""
        return self.selector.per_query

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """The most useful first."""
        if isinstance(self.selector, RankingSelector) and self.selector.ranks:
            warn_if_few(len(candidates), k)
            ranking = self.selector.choose(candidates, len(candidates), rng, query)
            return cover_labels(ranking, k)
        chosen = self.selector.choose(candidates, k, rng, query)
        best = [
            self.selector.choose(own, 1, rng, query) for own in lacking(candidates, chosen).values()
        ]
        return cover_labels([*chosen, *(one for ones in best for one in ones)], k)

    def choose_each(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        queries: Sequence[Item],
    ) -> list[list[Item]]:
        """A list for each query."""
        inner = self.selector
        if (
            isinstance(inner, RankingSelector)
            and inner.ranks
            and isinstance(inner, PerQuerySelector)
        ):
            warn_if_few(len(candidates), k)
            rankings = inner.choose_each(candidates, len(candidates), rng, queries)
            return [cover_labels(ranking, k) for ranking in rankings]
        return [self.choose(candidates, k, rng, query) for query in queries]


@dataclass(frozen=True)
class AskingCovering(Covering):
    """The same around a selector that asks a language model.

    Args:
        selector: Chooses.
    """

    selector: AskingSelector

    @property
    def scorer(self) -> PromptScorer:
        """What the selector asks with."""
        return self.selector.scorer

    def plan_choice(
        self, candidates: Sequence[Item], k: int, rng: np.random.Generator
    ) -> Plan[list[Item]]:
        """Plan what `choose` does."""
        if isinstance(self.selector, RankingSelector) and self.selector.ranks:
            warn_if_few(len(candidates), k)
            ranking = self.selector.plan_choice(candidates, len(candidates), rng)
            return ranking.map(lambda found: cover_labels(found, k))
        first = self.selector.plan_choice(candidates, k, rng)

        def rest() -> Usage:
            # Which labels the choice will lack is not known: each may be one of them.
            return sum(
                (
                    self.selector.plan_choice(own, 1, np.random.default_rng(0)).highest
                    for own in lacking(candidates, ()).values()
                ),
                Usage(),
            )

        def cover() -> list[Item]:
            chosen = first.execute()
            best = [
                self.selector.choose(own, 1, rng) for own in lacking(candidates, chosen).values()
            ]
            return cover_labels([*chosen, *(one for ones in best for one in ones)], k)

        return Plan(cover, highest=lambda: first.highest + rest(), prompts=lambda: first.prompts)


def covering(selector: DemonstrationSelector) -> Covering:
    """What has every label shown, around a selector."""
    return AskingCovering(selector) if isinstance(selector, AskingSelector) else Covering(selector)


def lacking(candidates: Sequence[Item], chosen: Sequence[Item]) -> dict[Answer, list[Item]]:
    """The candidates of each label that the choice lacks, by label."""
    shown = {one.gold for one in chosen}
    labels = sorted({one.gold or "" for one in candidates} - shown, key=str)
    return {label: [one for one in candidates if one.gold == label] for label in labels}


def cover_labels(ranking: Sequence[Item], k: int) -> list[Item]:
    """The first k of a ranking, the last of them replaced so that every label is shown."""
    chosen = list(ranking[:k])
    counts = Counter(one.gold for one in chosen)
    place = {one.id: row for row, one in enumerate(ranking)}
    for item in ranking[k:]:
        if counts[item.gold]:
            continue
        spare = [row for row, one in enumerate(chosen) if counts[one.gold] > 1]
        if not spare:
            break
        counts[chosen.pop(spare[-1]).gold] -= 1
        counts[item.gold] += 1
        chosen.append(item)
    return sorted(chosen, key=lambda one: place[one.id])
