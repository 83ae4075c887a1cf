"""Which labelled items become demonstrations: what all ways share, and the draws at random."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.demonstrations import (
    Balanced,
    DemonstrationSelector,
    Fixed,
    Random,
    Similar,
    check_selector,
    choose_for,
    make_selector,
    needs,
)
from llmal.demonstrations.picking import highest
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError, DataError

SELECTORS = [Random(), Balanced()]


def _items(**counts: int) -> list[Item]:
    return [
        Item(f"{label}-{n:03d}", f"text {n} of {label}", gold=label)
        for label, count in counts.items()
        for n in range(count)
    ]


def _ids(items: list[Item]) -> list[str]:
    return [item.id for item in items]


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("k", [0, 1, 4, 9])
def test_at_most_k_distinct_candidates(selector: DemonstrationSelector, k: int):
    items = _items(a=4, b=2)
    chosen = selector.choose(items, k, _rng())
    assert len(chosen) == len(set(_ids(chosen))) == min(k, 6)
    assert set(_ids(chosen)) <= set(_ids(items))


@pytest.mark.parametrize("selector", SELECTORS)
def test_the_order_of_the_candidates_changes_nothing(selector: DemonstrationSelector):
    items = _items(a=10, b=10, c=3)
    first = selector.choose(items, 5, _rng(7))
    assert selector.choose(items[::-1], 5, _rng(7)) == first


@pytest.mark.parametrize("selector", SELECTORS)
def test_another_draw_gives_others(selector: DemonstrationSelector):
    items = _items(a=20, b=20)
    draws = {tuple(_ids(selector.choose(items, 4, _rng(s)))) for s in range(20)}
    assert len(draws) > 15


@pytest.mark.parametrize("selector", SELECTORS)
def test_no_candidates_no_demonstrations(selector: DemonstrationSelector):
    assert selector.choose([], 4, _rng()) == []


@pytest.mark.parametrize("seed", range(5))
def test_balanced_takes_labels_in_turn(seed: int):
    chosen = Balanced().choose(_items(a=50, b=10, c=10), 6, _rng(seed))
    assert Counter(item.gold for item in chosen) == {"a": 2, "b": 2, "c": 2}


@pytest.mark.parametrize("seed", range(5))
def test_balanced_fills_up_where_a_label_runs_out(seed: int):
    chosen = Balanced().choose(_items(a=50, b=1), 6, _rng(seed))
    assert Counter(item.gold for item in chosen) == {"a": 5, "b": 1}


def test_balanced_with_fewer_shots_than_labels_favours_none():
    firsts = Counter(
        Balanced().choose(_items(a=50, b=5, c=5), 1, _rng(seed))[0].gold for seed in range(300)
    )
    assert set(firsts) == {"a", "b", "c"}
    assert min(firsts.values()) > 60


def test_balanced_does_not_put_the_labels_in_a_fixed_order():
    orders = {
        tuple(item.gold for item in Balanced().choose(_items(a=9, b=9), 4, _rng(seed)))
        for seed in range(40)
    }
    assert len(orders) == 6


def test_fixed_items_come_in_their_order_whatever_the_candidates():
    items = _items(a=2, b=1)[::-1]
    for candidates in ([], _items(z=9)):
        assert Fixed(items).choose(candidates, 3, _rng()) == items
        assert Fixed(items).choose(candidates, 2, _rng()) == items[:2]
    with pytest.raises(DataError, match="'x' has no label"):
        Fixed([Item("x", "no label")])
    with pytest.raises(DataError, match="-1 demonstrations"):
        Fixed(items).choose([], -1, _rng())


def test_the_warning_counts_candidates(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "llmal.few_shot"):
        Random().choose(_items(a=4), 8, _rng())
        Balanced().choose(_items(a=1), 2, _rng())
        Random().choose(_items(a=4), 4, _rng())
    assert [record.getMessage() for record in caplog.records] == [
        "4 of 8 demonstrations: only 4 candidates are there",
        "1 of 2 demonstrations: only 1 candidate is there",
    ]


def test_balance_names_the_labels_without_candidates(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "llmal.few_shot"):
        Balanced(labels=["a", "b", "c", "d"]).choose(_items(a=3, c=3), 2, _rng())
    (record,) = caplog.records
    assert "the label 'b', 'd'" in record.getMessage()


@pytest.mark.parametrize(
    ("items", "k", "message"),
    [
        ([Item("x", "text")], 1, "the candidate 'x' has no label"),
        ([Item("x", "text", gold="z")], 1, "the candidate 'x' has the label 'z'"),
        (_items(a=2) + _items(a=1), 1, "two candidates have the id 'a-000'"),
        (_items(a=2), -1, "-1 demonstrations were asked for"),
    ],
)
def test_candidates_that_cannot_be_used(items: list[Item], k: int, message: str):
    with pytest.raises(DataError, match=message):
        Balanced(labels=["a", "b"]).choose(items, k, _rng())


def test_the_highest_come_best_first_and_ties_are_drawn():
    items = _items(a=6)
    scores = [1.0, 5.0, 1.0, 7.0, 1.0, 1.0]
    drawn = Counter()
    for seed in range(200):
        ids = _ids(highest(items, scores, 3, _rng(seed)))
        assert ids[:2] == ["a-003", "a-001"]
        drawn[ids[2]] += 1
    assert set(drawn) == {"a-000", "a-002", "a-004", "a-005"}
    assert min(drawn.values()) > 25


def test_the_highest_of_each_label_in_turn():
    items = _items(a=3, b=3, c=1)
    scores = [9.0, 8.0, 7.0, 3.0, 2.0, 1.0, 0.5]
    chosen = _ids(highest(items, scores, 5, _rng(), balance=True))
    # One turn of a, b and c, then the two best of the second turn; sorted by score.
    assert chosen == ["a-000", "a-001", "b-000", "b-001", "c-000"]
    assert _ids(highest(items, scores, 4, _rng(), balance=True)) == [
        "a-000",
        "a-001",
        "b-000",
        "c-000",
    ]
    assert len(highest(items, scores, 20, _rng(), balance=True)) == 7


def test_a_fixed_set_is_repeated_without_the_query_itself():
    items = _items(a=5)
    chosen = Random().choose(items, 3, _rng(1))
    inside = chosen[1]
    lists = choose_for(Random(), items, 3, _rng(1), [Item("q", "text"), inside])
    assert lists == [chosen, [chosen[0], chosen[2]]]
    assert choose_for(Random(), items, 3, _rng(1), []) == []


def test_each_query_gets_its_own(embedder: SentenceEmbedder):
    items = [
        Item("cat", "a cat sleeps", gold="a"),
        Item("tax", "the tax office", gold="b"),
        Item("dog", "a dog barks", gold="a"),
    ]
    queries = [Item("q", "income tax"), items[0]]
    lists = choose_for(Similar(embedder), items, 1, _rng(), queries)
    assert [_ids(one) for one in lists] == [["tax"], ["dog"]]


@pytest.mark.parametrize("name", ["similar", "diverse", "vote-k"])
def test_a_missing_embedder_is_named(name: str):
    with pytest.raises(ConfigError, match=f"{name} needs an embedder; give `embedder`"):
        make_selector(name)
    with pytest.raises(ConfigError, match="needs an embedder"):
        check_selector(name)
    assert needs(name) == ("embedder",)


@pytest.mark.parametrize("name", ["uncertain", "allsh", "informative"])
def test_a_missing_scorer_is_named(name: str, embedder: SentenceEmbedder):
    with pytest.raises(ConfigError, match=f"{name} needs a scorer of prompts"):
        make_selector(name, embedder=embedder)
    # There is none before there is a model.
    check_selector(name)
    assert needs(name) == ("scorer",)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("random", {"seed": 1}, "random has no option 'seed'; its options are cover_labels"),
        ("allsh", {"copy": 1}, "allsh has no option 'copy'; its options are perturbation, copies"),
        ("allsh", {"copies": 0}, "copies is 0"),
        ("allsh", {"divergence": "tv"}, "allsh: divergence is 'tv'; give 'kl', 'jsd' or 'alpha'"),
        ("allsh", {"alpha": float("nan")}, "alpha is nan"),
        ("allsh", {"perturbation": "typos"}, "no perturbation 'typos'"),
        ("allsh", {"condition": "few-shot"}, "no condition 'few-shot'"),
        ("allsh", {"condition": [Item("d", "text")]}, "demonstration 'd' has no label"),
        ("uncertain", {"shots": 0}, "with 0 shots"),
        ("uncertain", {"measure": "variance"}, "uncertain: measure is 'variance'; give"),
        ("informative", {"search": "beam"}, "search is 'beam'; give 'random' or 'greedy'"),
        ("informative", {"trials": 0}, "trials is 0"),
        ("informative", {"texts": 1}, "texts is 1"),
        ("vote-k", {"neighbours": 0}, "neighbours is 0"),
        ("vote-k", {"rho": 1.0}, "rho is 1.0"),
        ("simlar", {}, "did you mean 'similar'"),
    ],
)
def test_options_are_checked_before_there_is_a_model(
    name: str, options: dict[str, Any], message: str, embedder: SentenceEmbedder
):
    with pytest.raises(ConfigError, match=message):
        check_selector(name, embedder=embedder, **options)


def test_what_an_order_needs_is_known_too():
    assert needs("similar-last") == ("embedder",)
    assert needs("reversed") == needs("random") == ()
