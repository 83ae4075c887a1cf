"""BADGE beside k-means++ on gradients that are built."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from llmal.selectors import Badge, RoundState

LABELS, DIMENSIONS = 3, 4


def _arrays(size, seed=0, sharp=1.0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(size, DIMENSIONS)).astype("float32")
    return rng.dirichlet(np.full(LABELS, sharp), size=size), features


def _state(probabilities, features, labelled=()):
    return RoundState.from_arrays(
        probabilities=probabilities,
        features=features,
        labelled=np.array(labelled, dtype=int),
        labels=np.zeros(len(labelled), dtype=int),
    )


def _gradients(probabilities, features):
    errors = probabilities - np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    return (errors[:, :, None] * features[:, None, :].astype(float)).reshape(len(features), -1)


def _nearest(gradients, picked):
    return np.square(gradients[:, None] - gradients[picked]).sum(axis=2).min(axis=1)


def _select(state, k, seed=0, **options):
    return Badge(**options).select(state, k, np.random.default_rng(seed))


def _assert_drawn_as(seen, expected):
    """Pearson's chi-square of counts against probabilities, at about one in ten thousand."""
    total = seen.sum()
    assert not seen[expected == 0].any()
    frequent = expected * total >= 5
    counts = np.append(seen[frequent], seen[~frequent].sum())
    means = np.append(expected[frequent], expected[~frequent].sum()) * total
    counts, means = counts[means > 0], means[means > 0]
    chi = (np.square(counts - means) / means).sum()
    freedom = len(means) - 1
    assert abs(chi - freedom) < 4 * np.sqrt(2 * freedom)


def test_the_first_is_the_longest_gradient():
    arrays = _arrays(500)
    lengths = np.square(_gradients(*arrays)).sum(axis=1)
    picked = _select(_state(*arrays), 3)
    assert picked.indices[0] == lengths.argmax()
    assert picked.scores[0] == pytest.approx(4 * lengths.max())
    assert picked.why[0] == f"longest gradient, {np.sqrt(lengths.max()):.3g}"


@pytest.mark.parametrize("zero_centre", [False, True])
@pytest.mark.parametrize("sharp", [0.05, 1.0])
def test_others_are_drawn_by_their_squared_distance(sharp, zero_centre):
    arrays = _arrays(25, sharp=sharp)
    gradients, state = _gradients(*arrays), _state(*arrays)
    picks = np.array([_select(state, 3, s, zero_centre=zero_centre).indices for s in range(1500)])
    first = picks[0, 0]

    def weights(picked):
        nearest = _nearest(gradients, picked)
        if zero_centre:
            nearest = np.minimum(nearest, np.square(gradients).sum(axis=1))
        nearest[picked] = 0
        return nearest / nearest.sum()

    second = weights([first])
    _assert_drawn_as(np.bincount(picks[:, 1], minlength=25), second)
    third = sum(second[i] * weights([first, i]) for i in range(25) if second[i])
    _assert_drawn_as(np.bincount(picks[:, 2], minlength=25), third)


def _separations(gradients, picked):
    """The least squared distance between any two of the first two, three, ... picks."""
    chosen = gradients[picked]
    apart = np.square(chosen[:, None] - chosen).sum(axis=2)
    return [apart[:j, :j][np.triu_indices(j, 1)].min() for j in range(2, len(picked) + 1)]


def test_clusters_far_apart_are_each_found_before_any_is_found_twice():
    # Once they are, what is known of distances from lengths alone refuses nearly all draws.
    rng = np.random.default_rng(5)
    centres = np.repeat(np.eye(10), 100, axis=0)
    features = (centres + 1e-4 * rng.normal(size=centres.shape)).astype("float32")
    probabilities = np.tile([0.6, 0.4], (1000, 1))
    picked = _select(_state(probabilities, features), 25)
    assert sorted(picked.indices[:10] // 100) == list(range(10))
    expected = _separations(_gradients(probabilities, features), picked.indices)
    assert picked.scores[1:] == pytest.approx(expected, rel=1e-6)


def _plain(gradients, k, rng):
    """k-means++ as it is written down."""
    picked = [int(np.square(gradients).sum(axis=1).argmax())]
    while len(picked) < k:
        weights = _nearest(gradients, picked)
        picked.append(int(rng.choice(len(gradients), p=weights / weights.sum())))
    return picked


def test_its_potential_is_that_of_plain_seeding_where_most_draws_are_refused():
    # Clusters of unlike width: once each has a pick, what matters is the wide ones.
    rng = np.random.default_rng(6)
    of = np.arange(240) % 6
    widths = np.array([1e-3, 1e-3, 0.02, 0.02, 0.1, 0.1])[of, None]
    centres = rng.normal(size=(6, DIMENSIONS))[of]
    features = (centres + widths * rng.normal(size=centres.shape)).astype("float32")
    probabilities = np.tile([0.5, 0.3, 0.2], (240, 1))
    gradients, state = _gradients(probabilities, features), _state(probabilities, features)

    def logs(picks):
        return np.array([np.log(_nearest(gradients, one).mean()) for one in picks])

    plain = logs(_plain(gradients, 15, np.random.default_rng(s)) for s in range(150))
    ours = logs(_select(state, 15, s).indices for s in range(150))
    error = np.sqrt((plain.var() + ours.var()) / 150)
    assert abs(plain.mean() - ours.mean()) < 4 * error


def test_scores_are_the_least_squared_distance_between_the_picks():
    arrays = _arrays(200)
    gradients = _gradients(*arrays)
    picked = _select(_state(*arrays), 12)
    expected = _separations(gradients, picked.indices)
    assert picked.scores[1:] == pytest.approx(expected, rel=1e-9)


def test_the_reason_is_the_distance_to_the_nearest_picked():
    arrays = _arrays(200)
    gradients = _gradients(*arrays)
    picked = _select(_state(*arrays), 8)
    for j in range(1, 8):
        apart = np.sqrt(_nearest(gradients, picked.indices[:j])[picked.indices[j]])
        assert picked.why[j] == f"gradient {apart:.3g} from the nearest picked"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_copy_of_a_pick_is_picked_before_all_distinct_gradients(dtype, caplog):
    probabilities, features = _arrays(30)
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(30), 40))
    state = _state(probabilities[order].astype(dtype), 1e3 * features[order])
    with caplog.at_level(logging.WARNING, logger="llmal.selectors"):
        picked = _select(state, 50)
    assert sorted(order[picked.indices[:30]]) == list(range(30))
    assert (picked.scores[:30] > 0).all()
    assert (picked.scores[30:] == 0).all()
    assert set(picked.why[30:]) == {"drawn at random: fewer distinct gradients than picks"}
    assert "no other gradient was left after 30 picks; 20 more were drawn at random" in caplog.text


