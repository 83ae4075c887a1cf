"""A few-shot prompt that is ready: its demonstrations, and scores calibrated through them."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.chain import Chain
from llmal.calibration.comparison import Judged
from llmal.calibration.protocol import Calibrator
from llmal.core.fingerprint import fingerprint
from llmal.core.plans import BatchPlan
from llmal.core.records import Item, Usage
from llmal.demonstrations import choose_for
from llmal.demonstrations.protocol import DemonstrationSelector
from llmal.prompting.scorer import PromptScorer, Scored
from llmal.task.spaces.thresholds import decide


@dataclass(frozen=True)
class Calibrated:
    """Scores of n items, and what calibration makes of them.

    Attributes:
        scored: What the model gave.
        probabilities: Shape (n, C): calibrated, as the space of the task has them.
    """

    scored: Scored
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class FewShotPrompt:
    """Demonstrations and calibration, ready for use.

    Attributes:
        scorer: Asks the model.
        shots: Demonstrations for each prompt.
        selector: Chooses the demonstrations of each query; None where one set serves all.
        candidates: What it chooses from; or the fixed set, most useful first.
        calibrator: Applied to the scores; fitted. None leaves them as they are.
        usage: What choosing and calibrating took, answers from the response cache counted like
            others.
        left_out: Ids of chosen demonstrations that do not fit into the model's context.
        seed: For ties between demonstrations of a query.
        paid: Keys of the prompts about texts of the pool that are in `usage`: whoever asks them
            again through this prompt is not charged again.
        trail: Hash of all that was asked: what has the same one costs nothing more.
        thresholds: Shape (C,): probabilities above which a label is given, where an item takes
            several; None for one half.
        judged: Labelled items among the texts that it was calibrated on, which it can be judged by;
            None where there are none, or where the calibrator has learnt from labels.
        standing_in: Whether it stands, in a plan, for one that is not known yet and costs no more.
    """

    scorer: PromptScorer
    shots: int = 0
    selector: DemonstrationSelector | None = None
    candidates: tuple[Item, ...] = ()
    calibrator: Calibrator | None = None
    usage: Usage = field(default_factory=Usage)
    left_out: tuple[str, ...] = ()
    seed: int = 0
    paid: Set[bytes] = frozenset()
    trail: int = 0
    judged: Judged | None = None
    thresholds: NDArray[np.float64] | None = None
    standing_in: bool = False

    def decide(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """The answers that probabilities, shape (n, C), speak for, as targets of the space."""
        return decide(self.scorer.prompts.task.space, probabilities, self.thresholds)

    def demonstrations(self, items: Sequence[Item]) -> list[Sequence[Item]]:
        """The demonstrations of each item, most useful first."""
        if self.selector is None:
            return [self.candidates] * len(items)
        rng = np.random.default_rng(self.seed)
        return list(choose_for(self.selector, self.candidates, self.shots, rng, items))

    def score(self, items: Sequence[Item]) -> Calibrated:
        """Score items and calibrate the scores.

        Raises:
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        return self.plan(items).execute()

    def plan(self, items: Sequence[Item]) -> BatchPlan[Calibrated]:
        """Plan what `score` does."""
        shown = self.demonstrations(items)
        return self._calibrated(
            self.scorer.plan_each(items, shown, paid=self.paid, standing_in=self.standing_in)
        )

    def _calibrated(self, scoring: BatchPlan[Scored]) -> BatchPlan[Calibrated]:
        def score() -> Calibrated:
            scored = scoring.execute()
            if self.calibrator is None or not scored.prompts:
                return Calibrated(scored, scored.probabilities)
            calibrated = self.calibrator.transform(scored.scores_asked)
            return Calibrated(scored, self.scorer.spread(calibrated, scored.inside))

        return BatchPlan(
            score,
            each=lambda: scoring.each,
            first=lambda count: self._calibrated(scoring.first(count)),
            prompts=lambda: scoring.prompts,
            once=lambda: scoring.once,
        )


def parts_of(calibrator: Calibrator) -> tuple[Calibrator, ...]:
    """The calibrators that one consists of, in turn."""
    return calibrator.calibrators if isinstance(calibrator, Chain) else (calibrator,)


def in_short(calibrator: Calibrator) -> str:
    """Names of what a calibrator consists of, and a hash of its fitted state, for provenance."""
    stages = parts_of(calibrator)
    state = fingerprint("calibrator", calibrator.to_dict())
    return f"{'+'.join(type(one).__name__ for one in stages)}#{state}"
