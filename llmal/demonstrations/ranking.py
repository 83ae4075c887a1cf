"""Choosing by a score of each candidate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import Plan, free
from llmal.core.records import Item
from llmal.demonstrations.candidates import usable
from llmal.demonstrations.picking import highest
from llmal.prompting.scorer import PromptScorer


class Ranking:
    """The k candidates of the highest score under the language model."""

    scorer: PromptScorer
    balance: bool

    @property
    def ranks(self) -> bool:
        """Whether the first k of a longer choice are the choice of k."""
        return not self.balance

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """The highest first."""
        return self.plan_choice(candidates, k, rng).execute()

    def plan_choice(
        self, candidates: Sequence[Item], k: int, rng: np.random.Generator
    ) -> Plan[list[Item]]:
        """Plan what `choose` does: every candidate is asked about."""
        labels, quiet = self.scorer.labels, self.scorer.forecasts
        ordered = usable(candidates, k, labels=labels, balance=self.balance, quiet=quiet)
        if not ordered or not k:
            return free([])
        scores = self._plan_scores(ordered, rng)
        return scores.map(lambda values: highest(ordered, values, k, rng, balance=self.balance))

    def scores(self, candidates: Sequence[Item], rng: np.random.Generator) -> NDArray[np.float64]:
        """The score of each candidate, shape (n,), in the order given.

        The same state of the generator asks the same prompts, so that a response cache answers
        when it is asked again.
        """
        ordered = usable(candidates, 0, labels=self.scorer.labels)
        values = self._plan_scores(ordered, rng).execute()
        of = {item.id: value for item, value in zip(ordered, values, strict=True)}
        return np.array([of[item.id] for item in candidates], dtype=np.float64)

    def _plan_scores(
        self, ordered: Sequence[Item], rng: np.random.Generator
    ) -> Plan[NDArray[np.float64]]:
        """Plan to score the candidates, which are sorted by id."""
        raise NotImplementedError