def test_equal_gradients_of_unequal_factors_are_the_same():
    # (0.5, -0.5) ⊗ h = (0.25, -0.25) ⊗ 2h
    probabilities = np.array([[0.5, 0.5], [0.75, 0.25], [0.5, 0.5]])
    features = np.array([[0.3, 0.7], [0.6, 1.4], [0.6, -0.2]], dtype="float32")
    gradients = _gradients(probabilities, features)
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-6)
    picked = _select(_state(probabilities, features), 3)
    assert set(picked.indices[:2].tolist()) in ({0, 2}, {1, 2})
    assert picked.scores[2] == 0


def test_items_that_are_certain_have_no_gradient_to_tell_them_apart():
    features = _arrays(60)[1]
    picks = np.array(
        [_select(_state(np.eye(3)[np.arange(60) % 3], features), 2, s).indices for s in range(300)]
    )
    assert len(np.unique(picks)) == 60


def test_more_items_than_one_chunk_some_of_them_labelled(tmp_path):
    size, d = 6000, 300
    rng = np.random.default_rng(2)
    np.save(tmp_path / "features.npy", rng.normal(size=(size, d)).astype("float32"))
    features = np.load(tmp_path / "features.npy", mmap_mode="r")
    probabilities = rng.dirichlet(np.ones(LABELS), size=size)
    state = _state(probabilities, features, labelled=range(0, size, 3))
    picked = _select(state, 40)
    errors = probabilities - np.eye(LABELS)[probabilities.argmax(axis=1)]
    lengths = np.square(errors).sum(axis=1) * np.square(features).sum(axis=1)
    lengths[::3] = 0
    assert picked.indices[0] == lengths.argmax()
    assert (picked.indices % 3 != 0).all()


def _as_scikit_activeml(probabilities, features):
    """Their strategy over a classifier whose predictions are these."""
    base = pytest.importorskip("skactiveml.base")
    pool = pytest.importorskip("skactiveml.pool")

    class Known(base.SkactivemlClassifier):
        def fit(self, X, y, sample_weight=None):
            return self

        def predict_proba(self, X):
            return probabilities

    known = Known(classes=list(range(probabilities.shape[1])))
    unlabelled = np.full(len(features), np.nan)

    def query(k, seed):
        return pool.Badge(random_state=seed).query(
            features.astype(float),
            unlabelled,
            known,
            fit_clf=False,
            batch_size=k,
            return_utilities=True,
        )

    return query


def test_with_a_zero_centre_it_draws_as_scikit_activeml():
    arrays = _arrays(25)
    picks, utilities = _as_scikit_activeml(*arrays)(2, seed=0)
    state = _state(*arrays)
    ours = np.array([_select(state, 2, s, zero_centre=True).indices for s in range(1500)])
    assert set(ours[:, 0]) == {picks[0]}
    _assert_drawn_as(np.bincount(ours[:, 1], minlength=25), np.nan_to_num(utilities[1]))


def test_with_a_zero_centre_its_potential_is_that_of_scikit_activeml():
    arrays = _arrays(300)
    gradients, state = _gradients(*arrays), _state(*arrays)
    query = _as_scikit_activeml(*arrays)

    def potential(picked):
        return _nearest(gradients, picked).mean()

    theirs = [potential(query(20, seed)[0]) for seed in range(50)]
    ours = [potential(_select(state, 20, s, zero_centre=True).indices) for s in range(50)]
    error = np.sqrt((np.var(theirs) + np.var(ours)) / 50)
    assert abs(np.mean(theirs) - np.mean(ours)) < 4 * error
