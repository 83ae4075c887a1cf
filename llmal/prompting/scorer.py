"""Scores of labels for items, through a prompt with demonstrations in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import digest
from llmal.core.plans import BatchPlan, Plan
from llmal.core.records import Item, Usage, total
from llmal.errors import ConfigError
from llmal.lm.protocol import LabelScores, LanguageModel, Normalise, Prompt
from llmal.lm.requests import per_item, reading_cost, score, score_costs
from llmal.prompting.labelling import LabellingPrompt, LabellingPrompts
from llmal.prompting.scored import Scored as Scored

if TYPE_CHECKING:
    from llmal.calibration.protocol import Calibrator
    from llmal.lm.paid import PaidQuestions
    from llmal.prompting.order import Order
    from llmal.prompting.shortlist import Shortlist

_TRAIL = 2**128


class ScoreCalibration(Protocol):
    """Calibrates scores that are asked for without demonstrations, each prompt by itself."""

    def plan(self, scorer: PromptScorer) -> CalibrationPlan:
        """Plan what it takes to calibrate the scores of a scorer that has no calibration yet."""
        ...


class CalibrationPlan(Plan["Calibrator | None"]):
    """A plan that brings the fitted calibrator, if there is any.

    Args:
        execute: Does the work.
        highest: The most that it can cost.
        prompts: Gives what is asked.
        paid: Keys (`prompt_key`) of the prompts that are paid for with it.
    """

    def __init__(
        self,
        execute: Callable[[], Calibrator | None],
        *,
        highest: Usage | Callable[[], Usage],
        prompts: Callable[[], Sequence[Prompt]],
        paid: Set[bytes],
    ) -> None:
        super().__init__(execute, highest=highest, prompts=prompts)
        self.paid = paid


class ScoringPlan(BatchPlan[Scored]):
    """A plan to score the labels of items.

    Args:
        scorer: Asks.
        items: n items.
        built: Their prompts.
        free: Tells which of them cost nothing, shape (n,).
        paid: Keys of prompts that are paid for already.
        listed: Which labels are scored, shape (n, C), of prompts that are not paid for; None for
            all.
        cut_to: A prompt that leaves out one of so many demonstrations is counted as long as the
            context is; None counts it as it is.
        calibration: What is done before the first items are scored.
    """

    def __init__(
        self,
        scorer: PromptScorer,
        items: Sequence[Item],
        built: Sequence[LabellingPrompt],
        *,
        free: Callable[[], Sequence[bool]],
        paid: Set[bytes],
        listed: NDArray[np.bool_] | None,
        cut_to: int | None,
        calibration: CalibrationPlan | None,
    ) -> None:
        self.built = tuple(built)
        self.keys = tuple(prompt_key(one.prompt) for one in built)
        self.listed = listed
        self.paid = paid

        def each() -> list[Usage]:
            without = free()
            rows = [row for row, own in enumerate(without) if not own]
            part = None if listed is None else listed[rows]
            costs = iter(scorer.costs_of([self.built[row] for row in rows], part, cut_to))
            return [Usage() if own else next(costs) for own in without]

        super().__init__(
            lambda: scorer.answer(items, self),
            each=each,
            first=lambda count: ScoringPlan(
                scorer,
                items[:count],
                built[:count],
                free=lambda: free()[:count],
                paid=paid,
                listed=None if listed is None else listed[:count],
                cut_to=cut_to,
                calibration=calibration,
            ),
            prompts=lambda: [question for one in built for question in one.questions],
            once=Usage if calibration is None else lambda: calibration.highest,
        )

    @cached_property
    def trail(self) -> int:
        """What `PromptScorer.trail` grows by when it is executed."""
        return sum(map(int.from_bytes, self.keys)) % _TRAIL


class PromptScorer:
    """Scores the labels of items.

    Args:
        prompts: The prompts of a task for a model.
        normalise: How labels of several tokens are compared.
        order: How demonstrations are arranged in the prompt; without it the most useful stands
            first.
        calibration: Gives the calibrator that all scores go through, when the first items are
            scored.
        shortlist: Chooses the labels that are scored for each item; None scores all.
        questions: What is paid for already and costs nothing here; what is asked is added to it.
        forecasts: Whether its plans are only looked at, one after another: what one plans to ask is
            paid for in the next.
        counting: What it was for, `plan` does now; it goes in the next version.

    Raises:
        ConfigError: `counting` is set.
    """

    def __init__(
        self,
        prompts: LabellingPrompts,
        normalise: Normalise = "sum",
        order: Order | None = None,
        *,
        calibration: ScoreCalibration | None = None,
        shortlist: Shortlist | None = None,
        questions: PaidQuestions | None = None,
        forecasts: bool = False,
        counting: bool = False,
    ) -> None:
        if counting:
            raise ConfigError(
                "a scorer no longer counts what it would ask",
                fix="use what its plan says: PromptScorer.plan(items).highest",
            )
        self.prompts = prompts
        self.normalise: Normalise = normalise
        self.order = order
        self.spent = Usage()
        """What all calls so far have cost, answers from the response cache counted like others."""
        self.trail = 0
        """Changes with every prompt that is asked: two stretches of work in which it changes by as
        much have asked the same prompts."""
        self.shortlist = shortlist
        self.calibration = calibration
        self.questions = questions
        self.forecasts = forecasts
        self._calibrated = calibration is None
        self._calibrator: Calibrator | None = None
        self._paid: Set[bytes] = frozenset()

    @property
    def lm(self) -> LanguageModel:
        """The model."""
        return self.prompts.lm

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the columns."""
        return tuple(self.prompts.task.names)

    def build(
        self, items: Sequence[Item], demonstrations: Sequence[Sequence[Item]]
    ) -> tuple[LabellingPrompt, ...]:
        """The prompts for items, each with demonstrations of its own, as they are scored."""
        arranged = (
            demonstrations if self.order is None else self.order.arrange_each(demonstrations, items)
        )
        return tuple(
            self.prompts.build(item, shown, placed)
            for item, shown, placed in zip(items, demonstrations, arranged, strict=True)
        )

    def score(self, items: Sequence[Item], demonstrations: Sequence[Item] = ()) -> Scored:
        """Score items with the same demonstrations, most useful first, in every prompt.

        Raises:
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        return self.score_each(items, [demonstrations] * len(items))

    def score_each(
        self,
        items: Sequence[Item],
        demonstrations: Sequence[Sequence[Item]],
        *,
        paid: Set[bytes] = frozenset(),
        whole: bool = False,
    ) -> Scored:
        """Score items, each with demonstrations of its own; see `plan_each`.

        Raises:
            LanguageModelError: The model failed; what it answered before is in its cache.
        """
        return self.plan_each(items, demonstrations, paid=paid, whole=whole).execute()

    def plan(self, items: Sequence[Item], demonstrations: Sequence[Item] = ()) -> ScoringPlan:
        """Plan to score items with the same demonstrations in every prompt."""
        return self.plan_each(items, [demonstrations] * len(items))

    def plan_each(
        self,
        items: Sequence[Item],
        demonstrations: Sequence[Sequence[Item]],
        *,
        paid: Set[bytes] = frozenset(),
        whole: bool = False,
        standing_in: bool = False,
    ) -> ScoringPlan:
        """Plan to score items, each with demonstrations of its own.

        Args:
            items: n items.
            demonstrations: Of each, the most useful first.
            paid: Keys of prompts (`prompt_key`) that are paid for already, with all their labels,
                and cost nothing here.
            whole: Score all labels, whatever the shortlist.
            standing_in: The demonstrations stand for others that are no longer. A prompt that has
                no room for one of them is counted as long as the context is: others may fit better.
        """
        built = self.build(items, demonstrations)
        calibration, known = None, self._paid
        if not self._calibrated and self.calibration is not None and items:
            calibration = self.calibration.plan(self._bare())
            known = calibration.paid
        listed = None if whole or self.shortlist is None else self.shortlist.inside(items)

        def free(questions: PaidQuestions | None) -> Sequence[bool]:
            keys = [prompt_key(one.prompt) for one in built]
            whole_paid = [key in known or key in paid for key in keys]
            return self._charged(questions, keys, _marked(listed, whole_paid), whole_paid)

        if self.forecasts:
            now = free(self.questions)
            if calibration is not None:
                self._calibrated, self._paid = True, known
        questions = self.questions
        return ScoringPlan(
            self,
            items,
            built,
            free=lambda: (
                now if self.forecasts else free(None if questions is None else questions.trial())
            ),
            paid=paid,
            listed=listed,
            cut_to=max(map(len, demonstrations), default=0) if standing_in else None,
            calibration=calibration,
        )

    def unpaid(self, items: Sequence[Item]) -> NDArray[np.bool_]:
        """Which items cost something to ask about, without demonstrations, shape (n,)."""
        keys = [prompt_key(one.prompt) for one in self.build(items, [()] * len(items))]
        free = np.array([key in self._paid for key in keys], dtype=np.bool_)
        if self.questions is not None:
            listed = None if self.shortlist is None else self.shortlist.inside(items)
            asked = self._questions(keys, _marked(listed, free.tolist()))
            known = self.questions.among(asked)
            free |= np.array([one in known for one in asked], dtype=np.bool_)
        return ~free

    def answer(self, items: Sequence[Item], plan: ScoringPlan) -> Scored:
        """Ask what was planned."""
        built, space = plan.built, self.prompts.task.space
        if not items:
            return Scored(np.zeros((0, len(self.labels))), (), (), self.lm.exact, space=space)
        self.trail = (self.trail + plan.trail) % _TRAIL
        self._calibrate()
        whole_paid = [key in self._paid or key in plan.paid for key in plan.keys]
        inside = _marked(plan.listed, whole_paid)
        free = self._charged(self.questions, plan.keys, inside, whole_paid)
        answers = self._scores([question for one in built for question in one.questions], inside)
        price = self.lm.price
        # All questions about an item stand together, and there are as many of each.
        passes, read, written = (
            counts.reshape(len(items), -1).sum(axis=1).tolist()
            for counts in (answers.requests, answers.prompt_tokens, answers.completion_tokens)
        )
        usage = tuple(
            Usage()
            if own
            else Usage(
                requests=passes[row],
                prompt_tokens=read[row],
                completion_tokens=written[row],
                money=price.of(read[row], written[row]),
            )
            for row, own in enumerate(free)
        )
        self.spent += total(usage)
        scores = self.prompts.label_scores(answers.normalised(self.normalise))
        if self._calibrator is None and inside is None:
            return Scored(scores, built, usage, answers.exact, space=space)
        probabilities = (
            space.probabilities_of(scores)
            if self._calibrator is None
            else self._calibrator.transform(scores)
        )
        spread = space.scores_of(self.spread(probabilities, inside))
        return Scored(spread, built, usage, answers.exact, inside, space=space)

    def costs_of(
        self,
        built: Sequence[LabellingPrompt],
        inside: NDArray[np.bool_] | None,
        cut_to: int | None = None,
    ) -> list[Usage]:
        """The most that each of these prompts costs, whatever is paid for. Asks nobody."""
        asked = [question for one in built for question in one.questions]
        costs = score_costs(
            self.lm,
            asked,
            self.prompts.candidates,
            first_token_only=self.normalise == "first",
            subsets=None if inside is None else self._words(inside),
        )
        room = self.lm.context_length
        if cut_to is not None and room is not None:
            short = [len(one.demonstrations) < cut_to for one in built for _ in one.questions]
            places = [place for place, one in enumerate(short) if one]
            lengths = self.lm.count_tokens([asked[place] for place in places]) if places else ()
            for place, length in zip(places, lengths, strict=True):
                costs[place] = self._as_long_as(costs[place], room / max(int(length), 1))
        return per_item(costs, len(built))

    def _as_long_as(self, cost: Usage, times: float) -> Usage:
        read = math.ceil(cost.prompt_tokens * max(times, 1.0))
        return replace(
            cost, prompt_tokens=read, money=self.lm.price.of(read, cost.completion_tokens)
        )

    def at_full_price(self) -> PromptScorer:
        """The same for plans about items that stand for others, of which nobody knows whether they
        are paid for.
        """
        made = self._bare()
        made.order = self.order
        made.calibration, made._calibrated = self.calibration, self._calibrated
        made.forecasts = True
        return made

    def _bare(self) -> PromptScorer:
        """The same prompts and labels, not calibrated."""
        return PromptScorer(self.prompts, self.normalise, shortlist=self.shortlist)

    def plan_reading(self, texts: Sequence[str]) -> Plan[tuple[NDArray[np.float64], Usage]]:
        """Plan to read texts for their likelihood, shape (n,); what it costs leaves out those that
        were read before.
        """

        def read() -> tuple[NDArray[np.float64], Usage]:
            unread = self._not_read_before(texts, self.questions)
            values = self.lm.log_likelihood(texts)
            return values, reading_cost(self.lm, unread)

        questions = self.questions
        if questions is not None and not self.forecasts:
            questions = questions.trial()
        left = self._not_read_before(texts, questions)
        return Plan(read, highest=lambda: reading_cost(self.lm, left))

    def _not_read_before(self, texts: Sequence[str], questions: PaidQuestions | None) -> list[str]:
        """The texts whose likelihood has to be paid for; it counts as paid for then."""
        if questions is None:
            return list(texts)
        start = repr((self.lm.fingerprint, "likelihood"))
        asked = {digest(start + text): text for text in texts}
        known = questions.among(asked)
        questions.add(asked)
        return [one for key, one in asked.items() if key not in known]

    def _calibrate(self) -> None:
        """Have the calibrator fitted."""
        if self._calibrated or self.calibration is None:
            return
        self._calibrated = True
        plan = self.calibration.plan(self._bare())
        self._paid = plan.paid
        self._calibrator = plan.execute()

    def _charged(
        self,
        questions: PaidQuestions | None,
        keys: Sequence[bytes],
        inside: NDArray[np.bool_] | None,
        paid: Sequence[bool],
    ) -> list[bool]:
        """Which of the prompts cost nothing. All are paid for from now on."""
        if questions is None:
            return list(paid)
        asked = self._questions(keys, inside)
        known = questions.among(asked)
        questions.add(asked)
        free = []
        for own, one in zip(paid, asked, strict=True):
            free.append(own or one in known)
            known.add(one)
        return free

    def _questions(self, keys: Sequence[bytes], inside: NDArray[np.bool_] | None) -> list[bytes]:
        """What tells each question to the model from all others."""
        shared = (self.lm.fingerprint, *self.prompts.candidates, self.normalise == "first")
        start = repr(shared).encode()
        if inside is None:
            return [digest(start + key) for key in keys]
        labels = (b"" if row.all() else np.packbits(row).tobytes() for row in inside)
        return [digest(start + key + asked) for key, asked in zip(keys, labels, strict=True)]

    def spread(
        self, probabilities: NDArray[np.float64], inside: NDArray[np.bool_] | None
    ) -> NDArray[np.float64]:
        """Probabilities of labels that were scored, made such of all labels."""
        if inside is None or self.shortlist is None:
            return probabilities
        return self.shortlist.spread(probabilities, inside)

    def _scores(self, asked: Sequence[Prompt], inside: NDArray[np.bool_] | None) -> LabelScores:
        return score(
            self.lm,
            asked,
            self.prompts.candidates,
            first_token_only=self.normalise == "first",
            subsets=None if inside is None else self._words(inside),
        )

    def _words(self, inside: NDArray[np.bool_]) -> list[list[int]]:
        """Columns of the words of the labels that are scored, for each item."""
        words = inside[:, self.prompts.word_columns]
        return [np.flatnonzero(row).tolist() for row in words]


def _marked(listed: NDArray[np.bool_] | None, paid: Sequence[bool]) -> NDArray[np.bool_] | None:
    """Which labels are scored; what is paid for was scored with all."""
    if listed is None:
        return None
    inside = listed.copy()
    inside[np.asarray(paid, dtype=np.bool_)] = True
    return inside


def prompt_key(prompt: Prompt) -> bytes:
    """A hash of a prompt."""
    said = prompt if isinstance(prompt, str) else [tuple(sorted(one.items())) for one in prompt]
    return digest(repr(said))
