"""Asking a language model about many items: who is asked about, what it costs, exact grades."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item, Usage
from llmal.errors import ConfigError
from llmal.lm.protocol import LanguageModel, Prompt
from llmal.prompting.labelling import CUT, LabellingPrompts
from llmal.prompting.scorer import PromptScorer
from llmal.prompting.templates import PromptTemplate, load_prompt, looks_like_instruction
from llmal.selectors.protocol import Utilities
from llmal.selectors.state import RoundState
from llmal.task import Task

_log = logging.getLogger("llmal.selectors")

CANDIDATES = 1_000
"""Items that are asked about by default: nobody wants a question for each of a million."""

POINTS = ("1", "2", "3", "4", "5")
"""Grades of usefulness and quality."""

_COUNTED = 2_000
"""Items whose prompts are built for an estimate."""

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
    total = len(state.unlabelled)
    if count is None or count >= total:
        return np.arange(total, dtype=np.int64)
    _log.info(
        "%s: %d of %d unlabelled items are asked about, drawn at random (candidates)",
        name,
        count,
        total,
    )
    return np.sort(rng.choice(total, count, replace=False)).astype(np.int64, copy=False)


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
    return PromptScorer(made, counting=scorer.counting, questions=scorer.questions)


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
        counting=scorer.counting,
        calibration=scorer.calibration,
        questions=scorer.questions,
    )


def _shared_values(template: PromptTemplate) -> dict[str, str]:
    """What a user calls the texts, for other prompts about them."""
    known = template.defaults
    return {key: known[key] for key in ("noun", "field", "answer") if key in known}


def ask(scorer: PromptScorer, items: Sequence[Item], name: str) -> NDArray[np.float64]:
    """Probabilities of the labels, shape (n, C), without demonstrations.

    Raises:
        LanguageModelError: The model failed; what it answered before is in its cache.
    """
    begun = time.perf_counter()
    answers = [np.zeros((0, len(scorer.labels)))]
    cut = 0
    for start in range(0, len(items), _AT_ONCE):
        scored = scorer.score(items[start : start + _AT_ONCE])
        answers.append(scored.probabilities)
        cut += sum(CUT in one.flags for one in scored.prompts)
    say_cut(name, cut, len(items))
    scorer.spent += Usage(seconds=time.perf_counter() - begun)
    return np.concatenate(answers)


def say_cut(name: str, cut: int, total: int) -> None:
    """Warn where texts were cut."""
    if cut:
        _log.warning("%s: %d of %d texts were cut to the model's context", name, cut, total)


def expected_points(scorer: PromptScorer, items: Sequence[Item], name: str) -> NDArray[np.float64]:
    """The expected grade of each item, shape (n,), from 1: sum g p(g|x) over `POINTS`."""
    return np.asarray(ask(scorer, items, name) @ np.arange(1, len(POINTS) + 1))


def cost_of_asking(scorer: PromptScorer, state: RoundState, count: int | None) -> Usage:
    """The most that scoring `count` of the unlabelled items can cost, those left out whose answers
    are paid for. Asks nobody.

    Args:
        scorer: Counts (`PromptScorer.counted`).
        state: The round.
        count: How many; None for all.
    """
    calibration = scorer.calibration_cost()
    prompts, times = longest_prompts(
        scorer.lm,
        lambda items: [one.prompt for one in scorer.build(items, [()] * len(items))],
        state,
        count,
        scorer.unpaid,
    )
    return calibration + scaled(scorer.count(prompts), times)


def longest_prompts(
    lm: LanguageModel,
    build: Callable[[list[Item]], Sequence[Prompt]],
    state: RoundState,
    count: int | None,
    unpaid: Callable[[Sequence[Prompt]], NDArray[np.bool_]] | None = None,
) -> tuple[list[Prompt], float]:
    """The longest of the prompts that `count` unlabelled items may need, and for how many each is.

    Of a pool of more than 2,000 items, so many are looked at, evenly spaced, and stand for the
    others.

    Args:
        lm: Reads them.
        build: Makes the prompts of items.
        state: The round.
        count: Items that are asked about; None for all.
        unpaid: Says which prompts cost anything, shape (n,), and the others are left out; by
            default all do.
    """
    total = len(state.unlabelled)
    asked = total if count is None else min(count, total)
    rows = np.unique(np.linspace(0, total - 1, min(total, _COUNTED)).astype(np.int64))
    prompts = build(state.items(state.unlabelled[rows]))
    lengths = lm.count_tokens(prompts)
    take = min(len(rows), math.ceil(asked * len(rows) / total))
    order = np.argsort(-lengths, kind="stable")
    if unpaid is not None:
        order = order[unpaid(prompts)[order]]
    return [prompts[i] for i in order[:take].tolist()], asked / take


def scaled(usage: Usage, times: float) -> Usage:
    """So many times a foreseen usage, whole numbers rounded up."""

    def many(count: int) -> int:
        return math.ceil(count * times - 1e-9)

    return replace(
        usage,
        requests=many(usage.requests),
        prompt_tokens=many(usage.prompt_tokens),
        completion_tokens=many(usage.completion_tokens),
        money=usage.money * times,
    )
