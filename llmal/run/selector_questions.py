"""What selectors ask the language model with: the zero-shot prompt of an annotator, calibrated."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence, Set

import numpy as np

from llmal.annotators.protocol import ScoresZeroShot
from llmal.calibration.protocol import Calibrator
from llmal.core.records import Item, Usage
from llmal.few_shot.preparation import FewShotPrompt
from llmal.lm.paid import PaidQuestions
from llmal.prompting.scorer import PromptScorer


class SelectorQuestions:
    """Makes the scorer of selectors, and calibrates each prompt that they ask with, once.

    Args:
        annotator: Makes the annotator whose prompt they ask with, without shots; its calibration is
            theirs too. Called when it is first needed.
        texts: Gives texts of the pool to calibrate on.
        seed: For calibrators that draw.
        booked: Says of a `FewShotPrompt.trail` whether it is paid for.
    """

    def __init__(
        self,
        annotator: Callable[[], ScoresZeroShot],
        texts: Callable[[], Sequence[Item]],
        seed: int,
        booked: Callable[[int], bool] = lambda trail: False,
    ) -> None:
        self._make_annotator = annotator
        self.paid = PaidQuestions()
        """What scores are paid for."""
        self._texts = texts
        self._seed = seed
        self._booked = booked
        self._fitted: dict[tuple[str, str], FewShotPrompt] = {}
        self._new: list[FewShotPrompt] = []

    @functools.cached_property
    def annotator(self) -> ScoresZeroShot:
        """The annotator."""
        return self._make_annotator()

    def scorer(self) -> PromptScorer:
        """What they ask with; the first call may ask the model which form of prompt suits."""
        return self.annotator.zero_shot_scorer(self, self.paid)

    def planned(self) -> PromptScorer:
        """The same for a plan: it asks nobody, and what it has counted once is paid for."""
        return self.annotator.foreseen_zero_shot_scorer(_Planned(self), PaidQuestions())

    def fitted(self, scorer: PromptScorer) -> tuple[Calibrator | None, Set[bytes]]:
        """The calibrator for the prompts of a scorer, and what fitting it has paid for.

        Raises:
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        key = scorer.prompts.template.key, scorer.prompts.style
        if key not in self._fitted:
            self._fitted[key] = self.prepared(scorer)
            self._new.append(self._fitted[key])
        made = self._fitted[key]
        return made.calibrator, made.paid

    def foreseen(self, scorer: PromptScorer) -> tuple[Usage, Set[bytes]]:
        """The most that calibrating costs, if it is not booked, and what it pays for."""
        made = self.prepared(scorer)
        return Usage() if self._booked(made.trail) else made.usage, made.paid

    def prepared(self, scorer: PromptScorer) -> FewShotPrompt:
        """The calibrated prompt; with a scorer that counts, what it would cost."""
        rng = np.random.default_rng(self._seed)
        return self.annotator.prepare_zero_shot(scorer, self._texts(), rng)

    def take_calibrations(self) -> list[FewShotPrompt]:
        """What was calibrated since the last call, for whoever books what it cost."""
        taken, self._new = self._new, []
        return taken


class _Planned:
    """Counts each calibration once, however many rounds of a plan need it."""

    def __init__(self, questions: SelectorQuestions) -> None:
        self._questions = questions
        self._counted: set[int] = set()

    def fitted(self, scorer: PromptScorer) -> tuple[Calibrator | None, Set[bytes]]:
        """Nothing: a plan asks nobody."""
        return None, frozenset()

    def foreseen(self, scorer: PromptScorer) -> tuple[Usage, Set[bytes]]:
        """The most that calibrating costs, the first time."""
        made = self._questions.prepared(scorer)
        usage = Usage() if made.trail in self._counted else made.usage
        self._counted.add(made.trail)
        return usage, made.paid
