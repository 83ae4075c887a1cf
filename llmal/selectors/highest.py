"""What a selector can cost at most: the items of the longest prompts stand for all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.plans import Plan
from llmal.core.records import Item, Usage
from llmal.lm.protocol import LanguageModel, Prompt
from llmal.selectors.protocol import drawn
from llmal.selectors.state import RoundState

_COUNTED = 2_000
"""Items whose prompts are looked at."""


def plan_seen(highest: Callable[[], Usage]) -> Plan[Any]:
    """A plan that is there to be looked at."""
    return Plan(lambda: drawn(None), highest=highest)


def longest_items(
    lm: LanguageModel,
    build: Callable[[list[Item]], Sequence[Prompt]],
    state: RoundState,
    count: int | None,
    unpaid: Callable[[list[Item]], NDArray[np.bool_]] | None = None,
) -> tuple[list[Item], float]:
    """The items of the longest prompts, of those that `count` unlabelled items may need, and for
    how many each stands.

    Of a pool of more than 2,000 items, so many are looked at, evenly spaced, and stand for the
    others.

    Args:
        lm: Reads them.
        build: Makes the prompts of items.
        state: The round.
        count: Items that are asked about; None for all.
        unpaid: Says which items cost anything, shape (n,), and the others are left out; by default
            all do.
    """
    whole = len(state.unlabelled)
    asked = whole if count is None else min(count, whole)
    rows = np.unique(np.linspace(0, whole - 1, min(whole, _COUNTED)).astype(np.int64))
    items = state.items(state.unlabelled[rows])
    take = min(len(rows), math.ceil(asked * len(rows) / whole))
    order = np.argsort(-lm.count_tokens(build(items)), kind="stable")
    if unpaid is not None:
        order = order[unpaid(items)[order]]
    return [items[i] for i in order[:take].tolist()], asked / take


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
