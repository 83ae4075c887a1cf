"""The demonstrations of many queries, whichever way a selector chooses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmal.core.records import Item
from llmal.demonstrations.protocol import DemonstrationSelector, PerQuerySelector


def choose_for(
    selector: DemonstrationSelector,
    candidates: Sequence[Item],
    k: int,
    rng: np.random.Generator,
    queries: Sequence[Item],
) -> list[list[Item]]:
    """A list of demonstrations for each query, the most useful first.

    A fixed set is chosen once and repeated. No query is among its own demonstrations: where it
    belongs to a fixed set, its list is one shorter, and the others keep their place.
    """
    if selector.per_query and isinstance(selector, PerQuerySelector):
        lists = selector.choose_each(candidates, k, rng, queries)
    else:
        lists = [selector.choose(candidates, k, rng)] * len(queries)
    return [
        [one for one in shown if one.id != query.id]
        for shown, query in zip(lists, queries, strict=True)
    ]
