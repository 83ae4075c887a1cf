"""Votes on the graph of neighbours, worked out by hand and against a plain loop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.demonstrations import VoteK
from llmal.demonstrations.vote_k import vote


class Table:
    """An embedder of texts that are row numbers."""

    fingerprint = "table"

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype("float32")
        self.dimensions = matrix.shape[1]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return self.matrix[[int(text) for text in texts]]


def _items(count: int) -> list[Item]:
    return [Item(f"{n:03d}", str(n), gold="a") for n in range(count)]


def test_a_graph_worked_out_by_hand():
    graph = np.array([[1, 2], [0, 2], [0, 1], [0, 4], [3, 5], [3, 4]])
    # Votes at first: 3 2 2 2 2 1. Row 0 is taken, and 1, 2 and 3, which have it beside them, count
    # a tenth: row 3 has the whole votes of 4 and 5, row 4 has 1.1, row 5 has 1. Row 3 is taken, 4
    # and 5 count a tenth: rows 1, 2, 4 and 5 have 0.1 each, and the first of them goes. Nobody is
    # left who votes for 2; rows 4 and 5 have 0.1. After 4 nobody has a vote.
    assert vote(graph, 6, 10.0) == [0, 3, 1, 4, 2, 5]


@pytest.mark.parametrize("seed", range(5))
def test_against_a_plain_loop(seed: int):
    rng = np.random.default_rng(seed)
    n, k = 60, 12
    graph = np.array([rng.choice(np.delete(np.arange(n), v), 7, replace=False) for v in range(n)])
    chosen: list[int] = []
    for step, best in enumerate(vote(graph, k, 10.0)):
        scores = {
            u: sum(
                10.0 ** -sum(w in graph[v] for w in chosen)
                for v in range(n)
                if u in graph[v] and v not in chosen
            )
            for u in range(n)
            if u not in chosen
        }
        assert scores[best] == pytest.approx(max(scores.values())), step
        chosen.append(best)
    assert len(set(chosen)) == k


def test_the_middle_of_each_group_comes_before_another_of_the_same():
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(4, 12), 10, axis=0)
    table = Table(centres + rng.normal(scale=0.1, size=centres.shape))
    for seed in range(5):
        chosen = VoteK(table, neighbours=9).choose(_items(40), 4, np.random.default_rng(seed))
        assert {int(one.id) // 10 for one in chosen} == {0, 1, 2, 3}


def test_few_candidates_look_at_few_neighbours():
    table = Table(np.array([[1, 0], [1, 0.1], [1, 0.2], [0, 1], [-1, 0.2]]))
    # Two neighbours of each: 1 and 2 for 0; 0 and 2 for 1; 1 and 0 for 2; 2 and 1 for 3; 3 and 2
    # for 4. Row 2 has four votes.
    chosen = VoteK(table).choose(_items(5), 1, np.random.default_rng(0))
    assert [one.id for one in chosen] == ["002"]
    assert len(VoteK(table).choose(_items(5), 5, np.random.default_rng(0))) == 5
    assert len(VoteK(table).choose(_items(1), 1, np.random.default_rng(0))) == 1
    assert len(VoteK(table).choose(_items(2), 2, np.random.default_rng(0))) == 2
    assert VoteK(table).choose(_items(5), 0, np.random.default_rng(0)) == []


def test_many_equal_texts():
    table = Table(np.array([[1.0, 0.0], [0.0, 1.0]]))
    items = [Item(f"{n:03d}", str(n % 2), gold="a") for n in range(400)]
    firsts = set()
    for seed in range(10):
        chosen = VoteK(table).choose(items, 8, np.random.default_rng(seed))
        assert len({one.id for one in chosen}) == 8
        firsts.add(chosen[0].id)
    assert len(firsts) > 3
