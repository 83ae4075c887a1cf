"""Neighbours among many vectors: exact while that is quick, then in inverted lists."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from llmal.embed.neighbours import Neighbours
from llmal.errors import DataError


def _clustered(n, d=16, clusters=40, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(clusters, d)) * 3
    return (centres[rng.integers(clusters, size=n)] + rng.normal(size=(n, d))).astype("float32")


def _brute(queries, base, k):
    apart = np.linalg.norm(queries[:, None].astype(float) - base[None], axis=2)
    found = np.argsort(apart, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(apart, found, axis=1), found


def test_small_sets_are_searched_exactly():
    base = _clustered(500)
    index = Neighbours(base)
    distances, found = index.search(base[:30], 7)
    far, where = _brute(base[:30], base, 7)
    assert found.tolist() == where.tolist()
    np.testing.assert_allclose(distances, far, atol=1e-5)
    assert (distances[:, 0] == 0).all()
    assert index.exact


def test_a_set_of_several_blocks_is_searched_exactly():
    base = _clustered(70_000, d=4)
    distances, found = Neighbours(base).search(base[:5], 6)
    far, where = _brute(base[:5], base, 6)
    assert found.tolist() == where.tolist()
    np.testing.assert_allclose(distances, far, atol=1e-5)


@pytest.mark.parametrize("exact_pairs", [10**10, 0])
def test_neighbours_are_counted_among_the_positions(exact_pairs):
    base = _clustered(300)
    some = np.random.default_rng(3).permutation(300)[:120]
    index = Neighbours(base, some, exact_pairs=exact_pairs, probes=100)
    assert len(index) == 120
    queries = np.array([7, 200, 45])
    _, found = index.search(base, 4, queries)
    assert found.tolist() == _brute(base[queries], base[some], 4)[1].tolist()


def test_distances_keep_their_digits_far_from_the_origin():
    base = _clustered(200) + np.float32(1000)
    distances, found = Neighbours(base).search(base, 5)
    far, where = _brute(base, base, 5)
    assert (found == where).mean() > 0.99  # float32 holds some of them equal
    np.testing.assert_allclose(distances, far, rtol=1e-4)


def test_lists_find_nearly_all_neighbours_of_clustered_vectors(caplog):
    base = _clustered(20_000)
    queries = base[::40]
    lists = Neighbours(base, exact_pairs=queries.shape[0] * len(base) - 1)
    with caplog.at_level(logging.INFO, "llmal.embed"):
        distances, found = lists.search(queries, 10)
    assert not lists.exact
    assert "20000 vectors: looked up in 32 of 282 lists" in caplog.text
    whole = Neighbours(base)
    far, where = whole.search(queries, 10)
    assert whole.exact
    shared = [len(set(a) & set(b)) for a, b in zip(found.tolist(), where.tolist(), strict=True)]
    assert sum(shared) > 0.95 * where.size
    exactly = np.linalg.norm(queries[:, None] - base[found], axis=2)
    np.testing.assert_allclose(distances, exactly, atol=1e-4)
    assert (distances >= far - 1e-4).all()


def test_the_same_seed_gives_the_same_neighbours():
    base = _clustered(3_000)
    one, other = (
        Neighbours(base, seed=5, exact_pairs=0, probes=2).search(base[:200], 10) for _ in range(2)
    )
    assert one[1].tolist() == other[1].tolist()
    assert one[0].tolist() == other[0].tolist()


def test_earlier_searches_count_towards_the_change_to_lists():
    base = _clustered(1_000)
    index = Neighbours(base, exact_pairs=150_000)
    index.search(base[:100], 3)
    assert index.exact
    index.search(base[:100], 3)
    assert not index.exact


def test_lists_too_short_for_all_neighbours_are_made_up_for():
    base = _clustered(400)
    index = Neighbours(base, exact_pairs=0, probes=1)
    distances, found = index.search(base[:20], 300)
    assert (found >= 0).all()
    assert all(len(set(row)) == 300 for row in found.tolist())
    assert (np.diff(distances, axis=1) >= 0).all()


def test_copies_are_at_distance_zero():
    base = np.repeat(_clustered(10), 8, axis=0)
    distances, found = Neighbours(base).search(base, 9)
    assert (distances[:, :8] == 0).all()
    assert (distances[:, 8] > 0.1).all()
    assert (found[:, :8] // 8 == np.arange(80)[:, None] // 8).all()


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbours_than_vectors_are_refused(k):
    base = _clustered(9)
    with pytest.raises(DataError, match=f"{k} neighbours were asked for among 3"):
        Neighbours(base, np.arange(3)).search(base, k)


def test_widths_that_differ_are_refused():
    with pytest.raises(DataError, match="do not fit"):
        Neighbours(_clustered(9, d=4)).search(_clustered(2, d=5), 1)
