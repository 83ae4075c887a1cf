"""What a run will cost at most, before anything is spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import (
    MOST_LABELLED,
    Annotator,
    Context,
    Priced,
    drawn_texts,
)
from llmal.annotators.router import Router
from llmal.core.records import Answer, Item, Price, Usage
from llmal.errors import DataError
from llmal.lm.protocol import Prompt
from llmal.pool import Pool
from llmal.run.budget import Budget
from llmal.run.plan import Plan, under
from llmal.task import Task

_COUNTED = 2000
_AT_ONCE = 8192
_STEPS = 4
"""Preparations that are looked at; each stands for the rounds up to it."""
_STAND_INS = 16
_SURE = 3.0
"""Standard errors that are added where a sample stands for all."""


@dataclass(frozen=True)
class Spenders:
    """What asks a language model besides the annotators.

    Attributes:
        setup: The most that finding the form of the prompts can cost, once.
        selection: What the selectors may ask: at the start, in the round after it, and in each
            later one.
        synthesis: What so many rounds of a generator may cost, given the longest demonstrations
            that there may be; None without one.
        generator: Name of the generator.
        prices: Of all language models.
    """

    setup: Usage = field(default_factory=Usage)
    selection: tuple[Usage, Usage, Usage] = (Usage(), Usage(), Usage())
    synthesis: Callable[[int, Sequence[Item]], Usage] | None = None
    generator: str = "generation"
    prices: Sequence[Price] = ()


@dataclass(frozen=True)
class _Course:
    """How a run can go at its longest.

    Attributes:
        picked: Items that rounds may pick.
        asked: Items that annotators that are no people may be asked about.
        people: Labels that people may give.
        known: Labels by people before each time that annotators are prepared.
        last: Labels by people when a generator writes for the last time, as far as it is shown
            them.
        first: Items that are asked about before there is any label by people.
        rounds: Rounds, a sweep included.
    """

    picked: int
    asked: int
    people: int
    known: tuple[int, ...]
    last: int
    first: int
    rounds: int


def forecast(
    task: Task,
    pool: Pool,
    router: Router,
    budget: Budget,
    *,
    objective: str,
    start_items: int,
    spenders: Spenders = Spenders(),
    seed: int = 0,
) -> Plan:
    """Add up what a run would cost if every answer were passed on to the next annotator.

    Which items will be picked is not known, so those with the longest prompts are counted, and in
    the place of demonstrations, which are not known either, stand the longest of them. Where
    more than 2,000 items may be asked about, that many are drawn and stand for all, with three
    standard errors on top.

    Args:
        task: What is labelled.
        pool: The pool.
        router: Who labels.
        budget: The limits.
        objective: "model" or "labels".
        start_items: Items of the first round.
        spenders: What asks a language model besides the annotators.
        seed: Of the run; draws the texts that calibration goes by.

    Raises:
        DataError: The pool is empty.
    """
    if not len(pool):
        raise DataError("the pool is empty", where=pool.source)
    course = _course(len(pool), router, budget, objective, start_items)
    asks = any(isinstance(one.annotator, LLMAnnotator) for one in router.stages)
    counted = _Counted(task, pool, course, seed, asks=asks or spenders.synthesis is not None)
    costs = {
        "prompt style": spenders.setup,
        "selection": _over_rounds(spenders.selection, course.rounds),
    }
    people = Usage()
    least: list[float] = []
    prompt: str | None = None
    candidates: Sequence[str] = ()
    shots = False
    for stage in router.stages:
        annotator = stage.annotator
        if annotator.kind == "human":
            people += _scaled(
                annotator.estimate(counted.items[: course.people], counted.context(0)),
                course.people,
                len(counted.items),
            )
            continue
        if isinstance(annotator, LLMAnnotator):
            costs[annotator.name] = counted.labelling(annotator)
            costs[f"demonstrations and calibration ({annotator.name})"] = counted.preparation(
                annotator
            )
            least.append(_least(annotator, task))
            shots = shots or annotator.shots > 0
            if prompt is None:
                context = counted.context(course.known[-1])
                (built,) = annotator.rehearse(counted.items[:1], context)
                prompt, candidates = _readable(built.prompt), annotator.foreseen_prompts.candidates
        else:
            costs[annotator.name] = counted.answers(annotator)
    if spenders.synthesis is not None:
        shown = counted.context(course.last).demonstrations
        costs[spenders.generator] = spenders.synthesis(course.rounds, shown)
    total = sum(costs.values(), people)
    priced = [one.annotator for one in router.stages if isinstance(one.annotator, Priced)]
    foreseen = Plan(
        items=max(
            course.people if one.annotator.kind == "human" else course.asked
            for one in router.stages
        ),
        human_labels=min(total.human_labels, course.people),
        requests=total.requests,
        tokens=total.tokens,
        money=total.money,
        counted=len(counted.items),
        estimated=counted.sampled or shots,
        limited_by=_people_limit(router, budget, course),
        prompt=prompt,
        candidates=tuple(candidates),
        parts={name: cost.tokens for name, cost in costs.items() if cost.tokens},
    )
    fixed = sum(
        cost.requests for name, cost in costs.items() if name not in _labelling_parts(router)
    )
    return under(
        budget,
        foreseen,
        people_money=people.money,
        label_prices=[one.cost for one in priced],
        prices=[*spenders.prices, *_prices(router)],
        least_tokens=min(least, default=1.0),
        fixed_requests=fixed,
        first_asks=router.stages[0].annotator.kind == "llm" and objective == "model",
        first_pays=router.stages[0].annotator.kind == "human",
        most_at_once=max(start_items, budget.batch),
    )


def _over_rounds(selection: tuple[Usage, Usage, Usage], rounds: int) -> Usage:
    start, second, later = selection
    return sum([second][: rounds - 1] + [later] * (rounds - 2), start)


def _labelling_parts(router: Router) -> set[str]:
    names = [one.annotator.name for one in router.stages]
    return {*names, *(f"demonstrations and calibration ({name})" for name in names)}


def _prices(router: Router) -> list[Price]:
    annotators = (one.annotator for one in router.stages)
    return [one.lm.price for one in annotators if isinstance(one, LLMAnnotator)]


def _people_limit(router: Router, budget: Budget, course: _Course) -> tuple[str, ...]:
    people = any(one.annotator.kind == "human" for one in router.stages)
    if people and budget.human_labels is not None and course.people == budget.human_labels:
        return (f"the budget of {budget.human_labels:,} human labels",)
    return ()


def _course(size: int, router: Router, budget: Budget, objective: str, start_items: int) -> _Course:
    kinds = [one.annotator.kind for one in router.stages]
    there = "human" in kinds
    picked = size
    if budget.rounds is not None:
        picked = min(size, start_items + budget.rounds * budget.batch)
    people = picked
    if budget.human_labels is not None:
        people = min(people, budget.human_labels)
    sweep = objective == "labels" and any(kind != "human" for kind in kinds)
    if kinds[0] == "human" or (sweep and there):
        # Whatever is picked takes a label of a person.
        picked = people
    start = min(start_items, picked)
    last = min(people, _STAND_INS) if there else 0
    turns = 1 + max(0, -(-(picked - start) // budget.batch))
    if sweep:
        first = 0 if there and start else size
        known: tuple[int, ...] = (min(start, people) if there else 0,)
        return _Course(picked, size, people, known, last, first, turns + 1 if there else 1)
    by_then = [0, *(min(start + turn * budget.batch, people) for turn in range(turns - 1))]
    known = tuple(min(one, MOST_LABELLED) if there else 0 for one in by_then)
    return _Course(picked, picked, people, known, last, start if there else picked, turns)


class _Counted:
    """Items that stand for those that will be asked about, and what asking about them costs."""

    def __init__(self, task: Task, pool: Pool, course: _Course, seed: int, *, asks: bool) -> None:
        self._task = task
        self._course = course
        size = len(pool)
        self.sampled = False
        if size <= _COUNTED:
            positions = np.arange(size)
        elif asks and course.asked <= _COUNTED:
            positions = _longest(pool, _COUNTED)
            self.sampled = True  # longest in bytes, which tokens follow nearly
        else:
            positions = np.random.default_rng(0).choice(size, size=_COUNTED, replace=False)
            self.sampled = True
        self.items = pool.items(positions.astype(np.int64))
        self._texts = drawn_texts(pool, seed) if size else ()
        self._all = not self.sampled and course.asked == size
        lengths = np.array([len(one.text.encode()) for one in self.items])
        order = np.argsort(-lengths, kind="stable")
        whole = tuple(sorted(task.names))
        answers: Sequence[Answer] = task.names if task.space.rows_sum_to_one else (whole,)
        self._stand_ins = tuple(
            replace(
                self.items[i], id=f"{self.items[i].id}-stand-in", gold=answers[n % len(answers)]
            )
            for n, i in enumerate(order[: max(*course.known, course.last)].tolist())
        )

    def context(self, known: int) -> Context:
        """What an annotator knows of a round before which people gave so many labels."""
        return Context(
            demonstrations=self._stand_ins[:known], unlabelled=self._texts, foreseen=True
        )

    def answers(self, annotator: Annotator) -> Usage:
        """What an annotator other than a language model costs."""
        most = self._course.asked
        cost = annotator.estimate(self.items[:most], self.context(0))
        return _scaled(cost, most, len(self.items))

    def labelling(self, annotator: LLMAnnotator) -> Usage:
        """What a language model costs: the longest prompts, with demonstrations once there are
        labels by people.
        """
        bare, shown = self.context(0), self.context(self._course.known[-1])
        built = [one.prompt for one in annotator.rehearse(self.items, bare)]
        lengths = annotator.lm.count_tokens(built)
        items = [self.items[i] for i in np.argsort(-lengths, kind="stable").tolist()]
        total = self._several(annotator, items, lengths, self._course.asked, bare)
        later = self._course.asked - self._course.first
        if annotator.shots and later > 0:
            longer = self._several(annotator, items, lengths, later, shown)
            total += longer - self._several(annotator, items, lengths, later, bare)
        if annotator.calibrates_on_texts and self._all and self._once(annotator):
            # The preparation asks about these, and they are not paid for twice.
            total = total - annotator.scoring_cost(self._texts, shown if later > 0 else bare)
        return total

    def _once(self, annotator: LLMAnnotator) -> bool:
        """Whether all rounds prepare with the same demonstrations, and ask the same."""
        known = self._course.known
        alike = annotator.asks_alike and not (annotator.shots and max(known))
        return alike or len(known) == 1

    def _several(
        self,
        annotator: LLMAnnotator,
        items: Sequence[Item],
        lengths: NDArray[np.int64],
        most: int,
        context: Context,
    ) -> Usage:
        cost = annotator.estimate(items[:most], context)
        if most <= len(items):
            return cost
        spread = float(lengths.std()) / max(float(lengths.mean()), 1.0)
        margin = 1 + _SURE * spread / np.sqrt(len(items))
        return _times(cost, float(most / len(items) * margin))

    def preparation(self, annotator: LLMAnnotator) -> Usage:
        """What choosing demonstrations and calibrating costs, over all rounds."""
        known = self._course.known
        if self._once(annotator):
            return annotator.preparation_cost(self.context(known[0]))
        if "labelled" not in annotator.needs():
            return sum([annotator.preparation_cost(self.context(0))] * len(known), Usage())
        total = Usage()
        done = 0
        ends = np.unique(np.linspace(0, len(known) - 1, min(len(known), _STEPS + 1)).astype(int))
        for end in ends.tolist():
            cost = annotator.preparation_cost(self.context(known[end]))
            total = sum([cost] * (end + 1 - done), total)
            done = end + 1
        return total


def _longest(pool: Pool, count: int) -> NDArray[np.int64]:
    """Positions of the texts of most bytes."""
    lengths = np.empty(len(pool), dtype=np.int64)
    for start in range(0, len(pool), _AT_ONCE):
        part = np.arange(start, min(start + _AT_ONCE, len(pool)))
        lengths[part] = [len(text.encode()) for text in pool.texts(part)]
    return np.argpartition(-lengths, count - 1)[:count]


def _least(annotator: LLMAnnotator, task: Task) -> float:
    """The fewest tokens that an item takes: those of a prompt without a text."""
    prompts = annotator.foreseen_prompts
    empty = prompts.build(Item("empty", "", dict.fromkeys(task.text, "")))
    cost = annotator.lm.score_cost(
        [empty.prompt], prompts.candidates, first_token_only=annotator.normalise == "first"
    )
    return cost.tokens / max(cost.requests, 1)


def _readable(prompt: Prompt) -> str:
    if isinstance(prompt, str):
        return prompt
    return "\n".join(f"[{one['role']}]\n{one['content']}" for one in prompt)


def _scaled(usage: Usage, most: int, counted: int) -> Usage:
    """What was counted for some items, for more items like them; rounded up."""
    return usage if most <= counted else _times(usage, most / counted)


def _times(usage: Usage, times: float) -> Usage:
    def many(count: int) -> int:
        return int(np.ceil(count * times - 1e-9))

    return replace(
        usage,
        requests=many(usage.requests),
        prompt_tokens=many(usage.prompt_tokens),
        completion_tokens=many(usage.completion_tokens),
        money=usage.money * times,
        human_labels=many(usage.human_labels),
    )
