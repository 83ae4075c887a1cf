"""The forecast of a run: figures that are upper limits, and that fit each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from llmal.core.records import Price
from llmal.core.words import counted
from llmal.run.budget import Budget


@dataclass(frozen=True)
class Spender:
    """What one of those who spend can cost at most in a run, before the limits.

    Attributes:
        name: As in the ledger.
        requests: Prompts.
        tokens: Tokens read and written.
        money: For people and models.
        human_labels: Labels by people.
    """

    name: str
    requests: int
    tokens: int
    money: float
    human_labels: int = 0


@dataclass(frozen=True)
class RunPlan:
    """The forecast of a run. Each figure is an upper limit.

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
        spenders: What each of those who spend can cost, before the limits.
        phases: What the run does, part after part, where it works for a promise.
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
    spenders: tuple[Spender, ...] = ()
    phases: tuple[str, ...] = ()

    @property
    def parts(self) -> Mapping[str, int]:
        """Tokens of each spender before the limits, under the names of the ledger."""
        return {one.name: one.tokens for one in self.spenders if one.tokens}

    def summary(self) -> str:
        """The figures in one sentence."""
        parts = [f"at most {counted(self.items, 'item is', 'items are')} picked"]
        if self.human_labels:
            parts.append(f"people give at most {counted(self.human_labels, 'label')}")
        about = "about " if self.estimated else ""
        if self.requests:
            parts.append(
                f"the language model reads and writes at most {about}{self.tokens:,} tokens in "
                f"{counted(self.requests, 'prompt')}"
            )
        cost = f"it costs at most {about}{_cents(self.money)}"
        parts.append(cost if self.money else "it costs no money")
        if self.limited_by:
            parts.append(f"held down by {' and '.join(self.limited_by)}")
        return "; ".join(parts)

    def table(self) -> str:
        """A line for each of those who spend."""
        names = [one.name for one in self.spenders]
        width = max(map(len, names), default=0)
        lines = []
        for one in self.spenders:
            figures = [counted(one.human_labels, "label")] if one.human_labels else []
            if one.requests:
                figures += [counted(one.requests, "prompt"), counted(one.tokens, "token")]
            if one.money:
                figures.append(f"{_cents(one.money)} money")
            lines.append(f"  {one.name:<{width}}  at most {', '.join(figures)}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {
            **asdict(self),
            "limited_by": list(self.limited_by),
            "candidates": list(self.candidates),
            "phases": list(self.phases),
            "spenders": [asdict(one) for one in self.spenders],
            "parts": dict(self.parts),
        }


def _cents(money: float) -> str:
    """Rounded up: a limit that is written lower than it is would be none."""
    return f"{math.ceil(money * 100 - 1e-6) / 100:.2f}"


def under(
    budget: Budget,
    plan: RunPlan,
    *,
    people_money: float,
    label_prices: Sequence[float],
    prices: Sequence[Price],
    least_tokens: float,
    fixed_requests: int,
    first_asks: bool,
    first_pays: bool,
    most_at_once: int,
) -> RunPlan:
    """A plan under the limits of money and tokens, which hold for all that it says.

    Args:
        budget: The limits.
        plan: What a run without them could cost.
        people_money: The part of its money that people take.
        label_prices: What each of the people takes for a label.
        prices: Of the language models.
        least_tokens: The fewest tokens of a prompt that labels an item.
        fixed_requests: Prompts for anything else.
        first_asks: Whether a language model is the first to be asked about an item that is picked.
        first_pays: Whether a person is.
        most_at_once: Items of the largest round.
    """
    limits = list(plan.limited_by)
    tokens, money = plan.tokens, plan.money
    model_money = money - people_money
    labels = plan.human_labels
    if budget.tokens is not None and budget.tokens < tokens:
        limits.append(f"the budget of {budget.tokens:,} tokens")
        tokens = budget.tokens
        dearest = max((max(one.prompt, one.completion) for one in prices), default=math.inf)
        model_money = min(model_money, tokens * dearest / 1e6)
    money = model_money + people_money
    if budget.money is not None and budget.money < money:
        limits.append(f"the budget of {budget.money:g} money")
        money = budget.money
        cheapest = min((min(one.prompt, one.completion) for one in prices), default=0.0)
        if cheapest > 0:
            tokens = min(tokens, math.floor(money * 1e6 / cheapest + 1e-6))
        if min(label_prices, default=0.0) > 0:
            labels = min(labels, math.floor(money / min(label_prices) + 1e-9))
    requests, items = plan.requests, plan.items
    if tokens < plan.tokens:
        labelled = math.floor(tokens / max(least_tokens, 1.0))
        requests = min(requests, fixed_requests + labelled, tokens)
        if first_asks:
            items = min(items, labelled + most_at_once)
    if first_pays and labels < plan.human_labels:
        items = min(items, labels + most_at_once)
    return replace(
        plan,
        items=items,
        human_labels=labels,
        requests=requests,
        tokens=tokens,
        money=money,
        limited_by=tuple(limits),
    )
