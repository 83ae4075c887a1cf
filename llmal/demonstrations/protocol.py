"""The contract of everything that chooses demonstrations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from llmal.core.plans import Plan
from llmal.core.records import Item
from llmal.prompting.protocol import Need
from llmal.prompting.scorer import PromptScorer


@runtime_checkable
class DemonstrationSelector(Protocol):
    """Chooses demonstrations from labelled candidates."""

    @property
    def requires(self) -> tuple[Need, ...]:
        """Names of the keyword arguments that it must be made with; a constant of the class where
        it can be.
        """
        ...

    @property
    def per_query(self) -> bool:
        """Whether it chooses for each query (then it is a `PerQuerySelector`). Otherwise there is
        one fixed set for all queries, so that their prompts share a prefix.
        """
        ...

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """At most k candidates, the most useful first; fewer where there are fewer.

        Args:
            candidates: Labelled items; the label is in `gold`.
            k: Shots.
            rng: The same choice for the same state of it, whatever the order of the candidates.
            query: The item that the prompt asks about. Fixed sets do not depend on it.

        Raises:
            DataError: A candidate has no label, or a query is needed and none is given.
        """
        ...


@runtime_checkable
class AskingSelector(DemonstrationSelector, Protocol):
    """Asks a language model to choose one fixed set, and says before what that costs."""

    @property
    def scorer(self) -> PromptScorer:
        """What it asks with."""
        ...

    def plan_choice(
        self, candidates: Sequence[Item], k: int, rng: np.random.Generator
    ) -> Plan[list[Item]]:
        """Plan what `choose` does."""
        ...


@runtime_checkable
class RankingSelector(DemonstrationSelector, Protocol):
    """A selector that may rank its candidates."""

    @property
    def ranks(self) -> bool:
        """Whether the first k of a longer choice are the choice of k, at the same cost."""
        ...


@runtime_checkable
class PerQuerySelector(DemonstrationSelector, Protocol):
    """Chooses for each query."""

    def choose_each(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        queries: Sequence[Item],
    ) -> list[list[Item]]:
        """A list for each query, as `choose` would give it. A query is never its own
        demonstration.
        """
        ...
