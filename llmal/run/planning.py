"""What a run will cost at most, before anything is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.protocol import (
    MOST_LABELLED,
    Annotator,
    Context,
    Prepares,
    Priced,
    ShowsPrompt,
    drawn_texts,
)
from llmal.annotators.router import Router, Stage
from llmal.core.plans import Prompt
from llmal.core.records import Answer, Item, Price, Usage, total
from llmal.errors import DataError
from llmal.lm.protocol import Asking
from llmal.pool import Pool
from llmal.run.budget import Budget
from llmal.run.plan import RunPlan, Spender, under
from llmal.run.purse import PREPARATION
from llmal.task import Task

_COUNTED = 2000
_AT_ONCE = 8192
_LOOKED_AT = 24
"""Preparations that are looked at; of more rounds, each stands for those up to it."""
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
    audited: int = 0,
    texts: Sequence[Item] | None = None,
    seed: int = 0,
) -> RunPlan:
    """Add up what a run would cost if every answer were passed on to the next annotator.

    Which items will be picked is not known, so those that cost most are counted, and in the place
    of demonstrations, which are not known either, stand the longest of them. Where more than 2,000
    items may be asked about, that many are drawn and stand for all, with three standard errors on
    top.

    Args:
        task: What is labelled.
        pool: The pool.
        router: Who labels.
        budget: The limits.
        objective: "model" or "labels".
        start_items: Items of the first round.
        spenders: What asks a language model besides the annotators.
        audited: Items that people answer besides, in a round of their own.
        texts: Texts that calibration goes by; by default drawn from the pool.
        seed: Of the run.

    Raises:
        DataError: The pool is empty.
    """
    if not len(pool):
        raise DataError("the pool is empty", where=pool.source)
    course = _course(len(pool), router, budget, objective, start_items, audited)
    unlimited = replace(budget, human_labels=None)
    freely = _course(len(pool), router, unlimited, objective, start_items, audited).people
    annotators = [one.annotator for one in router.stages]
    asks = any(isinstance(one, Asking) for one in annotators)
    counted = _Counted(
        task,
        pool,
        course,
        drawn_texts(pool, seed) if texts is None else texts,
        seed,
        asks=asks or spenders.synthesis is not None,
    )
    others = {
        "prompt style": spenders.setup,
        "selection": _over_rounds(spenders.selection, course.rounds),
    }
    if spenders.synthesis is not None:
        shown = counted.context(course.last).demonstrations
        others[spenders.generator] = spenders.synthesis(course.rounds, shown)
    labelling: dict[str, Usage] = {}
    before: dict[str, Usage] = {}
    people = Usage()
    least: list[float] = []
    for stage in router.stages:
        annotator = stage.annotator
        cost = counted.answers(stage)
        if annotator.kind == "human":
            before[annotator.name] = counted.answers(stage, freely)
            cost = _within(cost, budget.human_labels)
            people += cost
        labelling[annotator.name] = cost
        if isinstance(annotator, Prepares):
            labelling[f"{PREPARATION} ({annotator.name})"] = counted.preparation(annotator)
        if isinstance(annotator, ShowsPrompt):
            cost = annotator.least_cost(counted.empty)
            least.append(cost.tokens / max(cost.requests, 1))
    costs = {**others, **labelling}
    sum_ = total(costs.values())
    prompt, candidates = counted.sample(annotators)
    plan = RunPlan(
        items=max(course.people if one.kind == "human" else course.asked for one in annotators),
        # What one person has answered goes to no other.
        human_labels=max(one.human_labels for one in labelling.values()),
        requests=sum_.requests,
        tokens=sum_.tokens,
        money=sum_.money,
        counted=len(counted.items),
        estimated=counted.sampled or counted.stands_in,
        limited_by=_people_limit(budget, labelling.values()),
        prompt=prompt,
        candidates=tuple(candidates),
        spenders=tuple(
            Spender(name, cost.requests, cost.tokens, cost.money, cost.human_labels)
            for name, cost in {**costs, **before}.items()
            if cost.requests or cost.human_labels or cost.money
        ),
    )
    models = [one.lm.price for one in annotators if isinstance(one, Asking)]
    return under(
        budget,
        plan,
        people_money=people.money,
        label_prices=[one.cost for one in annotators if isinstance(one, Priced)],
        prices=[*spenders.prices, *models],
        least_tokens=min(least, default=1.0),
        fixed_requests=total(others.values()).requests,
        first_asks=annotators[0].kind == "llm" and objective == "model",
        first_pays=annotators[0].kind == "human",
        most_at_once=max(start_items, budget.batch),
    )


def _over_rounds(selection: tuple[Usage, Usage, Usage], rounds: int) -> Usage:
    start, second, later = selection
    return total([start, *[second][: rounds - 1], *([later] * (rounds - 2))])


def _people_limit(budget: Budget, costs: Iterable[Usage]) -> tuple[str, ...]:
    limit = budget.human_labels
    if limit is not None and any(one.human_labels >= max(limit, 1) for one in costs):
        return (f"the budget of {limit:,} human labels",)
    return ()


def _within(cost: Usage, labels: int | None) -> Usage:
    """What people cost who may give no more than so many labels."""
    if labels is None or cost.human_labels <= labels:
        return cost
    return replace(cost, human_labels=labels, money=cost.money * labels / cost.human_labels)


def _course(
    size: int, router: Router, budget: Budget, objective: str, start_items: int, audited: int
) -> _Course:
    course = _without_audit(size, router, budget, objective, start_items)
    if not audited:
        return course
    most = size if budget.human_labels is None else budget.human_labels
    labels = min(course.people + audited, most, size)
    return replace(course, people=labels, rounds=course.rounds + 1)


def _without_audit(
    size: int, router: Router, budget: Budget, objective: str, start_items: int
) -> _Course:
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

    def __init__(
        self,
        task: Task,
        pool: Pool,
        course: _Course,
        texts: Sequence[Item],
        seed: int,
        *,
        asks: bool,
    ) -> None:
        self._course = course
        self._seed = seed
        self._looked_at: dict[int, list[tuple[int, Usage, int]]] = {}
        self._texts = tuple(texts)
        self.empty = Item("", "", dict.fromkeys(task.text, ""))
        size = len(pool)
        self.sampled = False
        self.stands_in = False
        """Whether demonstrations were counted that stand for others."""
        if size <= _COUNTED:
            positions = np.arange(size)
        elif asks and course.asked <= _COUNTED:
            positions = _longest(pool, _COUNTED)
            self.sampled = True  # longest in bytes, which tokens follow nearly
        else:
            positions = np.random.default_rng(0).choice(size, size=_COUNTED, replace=False)
            self.sampled = True
        self.items = pool.items(positions.astype(np.int64))
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

    def context(
        self,
        known: int,
        *,
        round: int = 0,
        charges_texts: bool = True,
        stage: Stage | None = None,
    ) -> Context:
        """What an annotator knows of a round before which people gave so many labels."""
        wanted = stage if stage is not None and stage.answers > 1 else None
        return Context(
            missing={one.id: wanted.wanted(one.id, self._seed) for one in self.items}
            if wanted is not None
            else {},
            demonstrations=self._stand_ins[:known],
            unlabelled=self._texts,
            seed=int(np.random.SeedSequence([self._seed, round]).generate_state(1)[0]),
            foreseen=True,
            charges_texts=charges_texts,
        )

    def answers(self, stage: Stage, most: int | None = None) -> Usage:
        """What the answers of a stage cost: about the items that cost most, with demonstrations
        once there are labels by people.

        Args:
            stage: Whose answers.
            most: About how many items; by default as many as the course has.
        """
        annotator = stage.annotator
        if most is None:
            most = self._course.people if annotator.kind == "human" else self._course.asked
        once = self._all and isinstance(annotator, Prepares) and self._asks_once(annotator)
        bare = annotator.plan(self.items, self.context(0, charges_texts=not once, stage=stage))
        costs = _figures(bare.each)
        later = most - min(self._course.first, most) if isinstance(annotator, Prepares) else 0
        longer = costs
        if later and isinstance(annotator, Prepares) and "labelled" in annotator.needs():
            known = self._course.known[-1]
            shown = annotator.plan(self.items, self.context(known, charges_texts=not once))
            longer = np.maximum(costs, _figures(shown.each))
            self.stands_in = self.stands_in or bool((longer > costs).any())
        # Which items come later is not known: those that gain most, beside those that cost most.
        separately = _most(costs, most) + _most(longer - costs, later)
        figures = np.minimum(separately, _most(longer, most))
        if most > len(self.items):
            tokens = costs[:, :2].sum(axis=1)
            spread = float(tokens.std()) / max(float(tokens.mean()), 1.0)
            margin = 1 + _SURE * spread / np.sqrt(len(self.items))
            figures = figures * (most / len(self.items)) * margin
        requests, read, written, money, labels = figures.tolist()
        return Usage(
            requests=_up(requests),
            prompt_tokens=_up(read),
            completion_tokens=_up(written),
            money=money,
            human_labels=_up(labels),
        )

    def sample(self, annotators: Sequence[Annotator]) -> tuple[str | None, Sequence[str]]:
        """A prompt of the first annotator that has any, and the answers that it scores."""
        for annotator in annotators:
            if isinstance(annotator, ShowsPrompt):
                context = self.context(self._course.known[-1])
                prompt, candidates = annotator.sample_prompt(self.items[0], context)
                return _readable(prompt), candidates
        return None, ()

    def _asks_once(self, annotator: Prepares) -> bool:
        """Whether all preparations ask the same."""
        return len({trail for trail, _, _ in self._preparations(annotator)}) == 1

    def _preparations(self, annotator: Prepares) -> list[tuple[int, Usage, int]]:
        """Trail and cost of the preparations that are looked at, and for how many each stands."""
        if id(annotator) not in self._looked_at:
            self._looked_at[id(annotator)] = self._look_at(annotator)
        return self._looked_at[id(annotator)]

    def _look_at(self, annotator: Prepares) -> list[tuple[int, Usage, int]]:
        known = self._course.known
        count = len(known)
        ends = np.unique(np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(int))
        found, done = [], 0
        for end in ends.tolist():
            plan = annotator.plan_preparation(self.context(known[end], round=end))
            found.append((plan.trail, plan.highest, end + 1 - done))
            done = end + 1
        return found

    def preparation(self, annotator: Prepares) -> Usage:
        """What choosing demonstrations and calibrating costs, over all rounds; what is the same in
        several is asked once.
        """
        costs: list[Usage] = []
        seen: set[int] = set()
        for trail, cost, times in self._preparations(annotator):
            costs += [] if trail in seen else [cost] * times
            seen.add(trail)
        return total(costs)


def _figures(costs: Sequence[Usage]) -> NDArray[np.float64]:
    """Costs as an array (n, 5): requests, tokens read and written, money, labels by people."""
    return np.array(
        [
            (
                one.requests,
                one.prompt_tokens,
                one.completion_tokens,
                one.money,
                one.human_labels,
            )
            for one in costs
        ],
        dtype=np.float64,
    ).reshape(-1, 5)


def _most(figures: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """The sum of the largest figures of each column, so many of them, shape (5,)."""
    return np.asarray(np.sort(figures, axis=0)[::-1][: max(count, 0)].sum(axis=0))


def _up(figure: float) -> int:
    return int(np.ceil(figure - 1e-9))


def _longest(pool: Pool, count: int) -> NDArray[np.int64]:
    """Positions of the texts of most bytes."""
    lengths = np.empty(len(pool), dtype=np.int64)
    for start in range(0, len(pool), _AT_ONCE):
        part = np.arange(start, min(start + _AT_ONCE, len(pool)))
        lengths[part] = [len(text.encode()) for text in pool.texts(part)]
    return np.argpartition(-lengths, count - 1)[:count]


def _readable(prompt: Prompt) -> str:
    if isinstance(prompt, str):
        return prompt
    return "\n".join(f"[{one['role']}]\n{one['content']}" for one in prompt)
