"""BAL-PM: BALD and the entropy of the acquired set, greedily."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma

from llmal.errors import ConfigError
from llmal.selectors import RoundState, make


def _arrays(n, d=4, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(6, d)) * 2
    embeddings = centres[rng.integers(6, size=n)] + rng.normal(size=(n, d))
    return embeddings.astype("float32"), rng.dirichlet(np.ones(3), size=(4, n))


def _picks(embeddings, committee, labelled, k, seed=0, **options):
    where = np.array(labelled, dtype=int)
    state = RoundState.from_arrays(
        embeddings=embeddings, committee=committee, labelled=where, labels=0 * where
    )
    return make("bayesian_density", **options).select(state, k, np.random.default_rng(seed))


def _bald(committee):
    def entropy(p):
        return -(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1)

    return entropy(committee.mean(axis=0)) - entropy(committee).mean(axis=0)


def _brute(embeddings, committee, labelled, k, beta, neighbours):
    """Every distance measured, every score computed anew for each pick."""
    rows = embeddings.astype(float)
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    far = np.sort(apart, axis=1)[:, neighbours]
    told = _bald(committee)
    acquired, picks, scores = list(labelled), [], []
    for _ in range(k):
        within = (apart[:, acquired] <= far[:, None] + 1e-7).sum(axis=1)
        entropy = np.log(2 * far + 1e-4) - digamma(within + 1) / rows.shape[1]
        score = told + beta * entropy
        score[acquired] = -np.inf
        picks.append(int(score.argmax()))
        scores.append(score.max())
        acquired.append(picks[-1])
    return picks, scores


@pytest.mark.parametrize("beta", [0.0, 0.01, 0.2, 5.0])
@pytest.mark.parametrize("labelled", [[], [3, 77, 200, 500]])
def test_the_picks_are_those_of_the_formula(beta, labelled):
    """More items than are evaluated at first: the bounds leave out none that matters."""
    embeddings, committee = _arrays(1_500)
    selection = _picks(embeddings, committee, labelled, 20, beta=beta)
    picks, scores = _brute(embeddings, committee, labelled, 20, beta, 13)
    assert selection.indices.tolist() == picks
    np.testing.assert_allclose(selection.scores, scores, atol=1e-5)


def test_items_whose_bounds_promise_too_much_do_not_hide_the_best():
    """Copies in threes, far out: a part of the pool takes them for the sparsest items there are."""
    rng = np.random.default_rng(1)
    copies = np.repeat(rng.normal(size=(600, 4)) * 10, 3, axis=0)
    copies += rng.normal(size=copies.shape) * 0.01
    embeddings = np.vstack([copies, rng.normal(size=(600, 4)) * 5]).astype("float32")
    committee = np.full((2, 2_400, 2), 0.5)
    selection = _picks(embeddings, committee, [], 10, beta=1, neighbours=2)
    picks, scores = _brute(embeddings, committee, [], 10, 1, 2)
    assert selection.indices.tolist() == picks
    np.testing.assert_allclose(selection.scores, scores, atol=1e-5)


def test_fewer_items_than_neighbours():
    embeddings, committee = _arrays(8)
    selection = _picks(embeddings, committee, [2], 3, beta=1.0)
    assert selection.indices.tolist() == _brute(embeddings, committee, [2], 3, 1.0, 7)[0]


def test_without_weight_it_is_bald():
    embeddings, committee = _arrays(300)
    selection = _picks(embeddings, committee, [], 10, beta=0)
    assert selection.indices.tolist() == np.argsort(-_bald(committee))[:10].tolist()


def test_a_dense_region_is_not_picked_twice_where_a_sparse_one_tells_as_much():
    rng = np.random.default_rng(0)
    dense, sparse = rng.normal(size=(50, 2)) * 0.1, rng.normal(size=(50, 2)) * 5 + 40
    embeddings = np.vstack([dense, sparse]).astype("float32")
    committee = np.tile([[[0.9, 0.1]], [[0.1, 0.9]]], (1, 100, 1))
    selection = _picks(embeddings, committee, [], 10)
    assert (selection.indices >= 50).all()


def test_the_reason_gives_the_two_parts():
    embeddings, committee = _arrays(50)
    selection = _picks(embeddings, committee, [1], 1)
    told = _bald(committee)[selection.indices[0]]
    assert selection.why[0].startswith(f"a label tells {told:.3f} nats; ")
    assert " acquired within " in selection.why[0]


@pytest.mark.parametrize("options", [{"beta": -1}, {"beta": np.nan}, {"neighbours": 0}])
def test_options_out_of_range(options):
    with pytest.raises(ConfigError, match=f"bayesian_density: {next(iter(options))} is"):
        make("bayesian_density", **options)
