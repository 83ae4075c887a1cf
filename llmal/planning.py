"""What a run will cost at most, before anything is spent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import MOST_LABELLED, MOST_TEXTS, Context
from llmal.annotators.router import Router
from llmal.budget import Budget
from llmal.errors import DataError
from llmal.lm.protocol import Prompt
from llmal.pool import Pool
from llmal.records import Item, Usage
from llmal.task import Task

_COUNTED = 2000


@dataclass(frozen=True)
class Plan:
    """A forecast. Each figure is an upper limit.

    Attributes:
        items: Items that may be picked, or gone over in one sweep of the pool.
        human_labels: Labels that people may have to give.
        requests: Prompts that the language model may be run on.
        tokens: Tokens that it may read and write.
        money: For people and models.
        counted: Items that were looked at for it.
        estimated: Whether tokens and money are estimates: the pool has more items than those, or
            prompts will hold demonstrations that are not known yet.
        limited_by: Limits of the budget that are below what the picks could cost.
        prompt: A sample prompt, as the model will read it.
        candidates: What is scored after it.
    """

    items: int
    human_labels: int
    requests: int
    tokens: int
    money: float
    counted: int
    estimated: bool = False
    limited_by: tuple[str, ...] = ()
    prompt: str | None = None
    candidates: tuple[str, ...] = ()

    def summary(self) -> str:
        """The figures in one sentence."""
        parts = [f"at most {self.items:,} items are picked"]
        if self.human_labels:
            parts.append(f"people give at most {self.human_labels:,} labels")
        about = "about " if self.estimated else ""
        if self.requests:
            parts.append(
                f"the language model reads and writes at most {about}{self.tokens:,} tokens in "
                f"{self.requests:,} prompts"
            )
        # Rounded up: a limit that is written lower than it is would be none.
        cents = math.ceil(self.money * 100 - 1e-6) / 100
        cost = f"it costs at most {about}{cents:.2f}"
        parts.append(cost if self.money else "it costs no money")
        if self.limited_by:
            parts.append(f"held down by {' and '.join(self.limited_by)}")
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            **asdict(self),
            "limited_by": list(self.limited_by),
            "candidates": list(self.candidates),
        }


def forecast(
    task: Task,
    pool: Pool,
    router: Router,
    budget: Budget,
    *,
    objective: str,
    start_items: int,
    selection: tuple[Usage, Usage] = (Usage(), Usage()),
) -> Plan:
    """Add up what the annotators would cost if every answer were passed on to the next one.

    Which items will be picked is not known, so those with the longest prompts are counted. Of a
    pool of more than 2,000 items, that many are drawn and stand for all. In the place of
    demonstrations, which are not known either, stand items of the pool.

    Args:
        task: What is labelled.
        pool: The pool.
        router: Who labels.
        budget: The limits.
        objective: "model" or "labels".
        start_items: Items of the first round.
        selection: What the selectors may ask of the language model: at the start, and in each
            round after it.

    Raises:
        DataError: The pool is empty.
    """
    size = len(pool)
    if not size:
        raise DataError("the pool is empty", where=pool.source)
    rounds = size
    if budget.rounds is not None:
        rounds = min(size, start_items + budget.rounds * budget.batch)
    # People are asked round by round; with the objective "labels" the others go over the pool.
    machines = size if objective == "labels" else rounds
    people = rounds
    limits: list[str] = []
    if budget.human_labels is not None and budget.human_labels < people:
        people = budget.human_labels
        if any(stage.annotator.kind == "human" for stage in router.stages):
            limits.append(f"the budget of {budget.human_labels:,} human labels")
    asked = [people if one.annotator.kind == "human" else machines for one in router.stages]
    drawn = np.random.default_rng(0).choice(size, size=min(size, _COUNTED), replace=False)
    items = pool.items(drawn.astype(np.int64))
    context = Context(
        demonstrations=_stand_ins(task, items[: min(people, MOST_LABELLED)]),
        unlabelled=items[:MOST_TEXTS],
    )
    turns = 1 + max(0, -(-(rounds - start_items) // budget.batch))
    total = selection[0] + _scaled(selection[1], turns - 1, 1) if turns > 1 else selection[0]
    shots = False
    prompt: str | None = None
    candidates: Sequence[str] = ()
    for stage, most in zip(router.stages, asked, strict=True):
        annotator = stage.annotator
        asked_about: Sequence[Item] = items
        if isinstance(annotator, LLMAnnotator):
            total += annotator.setup_cost()
            total += _scaled(annotator.preparation_cost(context), turns, 1)
            built = [one.prompt for one in annotator.rehearse(items, context)]
            order = np.argsort(-annotator.lm.count_tokens(built), kind="stable")
            asked_about = [items[i] for i in order]
            shots = shots or annotator.shots > 0
            if prompt is None:
                prompt, candidates = _readable(built[0]), annotator.prompts.candidates
        total += _scaled(annotator.estimate(asked_about[:most], context), most, len(items))
    return _limited(
        Plan(
            items=max(asked),
            human_labels=total.human_labels,
            requests=total.requests,
            tokens=total.tokens,
            money=total.money,
            counted=len(items),
            estimated=len(items) < size or shots,
            limited_by=tuple(limits),
            prompt=prompt,
            candidates=tuple(candidates),
        ),
        budget,
    )


def _readable(prompt: Prompt) -> str:
    if isinstance(prompt, str):
        return prompt
    return "\n".join(f"[{one['role']}]\n{one['content']}" for one in prompt)


def _scaled(usage: Usage, most: int, counted: int) -> Usage:
    """What was counted for some items, for more items like them; rounded up."""
    if most <= counted:
        return usage
    return Usage(
        requests=-(-usage.requests * most // counted),
        prompt_tokens=-(-usage.prompt_tokens * most // counted),
        completion_tokens=-(-usage.completion_tokens * most // counted),
        money=usage.money * most / counted,
        human_labels=-(-usage.human_labels * most // counted),
    )


def _stand_ins(task: Task, items: Sequence[Item]) -> tuple[Item, ...]:
    names = task.names
    return tuple(
        Item(f"{one.id}-stand-in", one.text, one.fields, names[n % len(names)])
        for n, one in enumerate(items)
    )


def _limited(plan: Plan, budget: Budget) -> Plan:
    """The plan under the limits that hold for all annotators together."""
    limits = list(plan.limited_by)
    people, tokens, money = plan.human_labels, plan.tokens, plan.money
    if budget.human_labels is not None:
        people = min(people, budget.human_labels)
    if budget.tokens is not None and budget.tokens < tokens:
        limits.append(f"the budget of {budget.tokens:,} tokens")
        tokens = budget.tokens
    if budget.money is not None and budget.money < money:
        limits.append(f"the budget of {budget.money:g} money")
        money = budget.money
    return replace(plan, human_labels=people, tokens=tokens, money=money, limited_by=tuple(limits))
