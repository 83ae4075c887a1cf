"""Nearest neighbours of each query, against a plain search."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.demonstrations import Similar
from llmal.embed import SentenceEmbedder
from llmal.errors import DataError


class Table:
    """An embedder of texts that are row numbers."""

    fingerprint = "table"

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype("float32")
        self.dimensions = matrix.shape[1]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return self.matrix[[int(text) for text in texts]]


def _questions(shared: Path, file: str, count: int) -> list[Item]:
    with gzip.open(shared / "data" / "trec6" / f"{file}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(count), strict=False)]
    return [Item(f"{file}-{row['id']}", row["text"], gold=row["label"]) for row in rows]


def _rows(count: int, labels: str = "a", start: int = 0) -> list[Item]:
    return [
        Item(f"i{n:05d}", str(n), gold=labels[n % len(labels)]) for n in range(start, start + count)
    ]


def _ids(items: Sequence[Item]) -> list[str]:
    return [item.id for item in items]


def test_against_a_plain_search(shared: Path, embedder: SentenceEmbedder):
    candidates, queries = _questions(shared, "train", 300), _questions(shared, "test", 40)
    queries += candidates[:10]
    chosen = Similar(embedder).choose_each(candidates, 5, np.random.default_rng(0), queries)
    base = embedder.embed([item.text for item in candidates]).astype(float)
    asked = embedder.embed([item.text for item in queries]).astype(float)
    cosines = asked @ base.T
    for query, shown, row in zip(queries, chosen, cosines, strict=True):
        row[[item.id == query.id for item in candidates]] = -np.inf
        assert _ids(shown) == [candidates[i].id for i in np.argsort(-row)[:5]]


def test_one_query_at_a_time_gives_the_same(shared: Path, embedder: SentenceEmbedder):
    candidates, queries = _questions(shared, "train", 200), _questions(shared, "test", 30)
    for balance in (False, True):
        selector = Similar(embedder, balance=balance)
        together = selector.choose_each(candidates, 4, np.random.default_rng(3), queries)
        assert together == [
            selector.choose(candidates[::-1], 4, np.random.default_rng(3), query)
            for query in queries
        ]


def test_balanced_against_a_plain_search():
    rng = np.random.default_rng(0)
    table = Table(rng.normal(size=(60, 8)))
    candidates = [*_rows(45, labels="aaabbcd"), Item("lone", "45", gold="e")]
    queries = _rows(14, start=46) + candidates[:3]
    chosen = Similar(table, balance=True).choose_each(candidates, 8, rng, queries)
    for query, shown in zip(queries, chosen, strict=True):
        cosine = {
            one.id: float(table.embed([one.text]) @ table.embed([query.text])[0])
            for one in candidates
            if one.id != query.id
        }
        turns = []
        for label in "abcde":
            ranked = sorted(
                (one for one in candidates if one.gold == label and one.id in cosine),
                key=lambda one: -cosine[one.id],
            )
            turns += [(turn, -cosine[one.id], one.id) for turn, one in enumerate(ranked)]
        expected = sorted(sorted(turns)[:8], key=lambda one: one[1])
        assert _ids(shown) == [one for _, _, one in expected]
        assert "lone" in _ids(shown)


def test_balance_fills_up_where_a_label_runs_out():
    table = Table(np.random.default_rng(0).normal(size=(30, 4)))
    candidates = [Item(f"{n}", f"{n}", gold="a" if n else "b") for n in range(20)]
    (shown,) = Similar(table, balance=True).choose_each(
        candidates, 6, np.random.default_rng(0), [Item("q", "25")]
    )
    assert Counter(one.gold for one in shown) == {"a": 5, "b": 1}


def test_many_queries_in_blocks():
    rng = np.random.default_rng(0)
    table = Table(rng.normal(size=(2040, 2048)))
    candidates, queries = _rows(40), _rows(2000, start=40)
    chosen = Similar(table).choose_each(candidates, 3, rng, queries)
    best = np.argsort(-(table.matrix[40:] @ table.matrix[:40].T), axis=1)[:, :3]
    assert [_ids(one) for one in chosen] == [[f"i{n:05d}" for n in row] for row in best]


def test_a_query_is_never_its_own_demonstration_and_its_double_is():
    table = Table(np.random.default_rng(0).normal(size=(10, 4)))
    candidates = [*_rows(9), Item("double", "0", gold="a")]
    (shown,) = Similar(table).choose_each(candidates, 9, np.random.default_rng(0), [candidates[0]])
    assert len(shown) == 9
    assert shown[0].id == "double"
    assert "i00000" not in _ids(shown)


@pytest.mark.parametrize("count", [5, 40])
def test_equals_are_drawn_at_random(count: int):
    table = Table(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]))
    candidates = [Item(f"{n:02d}", "1" if n else "2", gold="a") for n in range(count)]
    query = Item("q", "0")
    firsts = Counter(
        Similar(table).choose(candidates, 2, np.random.default_rng(seed), query)[0].id
        for seed in range(40 * (count - 1))
    )
    assert set(firsts) == {f"{n:02d}" for n in range(1, count)}
    assert min(firsts.values()) > 15


def test_few_or_no_candidates(embedder: SentenceEmbedder):
    items = [Item("x", "a cat", gold="a"), Item("y", "a dog", gold="a")]
    rng = np.random.default_rng(0)
    selector = Similar(embedder)
    assert selector.choose_each([], 3, rng, items) == [[], []]
    assert selector.choose_each(items, 0, rng, items) == [[], []]
    assert selector.choose_each(items, 3, rng, []) == []
    assert [_ids(one) for one in selector.choose_each(items, 2, rng, items)] == [["y"], ["x"]]
    assert selector.choose_each(items[:1], 2, rng, items[:1]) == [[]]
    with pytest.raises(DataError, match="chosen for a query, and there is none"):
        selector.choose(items, 1, rng)
