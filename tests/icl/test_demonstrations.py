"""Which labelled items become demonstrations."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from llmal.icl.demonstrations import (
    REGISTRY,
    BalancedDemonstrations,
    DemonstrationSelector,
    RandomDemonstrations,
)
from llmal.records import Item

SELECTORS = [RandomDemonstrations(), BalancedDemonstrations()]


def _items(**counts: int) -> list[Item]:
    return [
        Item(f"{label}-{n:03d}", f"text {n} of {label}", gold=label)
        for label, count in counts.items()
        for n in range(count)
    ]


def _ids(items: list[Item]) -> list[str]:
    return [item.id for item in items]


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("k", [0, 1, 4, 9])
def test_at_most_k_distinct_candidates(selector: DemonstrationSelector, k: int):
    items = _items(a=4, b=2)
    chosen = selector.choose(items, k, np.random.default_rng(0))
    assert len(chosen) == len(set(_ids(chosen))) == min(k, 6)
    assert set(_ids(chosen)) <= set(_ids(items))


@pytest.mark.parametrize("selector", SELECTORS)
def test_the_order_of_the_candidates_changes_nothing(selector: DemonstrationSelector):
    items = _items(a=10, b=10, c=3)
    first = selector.choose(items, 5, np.random.default_rng(7))
    assert selector.choose(items[::-1], 5, np.random.default_rng(7)) == first


@pytest.mark.parametrize("selector", SELECTORS)
def test_another_draw_gives_others(selector: DemonstrationSelector):
    items = _items(a=20, b=20)
    draws = {tuple(_ids(selector.choose(items, 4, np.random.default_rng(s)))) for s in range(20)}
    assert len(draws) > 15


@pytest.mark.parametrize("selector", SELECTORS)
def test_no_candidates_no_demonstrations(selector: DemonstrationSelector):
    assert selector.choose([], 4, np.random.default_rng(0)) == []


@pytest.mark.parametrize("seed", range(5))
def test_balanced_takes_labels_in_turn(seed: int):
    chosen = BalancedDemonstrations().choose(
        _items(a=50, b=10, c=10), 6, np.random.default_rng(seed)
    )
    assert Counter(item.gold for item in chosen) == {"a": 2, "b": 2, "c": 2}


@pytest.mark.parametrize("seed", range(5))
def test_balanced_fills_up_where_a_label_runs_out(seed: int):
    chosen = BalancedDemonstrations().choose(_items(a=50, b=1), 6, np.random.default_rng(seed))
    assert Counter(item.gold for item in chosen) == {"a": 5, "b": 1}


def test_balanced_with_fewer_shots_than_labels_favours_none():
    firsts = Counter(
        BalancedDemonstrations()
        .choose(_items(a=50, b=5, c=5), 1, np.random.default_rng(seed))[0]
        .gold
        for seed in range(300)
    )
    assert set(firsts) == {"a", "b", "c"}
    assert min(firsts.values()) > 60


def test_balanced_does_not_put_the_labels_in_a_fixed_order():
    orders = {
        tuple(
            item.gold
            for item in BalancedDemonstrations().choose(
                _items(a=9, b=9), 4, np.random.default_rng(seed)
            )
        )
        for seed in range(40)
    }
    assert len(orders) == 6


@pytest.mark.parametrize("name", REGISTRY.names())
def test_every_registered_selector_keeps_the_contract(name: str):
    assert isinstance(REGISTRY.get(name)(), DemonstrationSelector)
