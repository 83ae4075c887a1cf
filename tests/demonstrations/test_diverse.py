"""One demonstration for each cluster."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.demonstrations import Diverse
from llmal.embed import SentenceEmbedder

SIZES = {"cat": 12, "tax": 7, "moon": 3}


class Table:
    """An embedder of texts that are row numbers."""

    fingerprint = "table"

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype("float32")
        self.dimensions = matrix.shape[1]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return self.matrix[[int(text) for text in texts]]


def _clusters(rng: np.random.Generator) -> tuple[Table, list[Item]]:
    centres = np.eye(3, 10)
    rows, items = [], []
    for number, (name, size) in enumerate(SIZES.items()):
        for n in range(size):
            items.append(Item(f"{name}-{n}", str(len(rows)), gold="a"))
            rows.append(centres[number] + rng.normal(scale=0.03, size=10))
    return Table(np.array(rows)), items


@pytest.mark.parametrize("seed", range(10))
def test_one_of_each_obvious_cluster_the_largest_first(seed: int):
    table, items = _clusters(np.random.default_rng(0))
    chosen = Diverse(table).choose(items, 3, np.random.default_rng(seed))
    assert [one.id.split("-")[0] for one in chosen] == ["cat", "tax", "moon"]
    for one in chosen:
        name = one.id.split("-")[0]
        mine = [item for item in items if item.id.startswith(name)]
        vectors = table.embed([item.text for item in mine])
        apart = np.linalg.norm(vectors - vectors.mean(axis=0), axis=1)
        assert one.id == mine[int(apart.argmin())].id


@pytest.mark.parametrize("seed", range(5))
def test_topics_of_real_texts(embedder: SentenceEmbedder, seed: int):
    texts = {
        "cat": ["The cat sleeps.", "A cat is purring.", "My cat eats fish.", "Cats like milk."],
        "tax": ["Income tax rises.", "Tax returns are due.", "A new tax on income."],
        "moon": ["The moon orbits the earth.", "A lunar eclipse of the moon."],
    }
    items = [
        Item(f"{topic}-{n}", text, gold="a")
        for topic, ones in texts.items()
        for n, text in enumerate(ones)
    ]
    chosen = Diverse(embedder).choose(items, 3, np.random.default_rng(seed))
    assert {one.id.split("-")[0] for one in chosen} == set(texts)


def test_fewer_distinct_texts_than_shots():
    table = Table(np.eye(2))
    items = [Item(f"{n}", str(n % 2), gold="a") for n in range(9)]
    firsts = set()
    for seed in range(30):
        chosen = Diverse(table).choose(items, 5, np.random.default_rng(seed))
        assert len({one.id for one in chosen}) == 5
        assert {one.text for one in chosen[:2]} == {"0", "1"}
        firsts.add(chosen[0].id)
    assert len(firsts) > 3


def test_as_many_shots_as_candidates():
    table, items = _clusters(np.random.default_rng(0))
    chosen = Diverse(table).choose(items, len(items), np.random.default_rng(0))
    assert sorted(one.id for one in chosen) == sorted(one.id for one in items)
    assert Diverse(table).choose(items, 0, np.random.default_rng(0)) == []
