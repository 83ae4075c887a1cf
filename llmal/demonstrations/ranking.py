"""Choosing by a score of each candidate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
        ordered = usable(candidates, k, labels=self.scorer.labels, balance=self.balance)
        if not ordered or not k:
            return []
        return highest(ordered, self._scores(ordered, rng), k, rng, balance=self.balance)

    def scores(self, candidates: Sequence[Item], rng: np.random.Generator) -> NDArray[np.float64]:
        """The score of each candidate, shape (n,), in the order given.

        The same state of the generator asks the same prompts, so that a response cache answers
        when it is asked again.
        """
        ordered = usable(candidates, 0, labels=self.scorer.labels)
        values = self._scores(ordered, rng)
        of = {item.id: value for item, value in zip(ordered, values, strict=True)}
        return np.array([of[item.id] for item in candidates], dtype=np.float64)

    def _scores(self, ordered: Sequence[Item], rng: np.random.Generator) -> NDArray[np.float64]:
        """The score of each of the candidates, which are sorted by id."""
        raise NotImplementedError
