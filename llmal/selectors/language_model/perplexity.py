"""A filter by perplexity: a language model's surprise at a text, before anything dearer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from llmal.errors import ConfigError
from llmal.selectors.language_model.grading import check_candidates, check_keep, draw_candidates
from llmal.selectors.picking import highest
from llmal.selectors.protocol import Selection, Selector
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import Wrapper, longest


@dataclass(frozen=True)
class PerplexityFilter(Wrapper):
    """Lets a selector pick among the texts of the lowest, or highest, perplexity.

    Perplexity is exp(-mean log-probability per token). Low keeps plain, well-formed text; high
    keeps what the model has seen least of. Equal perplexities are drawn.

    Source: ActivePrune (Azeemi et al., 2025), from its abstract: perplexity under a cheap model
    first, then grades of quality (`QualityFilter`), then a query strategy. Its perplexity comes
    from an n-gram model; give the round such likelihoods, or it takes the language model's.

    Args:
        selector: Picks among what is kept.
        keep: Share of the items that is kept, and k at least.
        side: Which end of perplexity is kept.
        candidates: Items whose likelihood is asked for, drawn at random, and k at least; None
            for all. The others are not picked.

    Raises:
        ConfigError: An option is out of range.
    """

    name = "perplexity"

    selector: Selector
    keep: float = 0.2
    side: Literal["low", "high"] = "low"
    candidates: int | None = 10_000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_keep(self.keep, self.name)
        check_candidates(self.candidates, self.name)
        if self.side not in ("low", "high"):
            raise ConfigError(f"{self.name}: side is {self.side!r}", fix="use low or high")

    @property
    def reads(self) -> frozenset[Signal]:
        """Likelihoods."""
        return frozenset({"likelihoods"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Let the selector pick k of what is kept."""
        k = self._check_request(state, k)
        count = None if self.candidates is None else max(k, self.candidates)
        rows = draw_candidates(state, count, self.name, rng)
        # All likelihoods are kept for the round; those of some items are not.
        asked = state if len(rows) == len(state.unlabelled) else state.among(rows)
        likelihoods = asked.likelihoods
        order = likelihoods if self.side == "low" else -likelihoods
        kept = highest(order, max(k, math.ceil(self.keep * len(order))), rng)
        picks = self.selector.select(asked.among(kept), k, rng)
        found = likelihoods[np.searchsorted(asked.unlabelled, picks.indices)]
        # Beyond exp(700) there are no floats.
        perplexity = np.exp(np.minimum(-found, 700.0))
        why = [
            f"{reason}; perplexity {value:.3g}"
            for reason, value in zip(picks.why, perplexity, strict=True)
        ]
        return Selection(picks.indices, picks.scores, why, picks.usage)

    def costliest_part(self, state: RoundState, k: int) -> RoundState:
        """The part whose likelihoods cost the most: the longest texts."""
        return state if self.candidates is None else longest(state, max(k, self.candidates))
