"""The language model as an annotator: exact probabilities over the labels of each item."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from llmal.annotators.answers import annotations_of, by_label
from llmal.annotators.protocol import Context, Need
from llmal.annotators.rationale import RationaleWriter
from llmal.annotators.round_prompts import RoundPrompts
from llmal.annotators.shortlisting import Shortlisting
from llmal.annotators.shots import Shots
from llmal.annotators.texts import as_items
from llmal.calibration.comparison import Judged
from llmal.calibration.default import AUTO, Calibrate, stages_of
from llmal.core.plans import BatchPlan, Plan, Prompt, dearest_each
from llmal.core.records import Annotation, AnnotatorKind, Item, Usage
from llmal.demonstrations.protocol import DemonstrationSelector
from llmal.embed.protocol import Embedder
from llmal.few_shot.chosen import ChosenPrompt
from llmal.few_shot.preparation import PreparationPlan
from llmal.few_shot.prompt import Calibrated, FewShotPrompt, in_short
from llmal.lm.paid import PaidQuestions
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.prompting.asking import check_prompt, default_prompt
from llmal.prompting.codes import with_codes
from llmal.prompting.labelling import CUT, LabellingPrompt, LabellingPrompts
from llmal.prompting.order import Order, make_order
from llmal.prompting.scorer import PromptScorer, ScoreCalibration
from llmal.prompting.shortlist import RECALL, Shortlist
from llmal.prompting.style import StyleTrial
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.task import Task
from llmal.task.spaces import KINDS, refuse_unless
from llmal.task.spaces.thresholds import Thresholds, check_thresholds

log = logging.getLogger("llmal.annotators")


class LLMAnnotator:
    """Labels items by the probability that a language model gives to each label.

    The answer is never parsed from text: the labels are scored (`LanguageModel.score`), their
    probabilities normalised over the labels and calibrated, and the most probable one is given.

    Args:
        task: The task.
        lm: The model.
        shots: Demonstrations in the prompt, from the items that people labelled before the round.
            A fixed set is the same for all items of a round, so that their prompts share a prefix.
        demonstrations: How they are chosen: a name from `llmal.demonstrations`, a
            `DemonstrationSelector`, or the items themselves (then they are the shots).
        options: Options of a selector that is given by name.
        order: How they are arranged: a name from `llmal.prompting.order`, or an `Order`.
        calibrate: What makes probabilities of scores: a name from `llmal.calibration`, a
            `Calibrator`, or several that are applied in turn; None or "none" leaves the scores as
            they are. "auto" fits the default of `llmal.calibration.default` on the texts of
            `Context.unlabelled`. One that is not fitted is fitted in each round, through the
            demonstrations of that round.
        embedder: For selectors and orders that need one.
        prompt: Name of a prompt of llmal, path of a YAML file, or a `PromptTemplate`; by default
            the one for the kind of the task.
        style: "chat", "completion", or "auto" (see `llmal.prompting.style.choose_style`).
        normalise: How labels of several tokens are compared: by the sum of their tokens'
            log-probabilities, their mean, or the first token alone (one forward pass).
        rationale: Have the model write why, after the label is decided.
        shortlist: How many labels are scored for each item, the nearest by embedding (see
            `llmal.prompting.shortlist.Shortlister`); 0 scores all. "auto" does so with more than 20
            labels that take more than one pass, and chooses as many as reach `recall`.
        recall: Share of items whose label is to be among those that are scored.
        codes: Show the labels as codes of one token each, so that one pass scores them all.
        thresholds: Where an item takes several labels, the probability above which one is given: a
            number for all, numbers by label (0.5 for the others), "f1", chosen in each round for
            the best F1 of each label on the items that people have labelled, or "auto", the one of
            the best F1 to be expected on texts of the pool, going by their calibrated probabilities
            (one half without such texts).
        name: Who is recorded in the ledger.
        batch_size: Items between two writes to the ledger in a run.

    Raises:
        ConfigError: `shots` is negative, the prompt cannot be used, a name is unknown, something
            that a selector or order needs is missing, or an option does not go with the task.
    """

    kind: AnnotatorKind = "llm"
    spaces = KINDS

    def __init__(
        self,
        task: Task,
        lm: LanguageModel,
        *,
        shots: int = 0,
        demonstrations: str | DemonstrationSelector | Sequence[Item] = "balanced",
        options: Mapping[str, Any] | None = None,
        order: str | Order = "as-chosen",
        calibrate: Calibrate = AUTO,
        embedder: Embedder | None = None,
        prompt: str | Path | PromptTemplate | None = None,
        style: str = "auto",
        normalise: Normalise = "sum",
        rationale: bool = False,
        shortlist: int | Literal["auto"] = "auto",
        recall: float = RECALL,
        codes: bool = False,
        thresholds: Thresholds = "auto",
        name: str = "llm",
        batch_size: int = 512,
        _chosen: ChosenPrompt | None = None,
    ) -> None:
        chooser = Shots(task, lm, shots, demonstrations, options, embedder)
        self.task = task
        self.lm = lm
        self.name = name
        self.batch_size = batch_size
        if prompt is None:
            prompt = default_prompt(task)
        self.template = load_prompt(prompt)
        check_prompt(task, self.template)
        self._rationale = RationaleWriter(task, lm) if rationale else None
        if codes:
            refuse_unless(task, ("single",), "labels as codes", "leave codes out")
        self._codes = codes
        asked = with_codes(task, self.template, lm) if codes else task
        trial = StyleTrial(asked, self.template, lm, style)
        shortlisting = Shortlisting(
            task,
            lm,
            size=shortlist,
            recall=recall,
            normalise=normalise,
            embedder=embedder,
            prompts=lambda: trial.possible,
        )
        self._prompts = RoundPrompts(
            trial,
            chooser,
            shortlisting,
            stages_of(calibrate),
            normalise=normalise,
            order=make_order(order, embedder=embedder) if isinstance(order, str) else order,
            thresholds=check_thresholds(task, thresholds),
            name=name,
            chosen=_chosen,
        )
        self._said_cut = False

    @classmethod
    def from_chosen(
        cls,
        chosen: ChosenPrompt,
        lm: LanguageModel,
        *,
        embedder: Embedder | None = None,
        rationale: bool = False,
        name: str = "llm",
        batch_size: int = 512,
    ) -> LLMAnnotator:
        """An annotator that asks with a prompt that was chosen before, whatever the round.

        Raises:
            ConfigError: The prompt cannot be used with this model, or needs an embedder.
        """
        chosen.prompts(lm)  # Says what it lacks.
        return cls(
            chosen.task,
            lm,
            shots=chosen.shots,
            demonstrations=chosen.strategy if chosen.per_query else chosen.demonstrations,
            options=chosen.options if chosen.per_query else None,
            order=chosen.order,
            calibrate=None,
            embedder=embedder,
            prompt=chosen.template,
            style=chosen.style,
            normalise=chosen.normalise,
            rationale=rationale,
            name=name,
            batch_size=batch_size,
            _chosen=chosen,
        )

    # What it asks with

    @property
    def shots(self) -> int:
        """Demonstrations in the prompt."""
        return self._prompts.shots.count

    @property
    def shortlists(self) -> bool:
        """Whether only some of the labels are scored for each item."""
        return self._prompts.shortlisting.wanted

    def shortlist_for(self, context: Context = Context()) -> Shortlist | None:
        """What chooses the labels that are scored in a round; None where all are."""
        return self._prompts.shortlist_for(context)

    @property
    def scorer(self) -> PromptScorer:
        """Asks the model, in the form of prompt that is used; the first call may ask the model
        which form suits.
        """
        return self._prompts.scorer

    @property
    def prompts(self) -> LabellingPrompts:
        """The prompts in the form that is used."""
        return self.scorer.prompts

    @property
    def normalise(self) -> Normalise:
        """How labels of several tokens are compared."""
        return self._prompts.normalise

    def plan_setup(self) -> Plan[object]:
        """Plan to find the form of the prompt; it costs nothing if that was given, or is found."""
        return self._prompts.plan_setup()

    # Getting ready for a round

    def needs(self) -> frozenset[Need]:
        """What it wants to know of a round: labelled items, and texts of the pool."""
        return self._prompts.needs()

    @property
    def judged(self) -> Judged | None:
        """Labelled items that the calibration of the last round can be judged by, if it had any."""
        prepared = self._prompts.prepared
        return None if prepared is None else prepared.judged

    def with_less(self, context: Context) -> Context | None:
        """The context in which preparing costs less, for a budget that does not reach for it: the
        default calibration then asks about inputs without content. None if that changes nothing.
        """
        return self._prompts.with_less(context)

    def plan_preparation(self, context: Context = Context()) -> PreparationPlan:
        """Plan to choose the demonstrations of a round and to calibrate through them.

        Where the model has a say in what is chosen, calibration is counted with the longest
        candidates as demonstrations.

        Raises:
            DataError: A calibrator has nothing to be fitted on.
        """
        return self._prompts.plan(context)

    def prepare(self, context: Context = Context()) -> FewShotPrompt:
        """Do what `plan_preparation` plans: the same whichever items are asked about. What that
        took is in its `usage`, and not in any annotation.

        Raises:
            DataError: A calibrator has nothing to be fitted on.
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        return self.plan_preparation(context).execute()

    def build(self, items: Sequence[Item], context: Context = Context()) -> list[LabellingPrompt]:
        """The prompts for items, as they are scored."""
        prepared = self.prepare(context)
        return list(prepared.scorer.build(items, prepared.demonstrations(items)))

    def sample_prompt(self, item: Item, context: Context) -> tuple[Prompt, Sequence[str]]:
        """The prompt about an item, or one that is no shorter, and the answers that are scored
        after it. Asks nobody.
        """
        ready = self._prompts.ready(context)
        one = ready or self._prompts.possible(context)[0]
        return one.plan([item]).prompts[0], one.scorer.prompts.candidates

    def least_cost(self, item: Item) -> Usage:
        """The least that an item can cost, without demonstrations or a reason. Asks nobody."""
        forms = self._prompts.forms(Context(foreseen=True))
        plans = [FewShotPrompt(one).plan([item]) for one in forms]
        return min((one.each[0] for one in plans), key=lambda cost: cost.tokens)

    # What selectors ask with

    def zero_shot_scorers(
        self, calibration: ScoreCalibration, questions: PaidQuestions, *, forecasts: bool = False
    ) -> list[PromptScorer]:
        """What asks with the same prompt without demonstrations, in each form that it may have:
        one, once the form is known (`plan_setup`).

        Args:
            calibration: Calibrates the scores.
            questions: What is paid for.
            forecasts: As for `PromptScorer`.
        """
        return [
            PromptScorer(
                prompts,
                self.normalise,
                calibration=calibration,
                shortlist=shortlist,
                questions=questions,
                forecasts=forecasts,
            )
            for prompts, shortlist in self._prompts.zero_shot_forms()
        ]

    def plan_zero_shot(
        self, scorer: PromptScorer, unlabelled: Sequence[Item], rng: np.random.Generator
    ) -> PreparationPlan:
        """Plan to fit the calibrators that need no labels to a prompt without demonstrations: for
        whoever asks about the whole pool, such as selectors.

        Args:
            scorer: Asks with that prompt.
            unlabelled: Texts of the pool.
            rng: For calibrators that draw.
        """
        return self._prompts.plan_zero_shot(scorer, unlabelled, rng)

    # Annotating

    def annotate(
        self, items: Sequence[Item | str], context: Context = Context()
    ) -> list[Annotation]:
        """Score the labels of every item.

        Args:
            items: Items; or strings, where the task has one text column.
            context: What may be known.

        Raises:
            DataError: Something is neither item nor string.
            LanguageModelError: The model failed. What it answered before is in its cache.
        """
        items = as_items(items, self.task)
        if not items:
            return []
        return self._plan_with(self.prepare(context), items, context).execute()

    def plan(
        self, items: Sequence[Item | str], context: Context = Context()
    ) -> BatchPlan[list[Annotation]]:
        """Plan to score the labels of items, and to have reasons written where they are wanted.

        What preparing the context costs is not in it (`plan_preparation`), nor are prompts that it
        pays for.
        """
        items = as_items(items, self.task)
        ready = self._prompts.ready(context)
        if ready is not None:
            return self._plan_with(ready, items, context)
        plans = [self._plan_with(one, items, context) for one in self._prompts.possible(context)]
        return BatchPlan(
            lambda: self.annotate(items, context),
            each=lambda: dearest_each(plans),
            first=lambda count: self.plan(items[:count], context),
            prompts=lambda: plans[0].prompts,
        )

    def _plan_with(
        self, prompt: FewShotPrompt, items: Sequence[Item], context: Context
    ) -> BatchPlan[list[Annotation]]:
        return self._answering(prompt, items, context, prompt.plan(items))

    def _answering(
        self,
        prompt: FewShotPrompt,
        items: Sequence[Item],
        context: Context,
        scoring: BatchPlan[Calibrated],
    ) -> BatchPlan[list[Annotation]]:
        def each() -> Sequence[Usage]:
            if self._rationale is None:
                return scoring.each
            more = self._rationale.plan_any(items, prompt.scorer.prompts.style).each
            return [one + own for one, own in zip(scoring.each, more, strict=True)]

        return BatchPlan(
            lambda: self._answers(prompt, items, context, scoring),
            each=each,
            first=lambda count: self._answering(
                prompt, items[:count], context, scoring.first(count)
            ),
            prompts=lambda: scoring.prompts,
            once=lambda: scoring.once,
        )

    def _answers(
        self,
        prompt: FewShotPrompt,
        items: Sequence[Item],
        context: Context,
        scoring: BatchPlan[Calibrated],
    ) -> list[Annotation]:
        if not items:
            return []
        start = time.perf_counter()
        scores = scoring.execute()
        answers = self.task.space.answers(prompt.decide(scores.probabilities))
        seconds = Usage(seconds=(time.perf_counter() - start) / len(items))
        rationales: Sequence[str | None] = [None] * len(items)
        usage: Sequence[Usage] = [seconds] * len(items)
        if self._rationale is not None:
            style = prompt.scorer.prompts.style
            written = self._rationale.plan(items, answers, style).execute()
            rationales = [one.answers[0].text.strip() or None for one in written]
            usage = [seconds + one.usage for one in written]
        if not self._said_cut and any(CUT in one.flags for one in scores.scored.prompts):
            self._said_cut = True
            log.warning(
                "texts are cut to the model's context of %s tokens; each such answer is flagged",
                self.lm.context_length,
            )
        return annotations_of(
            items,
            answers,
            scores,
            task=self.task,
            annotator=self.name,
            round=context.round,
            provenance=self._provenance(prompt),
            keep_uncalibrated=prompt.calibrator is not None,
            rationales=rationales,
            usage=usage,
        )

    def _provenance(self, prepared: FewShotPrompt) -> dict[str, Any]:
        """What an answer can be had by again, the same for all items of a call."""
        shared: dict[str, Any] = {
            "model": self.lm.fingerprint,
            "prompt": self.template.key,
            "style": self.prompts.style,
            "normalise": self.normalise,
        }
        if self._codes:
            shared["codes"] = True
        if self.scorer.shortlist is not None:
            shared["shortlist"] = asdict(self.scorer.shortlist.size)
        if prepared.calibrator is not None:
            shared["calibration"] = in_short(prepared.calibrator)
        if prepared.thresholds is not None:
            shared["thresholds"] = by_label(self.task.names, prepared.thresholds)
        if self._prompts.chosen is not None:
            shared["chosen"] = self._prompts.chosen.fingerprint
        return shared
