"""Asking a language model about many items: who is asked about, what it costs, exact grades."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import Plan
from llmal.core.records import Item, Usage, total
from llmal.errors import ConfigError
from llmal.prompting.labelling import CUT, LabellingPrompts
from llmal.prompting.scorer import PromptScorer, ScoringPlan
from llmal.prompting.templates import PromptTemplate, load_prompt, looks_like_instruction
from llmal.selectors.highest import longest_items, plan_seen, scaled
from llmal.selectors.protocol import Utilities
from llmal.selectors.state import RoundState
from llmal.task import Task

_log = logging.getLogger("llmal.selectors")

CANDIDATES = 1_000
"""Items that are asked about by default: nobody wants a question for each of a million."""

POINTS = ("1", "2", "3", "4", "5")
"""Grades of usefulness and quality."""

_AT_ONCE = 2**14
"""Prompts that are held in memory at a time."""


def check_candidates(candidates: int | None, name: str) -> None:
    """Refuse a number of candidates that is below one.

    Raises:
        ConfigError: It is.
    """
    if candidates is not None and candidates < 1:
        raise ConfigError(f"{name}: candidates is {candidates}", fix="at least 1, or null for all")


def check_keep(keep: float, name: str) -> None:
    """Refuse a share that is not above 0 and at most 1.

    Raises:
        ConfigError: It is not.
    """
    if not 0 < keep <= 1:
        raise ConfigError(f"{name}: keep is {keep}", fix="above 0 and at most 1")


def draw_candidates(
    state: RoundState, count: int | None, name: str, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of `state.unlabelled` that are asked about, ascending: all, or `count` at random."""
    whole = len(state.unlabelled)
    if count is None or count >= whole:
        return np.arange(whole, dtype=np.int64)
    _log.info(
        "%s: %d of %d unlabelled items are asked about, drawn at random (candidates)",
        name,
        count,
        whole,
    )
    return np.sort(rng.choice(whole, count, replace=False)).astype(np.int64, copy=False)


def utilities_of(
    state: RoundState,
    rows: NDArray[np.int64],
    values: NDArray[np.float64],
    why: Callable[[int], str],
    usage: Usage,
    *,
    others: float,
) -> Utilities:
    """Utilities of all unlabelled items where only those at `rows` were asked about.

    Args:
        state: The round.
        rows: Shape (n,), ascending.
        values: Shape (n,).
        why: Takes a place in `rows` and gives a reason.
        usage: What it cost.
        others: Of the items that were not asked about; below all that an item can get.
    """
    everything = np.full(len(state.unlabelled), others)
    everything[rows] = values

    def reason(row: int) -> str:
        place = int(np.searchsorted(rows, row))
        if place == len(rows) or rows[place] != row:
            return "the language model was not asked about it (candidates)"
        return why(place)

    return Utilities(everything, reason, usage)


def flagged(reason: str, item: Item) -> str:
    """A reason, with a note where the text of the item addresses the model."""
    if looks_like_instruction(item.text):
        return f"{reason}; the text reads like an instruction"
    return reason


def grader(
    scorer: PromptScorer, prompt: str | PromptTemplate, grades: Sequence[str]
) -> PromptScorer:
    """A scorer whose labels are grades, with the model and the form of prompt of another.

    Args:
        scorer: Of the labels of the task.
        prompt: Of the grades. Its values `classes`, `guidelines`, `noun` and `field`, where it has
            them, are those of the task.
        grades: Words.
    """
    prompts = scorer.prompts
    template = load_prompt(prompt)
    told = {
        **_shared_values(prompts.template),
        "classes": [label.verbalizers[0] for label in prompts.task.labels],
        "guidelines": prompts.task.guidelines,
    }
    values = {key: value for key, value in told.items() if key in template.defaults}
    task = Task(template.name, grades, text=prompts.task.text)
    made = LabellingPrompts(task, template.with_values(values), prompts.lm, prompts.style)
    return PromptScorer(made, questions=scorer.questions, forecasts=scorer.forecasts)


def rephrased(scorer: PromptScorer, prompt: str) -> PromptScorer:
    """A scorer of the same labels through another labelling prompt, zero-shot, calibrated by itself
    in the same way.
    """
    prompts = scorer.prompts
    template = load_prompt(prompt)
    told = _shared_values(prompts.template)
    values = {key: value for key, value in told.items() if key in template.defaults}
    made = LabellingPrompts(prompts.task, template.with_values(values), prompts.lm, prompts.style)
    return PromptScorer(
        made,
        scorer.normalise,
        calibration=scorer.calibration,
        questions=scorer.questions,
        forecasts=scorer.forecasts,
    )


def _shared_values(template: PromptTemplate) -> dict[str, str]:
    """What a user calls the texts, for other prompts about them."""
    known = template.defaults
    return {key: known[key] for key in ("noun", "field", "answer") if key in known}


def plan_probabilities(
    scorer: PromptScorer,
    state: RoundState,
    count: int | None,
    name: str,
    rng: np.random.Generator | None,
) -> tuple[NDArray[np.int64], Plan[NDArray[np.float64]]]:
    """Plan to ask for probabilities of the labels of unlabelled items, without demonstrations.

    Args:
        scorer: Asks.
        state: The round.
        count: How many items, drawn at random; None for all.
        name: Of the selector.
        rng: Draws them. None where it is not known which are drawn: the longest are counted, and
            the plan is there to be looked at.

    Returns:
        The rows of `state.unlabelled` that are asked about, ascending; and the plan, which brings
        the probabilities, shape (n, C).
    """
    if rng is None:
        nobody = np.zeros(0, dtype=np.int64)
        return nobody, plan_seen(lambda: _highest_of_asking(scorer, state, count))
    rows = draw_candidates(state, count, name, rng)
    parts = [rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE)]

    def plan(part: NDArray[np.int64]) -> ScoringPlan:
        return scorer.plan(state.items(state.unlabelled[part]))

    # Of very many, what is asked is made again when it is asked: it would not fit into memory.
    plans = [plan(part) for part in parts] if len(parts) < 2 else None

    def ask() -> NDArray[np.float64]:
        begun = time.perf_counter()
        answers = [np.zeros((0, len(scorer.labels)))]
        cut = 0
        for one in plans or map(plan, parts):
            scored = one.execute()
            answers.append(scored.probabilities)
            cut += sum(CUT in each.flags for each in scored.prompts)
        say_cut(name, cut, len(rows))
        scorer.spent += Usage(seconds=time.perf_counter() - begun)
        return np.concatenate(answers)

    return rows, Plan(
        ask,
        highest=lambda: total(one.highest for one in plans or map(plan, parts)),
        prompts=lambda: [prompt for one in plans or () for prompt in one.prompts],
    )


def say_cut(name: str, cut: int, count: int) -> None:
    """Warn where texts were cut."""
    if cut:
        _log.warning("%s: %d of %d texts were cut to the model's context", name, cut, count)


def expected_points(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The expected grade of each item, shape (n,), from 1: sum g p(g|x) over `POINTS`."""
    return np.asarray(probabilities @ np.arange(1, len(POINTS) + 1))


def _highest_of_asking(scorer: PromptScorer, state: RoundState, count: int | None) -> Usage:
    """The most that scoring `count` of the unlabelled items can cost, those left out whose answers
    are paid for.
    """
    items, times = longest_items(
        scorer.lm,
        lambda some: [one.prompt for one in scorer.build(some, [()] * len(some))],
        state,
        count,
        scorer.unpaid,
    )
    plan = scorer.plan(items)
    return plan.once + scaled(total(plan.each), times)
