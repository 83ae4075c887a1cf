"""What every demonstration selector promises, checked for each name in the registry."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.demonstrations import (
    REGISTRY,
    DemonstrationSelector,
    PerQuerySelector,
    choose_for,
    make_selector,
    needs,
)
from llmal.demonstrations.protocol import RankingSelector
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError, DataError
from llmal.lm import TransformersLM
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.task import Task

LABELS = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]
OPTIONS: dict[str, dict[str, Any]] = {
    "allsh": {"copies": 2},
    "informative": {"trials": 3, "texts": 4},
}
SELECTORS = REGISTRY.names()
BALANCING = ["balanced", "similar", "uncertain", "allsh", "informative"]

Make = Callable[..., DemonstrationSelector]


@pytest.fixture
def make(tiny_hf: TransformersLM, embedder: SentenceEmbedder) -> Make:
    template = load_prompt("label").with_values(
        {"noun": "question", "field": "Question", "answer": "Answer Type"}
    )
    prompts = LabellingPrompts(Task("trec6", LABELS), template, tiny_hf, "completion")

    def made(name: str, **options: Any) -> DemonstrationSelector:
        given = {**OPTIONS.get(name, {}), **options}
        return make_selector(name, scorer=PromptScorer(prompts), embedder=embedder, **given)

    return made


@pytest.fixture(scope="module")
def questions(shared: Path) -> list[Item]:
    path = shared / "data" / "trec6" / "train.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(40), strict=False)]
    return [Item(f"{row['id']:04d}", row["text"], gold=row["label"]) for row in rows]


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _choose(
    selector: DemonstrationSelector, candidates: Sequence[Item], k: int, seed: int = 0
) -> list[Item]:
    query = Item("query", "How many miles is it to the moon ?")
    return selector.choose(candidates, k, _rng(seed), query)


def _ids(items: Sequence[Item]) -> list[str]:
    return [item.id for item in items]


@pytest.mark.parametrize("name", SELECTORS)
def test_it_says_what_it_is(name: str, make: Make):
    selector = make(name)
    assert isinstance(selector, DemonstrationSelector)
    assert type(selector) is REGISTRY.get(name)
    assert set(selector.requires) <= {"scorer", "embedder"}
    assert needs(name) == selector.requires
    if selector.per_query:
        assert isinstance(selector, PerQuerySelector)


@pytest.mark.parametrize("k", [1, 4, 8])
@pytest.mark.parametrize("name", SELECTORS)
def test_k_distinct_candidates_as_they_are(name: str, k: int, make: Make, questions: list[Item]):
    candidates = questions[:16]
    before = list(candidates)
    chosen = _choose(make(name), candidates, k)
    assert len(chosen) == len(set(_ids(chosen))) == k
    assert all(one in candidates for one in chosen)
    assert candidates == before


@pytest.mark.parametrize("name", SELECTORS)
def test_neither_order_nor_repetition_changes_the_choice(
    name: str, make: Make, questions: list[Item]
):
    candidates = questions[:16]
    selector = make(name)
    first = _ids(_choose(selector, candidates, 4, seed=3))
    assert _ids(_choose(selector, candidates, 4, seed=3)) == first
    assert _ids(_choose(selector, candidates[::-1], 4, seed=3)) == first
    shuffled = [candidates[i] for i in _rng(9).permutation(len(candidates))]
    assert _ids(_choose(make(name), shuffled, 4, seed=3)) == first


@pytest.mark.parametrize("name", SELECTORS)
def test_equal_texts_are_drawn_at_random(name: str, make: Make):
    candidates = [Item(f"{n}", "Who is it ?", gold="Person") for n in range(8)]
    selector = make(name)
    draws = set()
    for seed in range(12):
        chosen = _ids(_choose(selector, candidates, 2, seed))
        assert len(set(chosen)) == 2
        draws.add(chosen[0])
    assert len(draws) > 2


@pytest.mark.parametrize("name", SELECTORS)
def test_no_query_is_its_own_demonstration(name: str, make: Make, questions: list[Item]):
    candidates, queries = questions[:10], questions[6:14]
    selector = make(name)
    lists = choose_for(selector, candidates, 4, _rng(1), queries)
    assert len(lists) == len(queries)
    for query, shown in zip(queries, lists, strict=True):
        assert query.id not in _ids(shown)
        assert len(shown) == len(set(_ids(shown)))
        assert len(shown) == 4 or (len(shown) == 3 and not selector.per_query)
    if selector.per_query:
        assert len({tuple(_ids(shown)) for shown in lists}) > 1
        alone = [selector.choose(candidates, 4, _rng(1), query) for query in queries]
        assert lists == alone
    else:
        whole = selector.choose(candidates, 4, _rng(1))
        assert lists == [[one for one in whole if one.id != query.id] for query in queries]


@pytest.mark.parametrize("name", [one for one in SELECTORS if not REGISTRY.get(one).per_query])
def test_a_fixed_set_does_not_look_at_the_query(name: str, make: Make, questions: list[Item]):
    selector = make(name)
    one, other, none = (
        selector.choose(questions[:10], 3, _rng(2), query)
        for query in (questions[20], questions[5], None)
    )
    assert one == other == none


@pytest.mark.parametrize("name", SELECTORS)
def test_no_shots_and_no_candidates(name: str, make: Make, questions: list[Item]):
    assert _choose(make(name), questions[:3], 0) == []
    assert _choose(make(name), [], 0) == []
    assert _choose(make(name), [], 2) == []
    assert choose_for(make(name), questions[:3], 2, _rng(), []) == []


@pytest.mark.parametrize("name", SELECTORS)
def test_fewer_candidates_than_shots_are_all_chosen_and_said(
    name: str, make: Make, questions: list[Item], caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING, "llmal.few_shot"):
        chosen = _choose(make(name), questions[:4], 8)
    assert sorted(_ids(chosen)) == _ids(questions[:4])
    said = [r.getMessage() for r in caplog.records if "demonstrations: only" in r.getMessage()]
    assert said == ["4 of 8 demonstrations: only 4 candidates are there"]
    caplog.clear()
    with caplog.at_level(logging.WARNING, "llmal.few_shot"):
        assert _choose(make(name), questions[:1], 2) == questions[:1]
    assert "1 of 2 demonstrations: only 1 candidate is there" in caplog.messages


@pytest.mark.parametrize("name", SELECTORS)
def test_candidates_that_cannot_be_used(name: str, make: Make, questions: list[Item]):
    selector = make(name)
    with pytest.raises(DataError, match="the candidate 'lost' has no label"):
        _choose(selector, [*questions[:3], Item("lost", "Who ?")], 2)
    with pytest.raises(DataError, match="-1 demonstrations were asked for"):
        _choose(selector, questions[:3], -1)
    with pytest.raises(DataError, match="two candidates have the id"):
        _choose(selector, [*questions[:3], questions[0]], 2)


@pytest.mark.parametrize("name", BALANCING)
def test_balance_names_a_label_without_candidates(
    name: str, make: Make, questions: list[Item], caplog: pytest.LogCaptureFixture
):
    options: dict[str, Any] = {} if name == "balanced" else {"balance": True}
    if "scorer" not in needs(name):
        options["labels"] = LABELS
    candidates = [one for one in questions if one.gold in ("Entity", "Person", "Description")]
    with caplog.at_level(logging.WARNING, "llmal.few_shot"):
        chosen = _choose(make(name, **options), candidates, 3)
    assert {one.gold for one in chosen} == {"Entity", "Person", "Description"}
    (said,) = caplog.messages
    assert "no candidate has the label 'Abbreviation', 'Location', 'Number'" in said


@pytest.mark.parametrize("name", SELECTORS)
def test_strange_texts_do_not_stop_it(name: str, make: Make):
    texts = ["", " ", "?", "word", "\n\n", "<|end|>", "Wer wohnt im 東京 ?", "x" * 3000]
    candidates = [Item(f"{n}", text, gold=LABELS[n % len(LABELS)]) for n, text in enumerate(texts)]
    assert len(set(_ids(_choose(make(name), candidates, 5)))) == 5


@pytest.mark.parametrize("name", SELECTORS)
def test_every_label_is_shown_on_request(name: str, make: Make, questions: list[Item]):
    # One label has a single candidate among forty, so that few choices hit upon it.
    rare = [item for item in questions if item.gold == "Location"][:1]
    others = [item for item in questions if item.gold in ("Entity", "Description")]
    candidates = [*others, *rare]
    for seed in range(3):
        chosen = _choose(make(name, cover_labels=True), candidates, 4, seed)
        assert len(set(_ids(chosen))) == 4
        assert {item.gold for item in chosen} == {"Entity", "Description", "Location"}
    two = _choose(make(name, cover_labels=True), candidates, 2)
    assert len({item.gold for item in two}) == 2


@pytest.mark.parametrize("name", SELECTORS)
def test_covering_changes_no_more_than_it_must(name: str, make: Make, questions: list[Item]):
    alike = [item for item in questions if item.gold == "Entity"]
    plain, covering = (
        _choose(make(name), alike, 3),
        _choose(make(name, cover_labels=True), alike, 3),
    )
    assert _ids(plain) == _ids(covering)


@pytest.mark.parametrize("name", SELECTORS)
def test_a_ranking_begins_with_the_choice_of_a_few(
    name: str, make: Make, questions: list[Item], tiny_hf: TransformersLM
):
    selector = make(name)
    if not (isinstance(selector, RankingSelector) and selector.ranks):
        assert name in ("balanced", "diverse", "informative")
        return
    before = tiny_hf.usage.requests
    few = _choose(selector, questions[:20], 5)
    cost = tiny_hf.usage.requests - before
    everything = _choose(selector, questions[:20], 20)
    assert tiny_hf.usage.requests - before <= 2 * cost
    assert _ids(everything)[:5] == _ids(few)


def test_cover_labels_is_true_or_false(make: Make):
    with pytest.raises(ConfigError, match="cover_labels is 'yes'"):
        make("diverse", cover_labels="yes")
