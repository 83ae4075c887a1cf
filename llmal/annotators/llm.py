"""The language model as an annotator: exact probabilities over the labels of each item."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.answers import annotations_of, by_label
from llmal.annotators.protocol import Context, Need
from llmal.annotators.rationale import RationaleWriter
from llmal.annotators.shortlisting import Shortlisting
from llmal.annotators.shots import Shots
from llmal.annotators.texts import as_items
from llmal.calibration.comparison import Judged
from llmal.calibration.default import AUTO, FEWEST_TEXTS, Calibrate, Stage, fits_on, stages_of
from llmal.calibration.protocol import MatchesPrior
from llmal.core.records import Annotation, AnnotatorKind, Item, Usage
from llmal.demonstrations.protocol import DemonstrationSelector, scorer_of
from llmal.embed.protocol import Embedder
from llmal.few_shot.chosen import ChosenPrompt
from llmal.few_shot.preparation import FewShotPrompt, in_short, prepare
from llmal.lm.paid import PaidQuestions
from llmal.lm.protocol import LanguageModel, Normalise
from llmal.prompting.asking import check_prompt, default_prompt
from llmal.prompting.codes import with_codes
from llmal.prompting.labelling import CUT, LabellingPrompt, LabellingPrompts
from llmal.prompting.order import Order, make_order
from llmal.prompting.scorer import PromptScorer, ScoreCalibration, prompt_key
from llmal.prompting.shortlist import (
    RECALL,
    Shortlist,
)
from llmal.prompting.style import check_style, foreseen_prompts, labelling_prompts, style_cost
from llmal.prompting.templates import PromptTemplate, load_prompt
from llmal.task import Task
from llmal.task.spaces import KINDS, refuse_unless
from llmal.task.spaces.thresholds import Chosen, Thresholds, check_thresholds

log = logging.getLogger("llmal.annotators")

_REASON_TOKENS = 80


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
    ) -> None:
        self._shots = Shots(task, lm, shots, demonstrations, options, embedder)
        check_style(style)
        self.task = task
        self.lm = lm
        self._thresholds = check_thresholds(task, thresholds)
        self.name = name
        self.batch_size = batch_size
        if prompt is None:
            prompt = default_prompt(task)
        self.template = load_prompt(prompt)
        check_prompt(task, self.template)
        self._style = style
        self._normalise: Normalise = normalise
        self._rationale = RationaleWriter(task, lm) if rationale else None
        self._order = make_order(order, embedder=embedder) if isinstance(order, str) else order
        self._calibrators = stages_of(calibrate)
        self._embedder = embedder
        self._shortlisting = Shortlisting(
            task,
            lm,
            size=shortlist,
            recall=recall,
            normalise=normalise,
            embedder=embedder,
            prompts=lambda: self.foreseen_prompts,
        )
        if codes:
            refuse_unless(task, ("single",), "labels as codes", "leave codes out")
        self._codes = codes
        self._asked = with_codes(task, self.template, lm) if codes else task
        self._scorer: PromptScorer | None = None
        self._foreseen: LabellingPrompts | None = None
        self._said_cut = False
        self._chosen: ChosenPrompt | None = None
        self._prepared: tuple[Any, FewShotPrompt] | None = None
        self._foreseen_paid: tuple[Any, Set[bytes]] | None = None

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
        made = cls(
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
        )
        made._scorer = PromptScorer(chosen.prompts(lm), chosen.normalise, made._order)
        made._chosen = chosen
        return made

    @property
    def shots(self) -> int:
        """Demonstrations in the prompt."""
        return self._shots.count

    @property
    def _chooses_thresholds(self) -> bool:
        return isinstance(self._thresholds, str) and self._thresholds == "f1"

    def needs(self) -> frozenset[Need]:
        """What it wants to know of a round: labelled items, and texts of the pool."""
        wanted: set[Need] = set()
        inputs = {fits_on(one) for one in self._calibrators}
        if inputs & {"pool", "random-words"} or self._shots.read_the_pool:
            wanted.add("texts")
        if self.shots > 0 or self.shortlists or self._chooses_thresholds or "labels" in inputs:
            wanted.add("labelled")
        if not self.task.space.rows_sum_to_one and any(
            one == AUTO or isinstance(one, MatchesPrior) for one in self._calibrators
        ):
            # How many items have each label.
            wanted.add("labelled")
        return frozenset(wanted)

    @property
    def shortlists(self) -> bool:
        """Whether only some of the labels are scored for each item."""
        return self._shortlisting.wanted

    def shortlist_for(self, context: Context = Context()) -> Shortlist | None:
        """What chooses the labels that are scored in a round; None where all are."""

        def labelled() -> Sequence[Item]:
            return self._shots.usable(context) if self._chosen is None else self._chosen.items

        return self._shortlisting.of_round(context, _key(context), labelled)

    @property
    def calibrates_on_texts(self) -> bool:
        """Whether calibration asks about texts of the pool."""
        return any(fits_on(one) == "pool" for one in self._calibrators)

    @property
    def asks_alike(self) -> bool:
        """Whether calibration asks the same wherever the demonstrations are the same, so that it is
        paid for once.
        """
        unlabelled = all(fits_on(one) in ("pool", "content-free") for one in self._calibrators)
        return unlabelled and not self._chooses_thresholds

    @property
    def scorer(self) -> PromptScorer:
        """Asks the model, in the form of prompt that is used; the first call may ask the model
        which form suits.
        """
        if self._scorer is None:
            prompts = labelling_prompts(self._asked, self.template, self.lm, self._style)
            self._scorer = PromptScorer(prompts, self._normalise, self._order)
        return self._scorer

    @property
    def judged(self) -> Judged | None:
        """Labelled items that the calibration of the last round can be judged by, if it had any."""
        return None if self._prepared is None else self._prepared[1].judged

    def with_less(self, context: Context) -> Context | None:
        """The context in which preparing costs less, for a budget that does not reach for it: the
        default calibration then asks about inputs without content. None if that changes nothing.
        """
        if AUTO not in self._calibrators or len(context.unlabelled) < FEWEST_TEXTS:
            return None
        return replace(context, unlabelled=())

    def prepare_zero_shot(
        self, scorer: PromptScorer, unlabelled: Sequence[Item], rng: np.random.Generator
    ) -> FewShotPrompt:
        """A prompt without demonstrations, with the calibrators that need no labels: for whoever
        asks about the whole pool, such as selectors.

        Args:
            scorer: Asks with that prompt, or counts what it would cost.
            unlabelled: Texts of the pool.
            rng: For calibrators that draw.

        Raises:
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        return prepare(
            scorer,
            (),
            shots=0,
            selector=None,
            calibrators=[deepcopy(one) for one in self._calibrators if fits_on(one) != "labels"],
            unlabelled=unlabelled,
            rng=rng,
        )

    def zero_shot_scorer(
        self, calibration: ScoreCalibration, questions: PaidQuestions
    ) -> PromptScorer:
        """Asks with the same prompt without demonstrations; the first call may ask the model which
        form of prompt suits.

        Args:
            calibration: Calibrates the scores.
            questions: What is paid for.
        """
        return PromptScorer(
            self.prompts,
            self._normalise,
            calibration=calibration,
            shortlist=self.shortlist_for(),
            questions=questions,
        )

    def foreseen_zero_shot_scorer(
        self, calibration: ScoreCalibration, questions: PaidQuestions
    ) -> PromptScorer:
        """Counts what `zero_shot_scorer` would ask at most. Asks nobody."""
        return PromptScorer(
            self.foreseen_prompts,
            self._normalise,
            counting=True,
            calibration=calibration,
            shortlist=self.shortlist_for(Context(foreseen=True)),
            questions=questions,
        )

    @property
    def prompts(self) -> LabellingPrompts:
        """The prompts in the form that is used."""
        return self.scorer.prompts

    @property
    def normalise(self) -> Normalise:
        """How labels of several tokens are compared."""
        return self._normalise

    def setup_cost(self) -> Usage:
        """What finding the form of the prompt costs, once in a run; nothing if it was given."""
        if self._style != "auto":
            return Usage()
        return style_cost(self._asked, self.template, self.lm)

    def set_up(self) -> None:
        """Find the form of the prompt, by asking the model where it was not given."""
        _ = self.scorer

    @property
    def foreseen_prompts(self) -> LabellingPrompts:
        """The prompts in the form that is used, or the longest that it may be. Asks nobody."""
        if self._foreseen is None or self._scorer is not None:
            self._foreseen = foreseen_prompts(
                self._asked, self.template, self.lm, self._style, self._scorer
            )
        return self._foreseen

    def prepare(self, context: Context = Context()) -> FewShotPrompt:
        """Choose the demonstrations of a round and calibrate through them: the same whichever items
        are asked about. What that took is in its `usage`, and not in any annotation.

        Raises:
            DataError: A calibrator has nothing to be fitted on.
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        self.scorer.shortlist = self.shortlist_for(context)
        if self._chosen is not None:
            if self._prepared is None:
                selector = self._shots.selector(context, self.scorer)
                made = self._chosen.prepared(self.scorer, selector)
                # What choosing took was spent then.
                self._prepared = None, replace(made, usage=Usage())
            return self._prepared[1]
        key = _key(context)
        if self._prepared is None or self._prepared[0] != key:
            made = prepare(
                self.scorer,
                context.demonstrations,
                shots=self.shots,
                selector=self._shots.selector(context, self.scorer),
                calibrators=deepcopy(self._calibrators),
                unlabelled=context.unlabelled,
                rng=context.rng(self.name, "shots"),
                thresholds=self._thresholds,
            )
            self._prepared = key, made
        return self._prepared[1]

    def preparation_cost(self, context: Context = Context()) -> Usage:
        """The most that `prepare` would cost, if nothing is in the cache. Asks nobody.

        Where the model has a say in what is chosen, calibration is counted with the longest
        candidates as demonstrations. What a selector asks that was given as an object, with a
        scorer of its own, is not foreseen.
        """
        return self.foreseen_preparation(context)[0]

    def foreseen_preparation(self, context: Context) -> tuple[Usage, int]:
        """What `preparation_cost` gives, and the `FewShotPrompt.trail` of that preparation, which
        is the true one unless the model has a say in what is chosen.
        """
        if self._chosen is not None:
            return Usage(), 0
        counting = self._counting(context)
        selector = self._shots.selector(context, counting)
        if selector is not None and scorer_of(selector) is counting:
            usable = self._shots.usable(context)
            selector.choose(usable, self.shots, context.rng(self.name, "shots"))
        chosen = counting.spent
        prepared = self._rehearsed(context, counting, self._calibrators, self._thresholds)
        self._foreseen_paid = _key(context), prepared.paid
        return chosen + prepared.usage, counting.trail

    def _counting(self, context: Context) -> PromptScorer:
        return PromptScorer(
            self.foreseen_prompts,
            self._normalise,
            self._order,
            counting=True,
            shortlist=self.shortlist_for(context),
        )

    def _rehearsed(
        self,
        context: Context,
        counting: PromptScorer,
        calibrators: Sequence[Stage] = (),
        thresholds: NDArray[np.float64] | Chosen | None = None,
    ) -> FewShotPrompt:
        """What would be prepared; the longest that could be, where the model has a say in it."""
        selector, shots = self._shots.foreseen(context, counting)
        return prepare(
            counting,
            self._shots.usable(context),
            shots=shots,
            selector=selector,
            calibrators=deepcopy(calibrators),
            unlabelled=context.unlabelled,
            rng=context.rng(self.name, "shots"),
            thresholds=thresholds,
        )

    def build(self, items: Sequence[Item], context: Context = Context()) -> list[LabellingPrompt]:
        """The prompts for items, as they are scored."""
        return list(self.scorer.build(items, self.prepare(context).demonstrations(items)))

    def rehearse(
        self, items: Sequence[Item], context: Context = Context()
    ) -> list[LabellingPrompt]:
        """The prompts for items, or longer ones, without asking the model.

        Where it has a say in which demonstrations are chosen, and nothing has been prepared for
        the round yet, the longest candidates stand in.
        """
        if self._chosen is not None or (self._prepared and self._prepared[0] == _key(context)):
            return self.build(items, context)
        counting = self._counting(context)
        ready = self._rehearsed(context, counting)
        return list(counting.build(items, ready.demonstrations(items)))

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
        prepared = self.prepare(context)
        start = time.perf_counter()
        scores = prepared.score(items)
        answers = self.task.space.answers(prepared.decide(scores.probabilities))
        rationales: Sequence[str | None] = [None] * len(items)
        more: Sequence[Usage] = [Usage()] * len(items)
        if self._rationale is not None:
            rationales, more = self._rationale.write(items, answers, self.prompts.style)
        seconds = Usage(seconds=(time.perf_counter() - start) / len(items))
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
            provenance=self._provenance(prepared),
            keep_uncalibrated=prepared.calibrator is not None,
            rationales=rationales,
            usage=[seconds + one for one in more],
        )

    def _provenance(self, prepared: FewShotPrompt) -> dict[str, Any]:
        """What an answer can be had by again, the same for all items of a call."""
        shared: dict[str, Any] = {
            "model": self.lm.fingerprint,
            "prompt": self.template.key,
            "style": self.prompts.style,
            "normalise": self._normalise,
        }
        if self._codes:
            shared["codes"] = True
        if self.scorer.shortlist is not None:
            shared["shortlist"] = asdict(self.scorer.shortlist.size)
        if prepared.calibrator is not None:
            shared["calibration"] = in_short(prepared.calibrator)
        if prepared.thresholds is not None:
            shared["thresholds"] = by_label(self.task.names, prepared.thresholds)
        if self._chosen is not None:
            shared["chosen"] = self._chosen.fingerprint
        return shared

    def estimate(self, items: Sequence[Item | str], context: Context = Context()) -> Usage:
        """The most that these items would cost: scoring their labels, and reasons where wanted."""
        items = as_items(items, self.task)
        if not items:
            return Usage()
        total = self.scoring_cost(items, context)
        if self._rationale is None:
            return total
        return total + self._rationale.cost(items, self.foreseen_prompts.style)

    def scoring_cost(self, items: Sequence[Item], context: Context = Context()) -> Usage:
        """The most that scoring these items would cost, from the prompts' true token counts.

        Once the preparation of the context is done or foreseen, its prompts are not counted again,
        except in a plan.
        """
        if not items:
            return Usage()
        paid: Set[bytes] = frozenset()
        if context.foreseen:
            pass  # These items stand for others.
        elif self._prepared and self._prepared[0] == _key(context):
            paid = self._prepared[1].paid
        elif self._foreseen_paid and self._foreseen_paid[0] == _key(context):
            paid = self._foreseen_paid[1]
        built = self.rehearse(items, context)
        asked = [
            (item, one)
            for item, one in zip(items, built, strict=True)
            if not paid or prompt_key(one.prompt) not in paid
        ]
        total = self._counting(context).cost([one for one, _ in asked], [one for _, one in asked])
        if context.foreseen:
            total = self._filled_up(total, built, min(self.shots, len(self._shots.usable(context))))
        return total

    def _filled_up(self, cost: Usage, built: Sequence[LabellingPrompt], wanted: int) -> Usage:
        """The cost of prompts, those that left out a long stand-in as long as the context is."""
        room = self.lm.context_length
        cut = [one for one in built if len(one.demonstrations) < wanted]
        short = [each for one in cut for each in one.questions]
        if room is None or not short:
            return cost
        lengths = self.lm.count_tokens([each for one in built for each in one.questions])
        missing = sum(room - int(n) for n in self.lm.count_tokens(short))
        times = 1 + missing / int(lengths.sum())
        read = math.ceil(cost.prompt_tokens * times)
        return replace(
            cost, prompt_tokens=read, money=self.lm.price.of(read, cost.completion_tokens)
        )


def _key(context: Context) -> tuple[object, ...]:
    """What the preparation of a round depends on."""
    return (
        context.seed,
        tuple((one.id, one.gold) for one in context.demonstrations),
        tuple(one.id for one in context.unlabelled),
    )
