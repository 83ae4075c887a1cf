"""KMeansCentres and TypiClust on points whose answer is known."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from llmal.embed.clustering import k_means
from llmal.errors import ConfigError
from llmal.selectors import KMeansCentres, RoundState, TypiClust


def _mixture(sizes, d=8, seed=0):
    """Groups of points that lie far apart, shuffled: points (n, d) and the group of each (n,)."""
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = 50 * np.eye(len(sizes), d)
    return (centres[group] + rng.normal(size=(len(group), d))).astype("float32"), group


def _state(points, labelled=()):
    return RoundState.from_arrays(
        embeddings=np.asarray(points, dtype="float32"),
        labelled=np.array(labelled, dtype=int),
        labels=np.zeros(len(labelled), dtype=int),
    )


def _line(*xs):
    return np.array(xs, dtype="float32")[:, None]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("selector", [KMeansCentres(), TypiClust()])
def test_one_item_of_each_planted_group_the_largest_first(selector, seed):
    sizes = [90, 80, 70, 60, 50, 40, 30, 20]
    points, group = _mixture(sizes, seed=seed)
    selection = selector.select(_state(points), k=8, rng=np.random.default_rng(seed))
    assert group[selection.indices].tolist() == list(range(8))


def test_typiclust_serves_the_groups_without_a_label():
    points, group = _mixture([40, 50, 60, 70, 80])
    labelled = [int(np.flatnonzero(group == g)[0]) for g in (4, 2)]
    # L + k = 5 clusters
    selection = TypiClust().select(_state(points, labelled), k=3, rng=np.random.default_rng(0))
    assert group[selection.indices].tolist() == [3, 1, 0]
    assert selection.why[0].endswith("(70 items, 0 labelled)")


def test_typiclust_counts_its_own_picks_as_labelled():
    points, group = _mixture([60, 40])
    labelled = np.flatnonzero(group == 0)[:3]
    selector = TypiClust(max_clusters=2)
    selection = selector.select(_state(points, labelled), k=6, rng=np.random.default_rng(0))
    # 3 and 0 labelled: three for the small group, then by turns, the larger first at a tie.
    assert group[selection.indices].tolist() == [1, 1, 1, 0, 1, 0]
    assert selection.why[2].endswith("(40 items, 0 labelled, 2 picked before)")
    assert selection.why[3].endswith("(60 items, 3 labelled)")


def test_typiclust_serves_outliers_only_when_nothing_else_is_left():
    points, group = _mixture([30, 20, 5])
    selector = TypiClust(max_clusters=3)
    some = selector.select(_state(points), k=4, rng=np.random.default_rng(0))
    assert group[some.indices].tolist() == [0, 1, 0, 1]
    every = selector.select(_state(points), k=55, rng=np.random.default_rng(0))
    assert group[every.indices[50:]].tolist() == [2] * 5
    assert (np.diff(every.scores) <= 0).all()
    kept = TypiClust(max_clusters=3, small_cluster=4)
    third = kept.select(_state(points), k=3, rng=np.random.default_rng(0))
    assert group[third.indices].tolist() == [0, 1, 2]


def test_typicality_is_the_mean_of_distances_and_not_of_their_squares():
    # Two nearest of 100.1: 0.1 and 1.7, mean 0.9. Of 0: 1 and 1, mean 1, the least mean square.
    points = _line(-1, 0, 1, 100, 100.1, 101.8)
    selection = TypiClust(neighbours=2).select(_state(points), k=1, rng=np.random.default_rng(0))
    assert selection.indices.tolist() == [4]


def test_typicality_looks_at_no_more_than_half_of_the_cluster():
    # With two of four neighbours, 1 has the least mean distance; with all four, 2 would.
    points = _line(0, 1, 2, 10, 20)
    selection = TypiClust().select(_state(points), k=1, rng=np.random.default_rng(0))
    assert selection.indices.tolist() == [1]


def test_labelled_items_are_no_neighbours():
    # A cluster of ten: the five at 0 to 0.04 would be the most typical, but four have labels.
    points = _line(0.0, 0.01, 0.02, 0.03, 0.04, 5, 6, 7, 8, 9)
    selector = TypiClust(max_clusters=1, neighbours=2)
    state = _state(points, labelled=(0, 1, 3, 4))
    assert selector.select(state, k=1, rng=np.random.default_rng(0)).indices[0] in {6, 7, 8}


def test_large_clusters_are_thinned_with_a_warning(caplog):
    points, group = _mixture([300, 200, 40])
    selector = TypiClust(max_cluster_items=50)
    with caplog.at_level(logging.WARNING, logger="llmal.selectors"):
        selection = selector.select(_state(points), k=3, rng=np.random.default_rng(0))
    assert group[selection.indices].tolist() == [0, 1, 2]
    assert [record.getMessage() for record in caplog.records] == [
        "typiclust: 2 of 3 clusters hold more than 50 items; typicality was measured on that many "
        "of each, drawn at random (max_cluster_items)"
    ]
    caplog.clear()
    TypiClust(max_cluster_items=None).select(_state(points), k=3, rng=np.random.default_rng(0))
    assert not caplog.records


@pytest.mark.parametrize(
    "option", ["max_clusters", "neighbours", "max_cluster_items", "small_cluster"]
)
def test_options_out_of_range(option):
    with pytest.raises(ConfigError, match=f"typiclust: {option} is -1; at least"):
        TypiClust(**{option: -1})


def test_kmeans_picks_the_item_nearest_to_the_centre():
    # Centres 1.5 (of 0, 1, 1.6, 3.4) and 101.
    points = _line(0, 1, 1.6, 3.4, 100, 101, 102)
    selection = KMeansCentres().select(_state(points), k=2, rng=np.random.default_rng(0))
    assert selection.indices.tolist() == [2, 5]
    assert selection.scores == pytest.approx([4 / 7, 3 / 7])
    assert selection.why[0] == "nearest to the centre of a cluster of 4 items"


def test_kmeans_covers_every_distinct_text_before_it_repeats_one():
    points = np.repeat(20 * np.eye(4), [50, 30, 15, 5], axis=0)
    selection = KMeansCentres().select(_state(points), k=7, rng=np.random.default_rng(0))
    assert points[selection.indices[:4]].argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert selection.scores[:4] == pytest.approx([0.5, 0.3, 0.15, 0.05])
    assert selection.scores[4:].tolist() == [0, 0, 0]
    assert selection.why[4].startswith("drawn at random")


def test_kmeans_does_not_look_at_labelled_items():
    points, group = _mixture([30, 30, 30])
    labelled = np.flatnonzero(group == 1)
    selection = KMeansCentres().select(_state(points, labelled), k=2, rng=np.random.default_rng(0))
    assert sorted(group[selection.indices]) == [0, 2]


def test_every_item_belongs_to_its_nearest_centre_whatever_the_chunks():
    # 30,000 rows of 64 columns are more than one chunk.
    points, group = _mixture([20_000, 10_000], d=64)
    positions = np.arange(30_000)
    clusters = k_means(points, positions, 2, np.random.default_rng(0))
    assert sorted(clusters.sizes) == [10_000, 20_000]
    assert len({*zip(clusters.of.tolist(), group.tolist(), strict=True)}) == 2
    assert clusters.squared.mean() == pytest.approx(64, rel=0.05)
