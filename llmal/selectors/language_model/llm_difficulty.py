"""LDCAL: as many easy as moderate as hard items, by the language model's grade."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.batch import Batch
from llmal.core.plans import Plan
from llmal.prompting.scorer import PromptScorer
from llmal.selectors.language_model.grading import (
    CANDIDATES,
    check_candidates,
    flagged,
    grader,
    plan_probabilities,
)
from llmal.selectors.picking import check_request, highest
from llmal.selectors.protocol import Selection, drawn
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

GRADES = ("easy", "moderate", "hard")


@dataclass(frozen=True)
class LLMDifficulty:
    """Equal numbers of easy, moderate and hard items, the surest of each.

    The language model's exact probabilities of the three grades give an item its grade, the best
    one; of each grade those are picked in which the model is surest of it. Where a grade has too
    few items, the others give more, and the log says so. What is left over of k goes to grades
    drawn at random.

    The score is the probability of the grade. For training from easy to hard, `why` has each pick's
    place in the order of the expected difficulty (0 easy, 1 moderate, 2 hard).

    Source: LDCAL, from its abstract ("LLM-determined curriculum active learning"); which items of
    a grade it takes is not said there.

    Args:
        prompt: Name or path of the prompt of the grades.
        candidates: Items that are graded, drawn at random, and k at least; None for all.
        calibrate: Divide the probabilities by their mean over the graded items (batch calibration,
            Zhou et al., 2024). A model that finds nearly everything hard leaves nothing for the
            other grades; this makes the grade relative to the pool.

    Raises:
        ConfigError: `candidates` is below one.
    """

    name = "llm_difficulty"
    requires = frozenset[Signal]({"texts", "scorer"})

    prompt: str = "difficulty"
    candidates: int | None = CANDIDATES
    calibrate: bool = False

    def __post_init__(self) -> None:
        check_candidates(self.candidates, self.name)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick k / 3 items of each grade."""
        return self.plan(state, k, rng).execute()

    def plan(self, state: RoundState, k: int, rng: np.random.Generator | None) -> Plan[Selection]:
        """Plan to have items graded and to pick among them."""
        k = check_request(state, k, self.name, self.requires)
        scorer = grader(state.scorer, self.prompt, GRADES)
        rows, asked = plan_probabilities(scorer, state, self._count(k), self.name, rng)
        return asked.map(lambda p: self._picked(state, rows, p, k, drawn(rng), scorer))

    def _picked(
        self,
        state: RoundState,
        rows: NDArray[np.int64],
        p: NDArray[np.float64],
        k: int,
        rng: np.random.Generator,
        scorer: PromptScorer,
    ) -> Selection:
        items = state.items(state.unlabelled[rows])
        if self.calibrate:
            logs = np.log(np.maximum(p, np.finfo(np.float64).tiny))
            p = Batch().fit(logs).transform(logs)
        # A grade that two share is drawn, so that level probabilities do not all end as "easy".
        level = p == p.max(axis=1, keepdims=True)
        grade = (level * rng.random(p.shape)).argmax(axis=1)
        sizes = np.bincount(grade, minlength=len(GRADES))
        shares = equal_shares(sizes, k, rng)
        if shares.max() - shares.min() > 1:
            _log.warning(
                "%s: the grades have too few items for equal numbers; picked are %s%s",
                self.name,
                ", ".join(f"{n} {one}" for n, one in zip(shares.tolist(), GRADES, strict=True)),
                "" if self.calibrate else " (calibrate makes grades relative to the pool)",
            )
        picked = np.concatenate([self._surest(p, grade, g, int(shares[g]), rng) for g in range(3)])
        sureness = p[picked, grade[picked]]
        order = highest(sureness, k, rng)
        picked, sureness = picked[order], sureness[order]
        expected = p[picked] @ np.arange(len(GRADES))
        turn = np.empty(k, dtype=np.int64)
        turn[np.lexsort((rng.random(k), expected, grade[picked]))] = np.arange(1, k + 1)
        why = [
            flagged(
                f"{GRADES[grade[one]]} with probability {sure:.3f}; number {place} of {k} from "
                "easy to hard",
                items[one],
            )
            for one, sure, place in zip(picked.tolist(), sureness, turn.tolist(), strict=True)
        ]
        return Selection(state.unlabelled[rows[picked]], sureness, why, scorer.spent)

    def _count(self, k: int) -> int | None:
        return None if self.candidates is None else max(k, self.candidates)

    def _surest(
        self,
        p: NDArray[np.float64],
        grade: NDArray[np.int64],
        wanted: int,
        count: int,
        rng: np.random.Generator,
    ) -> NDArray[np.int64]:
        members = np.flatnonzero(grade == wanted)
        if not count:
            return members[:0]
        return np.asarray(members[highest(p[members, wanted], count, rng)])


def equal_shares(sizes: NDArray[np.int64], k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """How many of k each group gives: equal numbers as far as the sizes go, the rest drawn.

    Args:
        sizes: Shape (G,), of a sum of k or more.
        k: How many in all.
        rng: Draws which groups give one more than the others.
    """
    shares = np.zeros_like(sizes)
    while left := k - int(shares.sum()):
        open_ = np.flatnonzero(shares < sizes)
        if left < len(open_):
            shares[rng.choice(open_, left, replace=False)] += 1
            break
        shares[open_] += np.minimum(left // len(open_), (sizes - shares)[open_])
    return shares
