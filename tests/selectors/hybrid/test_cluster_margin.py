"""Cluster-Margin on clusters that are plain to see."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from llmal.errors import ConfigError
from llmal.selectors import ClusterMargin, RoundState

CENTRES = np.array([[0, 0], [10, 0], [0, 10], [10, 10]], dtype="float32")


def _state(of, margins, spread=0.1):
    """Two-dimensional features around four centres, and two labels apart by the margin."""
    of, margins = np.array(of), np.array(margins)
    features = CENTRES[of] + np.random.default_rng(8).uniform(-spread, spread, (len(of), 2))
    probabilities = np.stack([(1 + margins) / 2, (1 - margins) / 2], axis=1)
    return RoundState.from_arrays(
        features=features.astype("float32"), probabilities=probabilities, labelled=[], labels=[]
    )


def _select(state, k, seed=0, **options):
    return ClusterMargin(**options).select(state, k, np.random.default_rng(seed))


# 1, 2, 4 and 3 candidates of margin 0.1, and others that are more certain.
OF = [0] + [1] * 2 + [2] * 4 + [3] * 3 + [0, 1, 2, 3] * 10
MARGINS = [0.1] * 10 + [0.8] * 40


@pytest.mark.parametrize("among", ["pool", "candidates"])
def test_clusters_take_turns_those_with_the_fewest_candidates_first(among):
    picked = _select(_state(OF, MARGINS), 10, factor=1, clusters=4, among=among)
    assert [OF[i] for i in picked.indices] == [0, 1, 3, 2, 1, 3, 2, 3, 2, 2]
    assert picked.scores == pytest.approx(
        [1 / 2, 1 / 3, 1 / 4, 1 / 5, -2 / 3, -3 / 4, -4 / 5, -7 / 4, -9 / 5, -14 / 5]
    )
    assert sorted(picked.indices) == list(range(10))
    assert picked.why[4] == "margin 0.100, number 2 from a cluster of 2 candidates"


def test_only_the_smallest_margins_are_candidates():
    margins = np.linspace(0.9, 0.1, 40)
    state = _state([0, 1, 2, 3] * 10, margins)
    seen = {i for s in range(60) for i in _select(state, 4, s, factor=3).indices.tolist()}
    assert seen == set(range(28, 40))


def test_one_of_each_cluster_when_there_are_k():
    state = _state([0] * 30 + [1] * 5 + [2] * 9 + [3] * 2, np.full(46, 0.2))
    picked = _select(state, 4, factor=100)
    assert picked.indices[0] in (44, 45)
    assert [int(np.searchsorted([30, 35, 44], i, side="right")) for i in picked.indices] == [
        3,
        1,
        2,
        0,
    ]


def test_a_threshold_makes_as_many_clusters_as_there_are():
    state = _state([0] * 8 + [1] * 7 + [2] * 6 + [3] * 5, np.full(26, 0.2))
    near = _select(state, 2, factor=100, threshold=1.0)
    assert near.scores == pytest.approx([1 / 6, 1 / 7])  # the clusters of 5 and of 6
    far = _select(state, 2, factor=100, threshold=100.0)
    assert far.scores == pytest.approx([1 / 27, 1 / 27 - 1])  # all are one cluster
    none = _select(state, 2, factor=100, threshold=0.0)
    assert none.scores == pytest.approx([1 / 2, 1 / 2])  # each is alone


def test_average_linkage_is_scipys_of_all_distances():
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    # Rows beyond one chunk of distances, far from the origin.
    rng = np.random.default_rng(4)
    features = (100 + rng.normal(size=(1300, 3))).astype("float32")
    state = RoundState.from_arrays(
        features=features,
        probabilities=np.tile([0.5, 0.5], (1300, 1)),
        labelled=[],
        labels=[],
    )
    merged = linkage(pdist(features.astype(float)), method="average")
    of = fcluster(merged, 50, "maxclust")
    picked = _select(state, 50, factor=26)
    sizes = np.bincount(of)[1:]
    assert sorted(of[picked.indices]) == list(range(1, 51))
    assert picked.scores == pytest.approx(1 / (1 + np.sort(sizes)))


def test_too_many_items_are_clustered_by_k_means_and_it_says_so(caplog):
    state = _state([0, 1, 2, 3] * 25, np.full(100, 0.2))
    with caplog.at_level(logging.WARNING, logger="llmal.selectors"):
        picked = _select(state, 4, factor=100, max_items=99)
    assert "100 items are too many for average linkage (max_items is 99); 4 clusters" in caplog.text
    assert sorted(picked.indices % 4) == [0, 1, 2, 3]
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="llmal.selectors"):
        _select(state, 4, factor=5, max_items=99, among="candidates")
    assert not caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 0}, "factor is 0; at least 1"),
        ({"clusters": 0}, "clusters is 0; at least 1"),
        ({"max_items": 0}, "max_items is 0; at least 1"),
        ({"threshold": -1.0}, "threshold is -1.0; a distance"),
        ({"threshold": float("nan")}, "threshold is nan; a distance"),
        ({"threshold": 1.0, "clusters": 3}, "both clusters and threshold are given"),
        ({"among": "all"}, "nothing to cluster among 'all'; use pool or candidates"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ConfigError, match=message):
        ClusterMargin(**options)
