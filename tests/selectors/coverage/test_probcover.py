"""ProbCover: greedy cover by balls of one radius."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from llmal.errors import ConfigError
from llmal.selectors import RoundState, make


def _state(embeddings, labelled=(), labels=None):
    where = np.array(labelled, dtype=int)
    return RoundState.from_arrays(
        embeddings=np.asarray(embeddings, dtype="float32"),
        labelled=where,
        labels=0 * where if labels is None else labels,
    )


def _picks(state, k, seed=0, **options):
    return make("probcover", **options).select(state, k, np.random.default_rng(seed))


def _stars(sizes, seed=0):
    """Hubs, each with satellites around it at 0.9: only the hub is within 1 of all of them."""
    rng = np.random.default_rng(seed)
    rows, hubs = [], []
    for star, size in enumerate(sizes):
        angles = np.linspace(0, 2 * np.pi, size, endpoint=False) + rng.uniform(0, 1)
        around = 0.9 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        hubs.append(len(rows))
        rows += [*(np.vstack([[0, 0], around]) + np.array([20 * star, 0]))]
    return np.array(rows), np.array(hubs)


def _clusters(n, count=3, apart=3.0, seed=0):
    rng = np.random.default_rng(seed)
    of = np.arange(n) % count
    return (np.eye(count, 5)[of] * apart + rng.normal(size=(n, 5)) * 0.2).astype("float32"), of


def test_on_a_line_the_dense_part_comes_first():
    state = _state([[0], [1], [2], [10], [11], [20]])
    selection = _picks(state, 3, delta=1)
    assert selection.indices[0] == 1
    assert selection.indices[1] in (3, 4)
    assert selection.indices[2] == 5
    assert selection.scores.tolist() == [3, 2, 1]
    assert selection.why[0] == "3 items not yet covered within 1"


def test_what_a_labelled_item_covers_counts_no_more():
    state = _state([[0], [1], [2], [10], [11], [20]], labelled=[1])
    selection = _picks(state, 2, delta=1)
    assert selection.indices[0] in (3, 4)
    assert selection.indices[1] == 5
    assert selection.scores.tolist() == [2, 1]


def test_once_all_is_covered_the_farthest_item_comes_next():
    state = _state([[0], [0.5], [10], [10.75]])
    selection = _picks(state, 4, delta=1)
    assert set((selection.indices[:2] // 2).tolist()) == {0, 1}
    assert selection.indices[2] // 2 == 1
    assert selection.scores.tolist() == [2, 2, 0, 0]
    assert selection.why[2].startswith("all is covered within 1; 0.750 from the nearest")


@pytest.mark.parametrize("n_labelled", [0, 12])
def test_each_pick_covers_the_most_there_is_to_cover(n_labelled):
    rng = np.random.default_rng(2)
    embeddings = rng.normal(size=(900, 3)).astype("float32")
    labelled = np.arange(n_labelled)
    selection = _picks(_state(embeddings, labelled), 25, delta=0.6)
    apart = np.linalg.norm(embeddings[:, None].astype(float) - embeddings[None], axis=2)
    within = apart <= 0.6
    left = ~within[labelled].any(axis=0)
    for pick, score in zip(selection.indices, selection.scores, strict=True):
        gains = (within & left).sum(axis=1)
        assert gains[pick] == score == gains[n_labelled:].max()
        left &= ~within[pick]


def test_the_picks_are_those_of_scikit_activeml():
    pool = pytest.importorskip("skactiveml.pool")
    embeddings, hubs = _stars([9, 14, 11, 7, 12])
    labels = np.full(len(embeddings), np.nan)
    labels[hubs[2]] = 0
    theirs = pool.ProbCover(deltas=[1.0], random_state=0).query(embeddings, labels, batch_size=4)
    ours = _picks(_state(embeddings, hubs[[2]]), 4, delta=1.0)
    assert ours.indices.tolist() == theirs.tolist() == hubs[[1, 4, 0, 3]].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_radius_is_that_of_scikit_activeml_without_its_steps(seed, caplog):
    pool = pytest.importorskip("skactiveml.pool")
    embeddings, _ = _clusters(300, apart=1.2, seed=seed)
    theirs = pool.ProbCover(n_classes=3, random_state=0)
    theirs.query(embeddings, np.full(300, np.nan), batch_size=1)
    with caplog.at_level(logging.INFO, "llmal.selectors"):
        _picks(_state(embeddings), 1, clusters=3)
    delta = float(caplog.text.split("delta ")[1].split(",")[0])
    assert theirs.delta_max_ <= delta < theirs.delta_max_ + 0.2


def test_the_radius_is_the_largest_at_which_enough_balls_are_pure(caplog):
    embeddings, of = _clusters(200, seed=4)
    apart = np.linalg.norm(embeddings[:, None].astype(float) - embeddings[None], axis=2)
    reach = np.where(of[:, None] == of, np.inf, apart).min(axis=1)
    with caplog.at_level(logging.INFO, "llmal.selectors"):
        _picks(_state(embeddings), 1, clusters=3, purity=0.9)
    delta = float(caplog.text.split("delta ")[1].split(",")[0])
    assert (reach > delta - 1e-3).mean() >= 0.9
    assert (reach > delta + 1e-3).mean() < 0.9


def test_labels_seen_say_how_many_clusters_stand_for_them(caplog):
    embeddings, of = _clusters(120, count=4)
    with caplog.at_level(logging.INFO, "llmal.selectors"):
        _picks(_state(embeddings, np.arange(4), of[:4]), 1)
        _picks(_state(embeddings), 1)
    assert "(4 clusters of 120 items)" in caplog.text
    assert "(2 clusters of 120 items)" in caplog.text


def test_of_too_many_items_a_part_is_covered_with_a_warning(caplog):
    embeddings = np.random.default_rng(0).normal(size=(400, 3))
    state = _state(embeddings, labelled=[5, 6])
    with caplog.at_level(logging.WARNING, "llmal.selectors"):
        selection = _picks(state, 10, delta=0.5, max_items=50)
    assert "of 398 unlabelled items, 50 drawn at random" in caplog.text
    assert len(set(selection.indices.tolist())) == 10
    assert selection.scores.max() < 50


def test_more_picks_than_items_to_cover():
    embeddings = np.random.default_rng(0).normal(size=(60, 3))
    selection = _picks(_state(embeddings), 30, max_items=10)
    assert len(set(selection.indices.tolist())) == 30


@pytest.mark.parametrize(
    "options", [{"delta": 0}, {"purity": 1}, {"clusters": 1}, {"max_items": 0}]
)
def test_options_out_of_range(options):
    with pytest.raises(ConfigError, match=f"probcover: {next(iter(options))} is"):
        make("probcover", **options)
