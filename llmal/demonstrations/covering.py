"""Demonstrations in which every label is shown, whatever else chooses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmal.core.records import Item
from llmal.demonstrations.candidates import warn_if_few
from llmal.demonstrations.protocol import (
    DemonstrationSelector,
    PerQuerySelector,
    RankingSelector,
    scorer_of,
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

    @property
    def scorer(self) -> PromptScorer | None:
        """What the selector asks with, if it asks."""
        return scorer_of(self.selector)

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
        shown = {one.gold for one in chosen}
        best = [
            self.selector.choose(
                [candidate for candidate in candidates if candidate.gold == label], 1, rng, query
            )
            for label in sorted({candidate.gold or "" for candidate in candidates})
            if label not in shown
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
