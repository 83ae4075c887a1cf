"""A filter by quality: nothing is picked that the language model finds poor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import Plan
from llmal.prompting.scorer import PromptScorer
from llmal.selectors.language_model.grading import (
    CANDIDATES,
    POINTS,
    check_candidates,
    check_keep,
    expected_points,
    grader,
    plan_probabilities,
)
from llmal.selectors.picking import highest
from llmal.selectors.protocol import Selection, Selector, drawn, plan_selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import Wrapper


@dataclass(frozen=True)
class QualityFilter(Wrapper):
    """Lets a selector pick among the texts of the highest quality.

    Quality is the expected grade from 1 to 5 under the language model's exact probabilities of
    the five grades. Of the items that are graded the best `keep` stay, and k at least; equal grades
    are drawn.

    Source: ActivePrune (Azeemi et al., 2025), from its abstract: first a cheap filter by
    perplexity, then grades of a language model. For both, put one filter into the other:
    `PerplexityFilter(QualityFilter(selector))`.

    Args:
        selector: Picks among what is kept.
        keep: Share of the graded items that is kept.
        prompt: Name or path of the prompt of the grades.
        candidates: Items that are graded, drawn at random, and k at least; None for all. The
            others are not picked.

    Raises:
        ConfigError: An option is out of range.
    """

    name = "quality"

    selector: Selector
    keep: float = 0.5
    prompt: str = "quality"
    candidates: int | None = CANDIDATES

    def __post_init__(self) -> None:
        super().__post_init__()
        check_keep(self.keep, self.name)
        check_candidates(self.candidates, self.name)

    @property
    def reads(self) -> frozenset[Signal]:
        """Texts, and a language model."""
        return frozenset({"texts", "scorer"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Let the selector pick k of the best."""
        return self.plan(state, k, rng).execute()

    def plan(self, state: RoundState, k: int, rng: np.random.Generator | None) -> Plan[Selection]:
        """Plan to have items graded, and to let the selector pick among the best."""
        k = self._check_request(state, k)
        scorer = grader(state.scorer, self.prompt, POINTS)
        rows, asked = plan_probabilities(scorer, state, self._count(k), self.name, rng)

        def pick(p: NDArray[np.float64]) -> Plan[Selection]:
            return Plan(lambda: self._picked(state, rows, p, k, drawn(rng), scorer))

        # Which items are kept is not known: those count that cost the selector most.
        return asked.then(pick, at_most=plan_selection(self.selector, state, k, None))

    def _picked(
        self,
        state: RoundState,
        rows: NDArray[np.int64],
        p: NDArray[np.float64],
        k: int,
        rng: np.random.Generator,
        scorer: PromptScorer,
    ) -> Selection:
        grades = expected_points(p)
        kept = rows[highest(grades, max(k, math.ceil(self.keep * len(rows))), rng)]
        picks = self.selector.select(state.among(kept), k, rng)
        places = np.searchsorted(state.unlabelled[rows], picks.indices)
        why = [
            f"{reason}; quality {grade:.2f} of {len(POINTS)}"
            for reason, grade in zip(picks.why, grades[places], strict=True)
        ]
        return Selection(picks.indices, picks.scores, why, scorer.spent + picks.usage)

    def _count(self, k: int) -> int | None:
        return None if self.candidates is None else max(k, self.candidates)
