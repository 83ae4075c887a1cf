"""What selectors ask the language model with: the zero-shot prompt of an annotator, calibrated."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from llmal.annotators.protocol import ScoresZeroShot
from llmal.calibration.protocol import Calibrator
from llmal.core.records import Item, Usage
from llmal.few_shot.preparation import PreparationPlan
from llmal.few_shot.prompt import FewShotPrompt
from llmal.lm.paid import PaidQuestions
from llmal.prompting.scorer import CalibrationPlan, PromptScorer


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
        self.annotator.plan_setup().execute()
        (scorer,) = self.annotator.zero_shot_scorers(self, self.paid)
        return scorer

    def forecasting(self) -> list[PromptScorer]:
        """The same for a forecast, in each form that the prompt may have: what one plan asks is
        paid for in the next.
        """
        count = len(self.annotator.zero_shot_scorers(self, PaidQuestions(), forecasts=True))
        made = []
        for place in range(count):
            # Each with what it has paid for itself.
            own = self.annotator.zero_shot_scorers(_Once(self), PaidQuestions(), forecasts=True)
            made.append(own[place])
        return made

    def plan(self, scorer: PromptScorer) -> CalibrationPlan:
        """Plan to calibrate the prompts of a scorer; it costs nothing if that is booked."""
        key = scorer.prompts.template.key, scorer.prompts.style
        made = self._fitted.get(key)
        if made is not None:
            return CalibrationPlan(
                lambda: made.calibrator, highest=Usage(), prompts=tuple, paid=made.paid
            )
        plan = self.plan_prepared(scorer)

        def fit() -> Calibrator | None:
            self._fitted[key] = plan.execute()
            self._new.append(self._fitted[key])
            return self._fitted[key].calibrator

        return CalibrationPlan(
            fit,
            highest=lambda: Usage() if self._booked(plan.trail) else plan.highest,
            prompts=lambda: plan.prompts,
            paid=plan.at_most.paid,
        )

    def plan_prepared(self, scorer: PromptScorer) -> PreparationPlan:
        """Plan the calibrated prompt, whatever is booked."""
        rng = np.random.default_rng(self._seed)
        return self.annotator.plan_zero_shot(scorer, self._texts(), rng)

    def take_calibrations(self) -> list[FewShotPrompt]:
        """What was calibrated since the last call, for whoever books what it cost."""
        taken, self._new = self._new, []
        return taken


class _Once:
    """Counts each calibration once, however many rounds of a forecast need it."""

    def __init__(self, questions: SelectorQuestions) -> None:
        self._questions = questions
        self._counted: set[int] = set()

    def plan(self, scorer: PromptScorer) -> CalibrationPlan:
        """Plan to calibrate; it costs nothing the second time."""
        plan = self._questions.plan_prepared(scorer)
        again = plan.trail in self._counted
        self._counted.add(plan.trail)
        return CalibrationPlan(
            lambda: plan.execute().calibrator,
            highest=lambda: Usage() if again else plan.highest,
            prompts=lambda: plan.prompts,
            paid=plan.at_most.paid,
        )
