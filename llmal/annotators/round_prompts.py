"""The few-shot prompt of each round: its form, demonstrations, shortlist and calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llmal.annotators.protocol import Context, Need
from llmal.annotators.shortlisting import Shortlisting
from llmal.annotators.shots import Shots
from llmal.calibration.default import AUTO, FEWEST_TEXTS, Stage, fits_on
from llmal.calibration.protocol import MatchesPrior
from llmal.core.plans import Plan, dearest, free
from llmal.core.records import Item, Usage
from llmal.errors import ConfigError
from llmal.few_shot.calibrating import Thresholds
from llmal.few_shot.chosen import ChosenPrompt
from llmal.few_shot.preparation import PreparationPlan, plan_preparation
from llmal.few_shot.prompt import FewShotPrompt
from llmal.lm.protocol import Normalise
from llmal.prompting.labelling import LabellingPrompts
from llmal.prompting.order import Order
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.shortlist import Shortlist
from llmal.prompting.style import StyleTrial


class RoundPrompts:
    """Plans and makes the prompt that an annotator asks with in a round.

    Args:
        trial: The form of the prompt.
        shots: What chooses demonstrations.
        shortlisting: What chooses the labels that are scored.
        calibrators: What makes probabilities of scores.
        normalise: How labels of several tokens are compared.
        order: How demonstrations are arranged.
        thresholds: As for `LLMAnnotator`.
        name: Of the annotator; keys what it draws.
        chosen: A prompt that was chosen before, which serves all rounds.
    """

    def __init__(
        self,
        trial: StyleTrial,
        shots: Shots,
        shortlisting: Shortlisting,
        calibrators: Sequence[Stage],
        *,
        normalise: Normalise,
        order: Order,
        thresholds: Thresholds,
        name: str,
        chosen: ChosenPrompt | None = None,
    ) -> None:
        self.trial = trial
        self.shots = shots
        self.shortlisting = shortlisting
        self.calibrators = list(calibrators)
        self.normalise: Normalise = normalise
        self.chosen = chosen
        self._order = order
        self._thresholds = thresholds
        self._name = name
        self._scorer: PromptScorer | None = None
        self._prepared: tuple[object, FewShotPrompt] | None = None

    def needs(self) -> frozenset[Need]:
        """What must be known of a round."""
        wanted: set[Need] = set()
        inputs = {fits_on(one) for one in self.calibrators}
        if inputs & {"pool", "random-words"} or self.shots.read_the_pool:
            wanted.add("texts")
        f1 = isinstance(self._thresholds, str) and self._thresholds == "f1"
        learns = f1 or "labels" in inputs
        if self.shots.count > 0 or self.shortlisting.wanted or learns:
            wanted.add("labelled")
        if not self.trial.task.space.rows_sum_to_one and any(
            one == AUTO or isinstance(one, MatchesPrior) for one in self.calibrators
        ):
            # How many items have each label.
            wanted.add("labelled")
        return frozenset(wanted)

    @property
    def scorer(self) -> PromptScorer:
        """Asks the model, in the form of prompt that is used; the first call may ask the model
        which form suits.
        """
        if self._scorer is None:
            self._scorer = PromptScorer(self.trial.prompts, self.normalise, self._order)
        return self._scorer

    @property
    def prepared(self) -> FewShotPrompt | None:
        """The prompt of the last round that was prepared."""
        return None if self._prepared is None else self._prepared[1]

    def shortlist_for(self, context: Context) -> Shortlist | None:
        """What chooses the labels that are scored in a round; None where all are."""

        def labelled() -> Sequence[Item]:
            return self.shots.usable(context) if self.chosen is None else self.chosen.items

        return self.shortlisting.of_round(context, _key(context), labelled)

    def with_less(self, context: Context) -> Context | None:
        """The context in which preparing costs less: the default calibration then asks about inputs
        without content. None if that changes nothing.
        """
        if AUTO not in self.calibrators or len(context.unlabelled) < FEWEST_TEXTS:
            return None
        return replace(context, unlabelled=())

    def plan(self, context: Context) -> PreparationPlan:
        """Plan to make the prompt of a round."""
        ready = self.ready(context)
        if ready is not None:
            return _settled(ready)
        if self.chosen is not None:
            return self._plan_chosen(self.chosen, context)
        if not context.foreseen and self.trial.known:
            return self._kept(context, self._planned(context, self._used(context)))
        plans = [self._planned(context, one) for one in self.forms(context)]
        return PreparationPlan(
            lambda: self._now(context),
            highest=lambda: dearest([one.highest for one in plans]),
            prompts=lambda: plans[0].prompts,
            trail=plans[0].trail,
            at_most=plans[0].at_most,
        )

    def possible(self, context: Context) -> list[FewShotPrompt]:
        """Prompts of which one costs no less to ask with than that of a round, which is not made
        yet. Asks nobody.
        """
        if self.chosen is not None or (not context.foreseen and self.trial.known):
            return [self.plan(context).at_most]
        return [self._planned(context, one).at_most for one in self.forms(context)]

    def _now(self, context: Context) -> FewShotPrompt:
        """Make the prompt, once the form is known."""
        if context.foreseen:
            raise ConfigError("a plan whose items stand for others is not there to be executed")
        _ = self.scorer
        return self.plan(context).execute()

    def ready(self, context: Context) -> FewShotPrompt | None:
        """The prompt of a round, if it is made."""
        if self._prepared is None or context.foreseen:
            return None
        known = self.chosen is not None or self._prepared[0] == _key(context)
        return self._prepared[1] if known else None

    def _plan_chosen(self, chosen: ChosenPrompt, context: Context) -> PreparationPlan:
        made = chosen.prepared(self._used(context), self.shots.selector(context, self.scorer))
        # What choosing took was spent then.
        made = replace(made, usage=Usage())
        return self._kept(context, _settled(made))

    def _used(self, context: Context) -> PromptScorer:
        """What asks, with the shortlist of a round."""
        self.scorer.shortlist = self.shortlist_for(context)
        return self.scorer

    def forms(self, context: Context) -> list[PromptScorer]:
        """What may ask in a round, for each form that the prompt may have."""
        shortlist = self.shortlist_for(context)
        return [
            PromptScorer(
                one, self.normalise, self._order, shortlist=shortlist, forecasts=context.foreseen
            )
            for one in self.trial.possible
        ]

    def _planned(self, context: Context, scorer: PromptScorer) -> PreparationPlan:
        plan = plan_preparation(
            scorer,
            self.shots.usable(context) if context.foreseen else context.demonstrations,
            shots=self.shots.in_round(context),
            selector=self.shots.selector(context, scorer),
            calibrators=self.calibrators,
            unlabelled=context.unlabelled,
            rng=context.rng(self._name, "shots"),
            thresholds=self._thresholds,
            standing_in=context.foreseen,
        )
        if context.charges_texts:
            plan.at_most = replace(plan.at_most, paid=frozenset())
        return plan

    def _kept(self, context: Context, plan: PreparationPlan) -> PreparationPlan:
        """A plan whose prompt is kept for the round."""

        def prepare() -> FewShotPrompt:
            self.scorer.shortlist = self.shortlist_for(context)
            made = plan.execute()
            self._prepared = _key(context), made
            return made

        return PreparationPlan(
            prepare,
            highest=lambda: plan.highest,
            prompts=lambda: plan.prompts,
            trail=plan.trail,
            at_most=plan.at_most,
        )

    # Without demonstrations

    def zero_shot_forms(self) -> list[tuple[LabellingPrompts, Shortlist | None]]:
        """The prompts without demonstrations, in each form that they may have, and what chooses the
        labels that are scored.
        """
        if self.trial.known:
            _ = self.scorer
            return [(self.scorer.prompts, self.shortlist_for(Context()))]
        shortlist = self.shortlist_for(Context(foreseen=True))
        return [(one, shortlist) for one in self.trial.possible]

    def plan_zero_shot(
        self, scorer: PromptScorer, unlabelled: Sequence[Item], rng: np.random.Generator
    ) -> PreparationPlan:
        """Plan to fit the calibrators that need no labels to a prompt without demonstrations."""
        return plan_preparation(
            scorer,
            (),
            shots=0,
            selector=None,
            calibrators=[one for one in self.calibrators if fits_on(one) != "labels"],
            unlabelled=unlabelled,
            rng=rng,
        )

    def plan_setup(self) -> Plan[object]:
        """Plan to find the form of the prompt."""
        plan = self.trial.plan()
        return free(None) if self.chosen is not None else plan


def _settled(made: FewShotPrompt) -> PreparationPlan:
    return PreparationPlan(
        lambda: made, highest=Usage(), prompts=tuple, trail=made.trail, at_most=made
    )


def _key(context: Context) -> tuple[object, ...]:
    """What the preparation of a round depends on."""
    return (
        context.seed,
        tuple((one.id, one.gold) for one in context.demonstrations),
        tuple(one.id for one in context.unlabelled),
    )
