"""Selectors where an item takes several labels: which work, and what they pick."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

from llmal.errors import ConfigError, SelectionError
from llmal.selectors import REGISTRY, TABLE, Entropy, LeastConfidence, LeastSure, Margin, make
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import check_spaces, spaces_of
from llmal.task import Task

TASK = Task("emotions", ["joy", "anger", "fear"], kind="multi")
RNG = np.random.default_rng(0)
SIZE = 60
LABELLED = np.array([3, 17, 40, 41])
LABELS = RNG.integers(0, 2, (4, 3))
PROBABILITIES = RNG.random((SIZE, 3))
COMMITTEE = RNG.random((3, SIZE, 3))
EMBEDDINGS = RNG.normal(size=(SIZE, 5)).astype(np.float32)

WORKS = {
    "random", "least_confidence", "margin", "entropy", "least_sure", "kmeans", "typiclust",
    "coreset", "dal", "bald", "query_by_committee", "variation_ratio", "bayesian_density",
    "badge", "cal", "cluster_margin", "dropquery", "label_cardinality", "cvirs",
}  # fmt: skip
AROUND = {"subsample", "near_duplicates", "diverse", "cost_aware", "mixture", "switch"}


def _state(**more):
    given = {
        "embeddings": EMBEDDINGS,
        "probabilities": PROBABILITIES,
        "labelled": LABELLED,
        "labels": LABELS,
        "texts": [f"text number {n} {'word ' * (n % 7)}" for n in range(SIZE)],
        "costs": np.ones(SIZE),
        "committee": COMMITTEE,
        "predict": lambda rows: 1 / (1 + np.exp(-rows[:, :3])),
        "space": TASK.space,
    }
    return RoundState.from_arrays(**{**given, **more})


def _made(name):
    options = {
        "subsample": {"items": 30, "selector": "margin"},
        "near_duplicates": {"selector": "margin"},
        "diverse": {"selector": "margin"},
        "cost_aware": {"selector": "margin"},
        "mixture": {"selectors": ["margin", "random"]},
        "switch": {"first": "typiclust", "then": "margin", "labels": 5},
        "class_balanced": {"selector": "margin"},
        "perplexity": {"selector": "margin"},
        "quality": {"selector": "margin"},
        "scikit_activeml": {"strategy": "UncertaintySampling"},
    }
    return make(name, **options.get(name, {}))


@pytest.mark.parametrize("name", sorted({*TABLE} - {"scikit_activeml"}))
def test_every_selector_works_or_is_refused_by_name(name):
    try:
        selector = _made(name)
    except (ConfigError, TypeError) as error:
        pytest.fail(str(error))
    if "multi" in spaces_of(selector):
        assert name in WORKS | AROUND | {"perplexity"}
        check_spaces(TASK, selector)
    else:
        assert name not in WORKS | AROUND
        said = f"^the selector {name} works with one label an item, and task 'emotions' takes"
        with pytest.raises(ConfigError, match=said):
            check_spaces(TASK, selector)


@pytest.mark.parametrize("name", sorted(WORKS | AROUND))
def test_those_that_work_pick_as_asked(name):
    selector, state = _made(name), _state()
    picks = selector.select(state, 7, np.random.default_rng(1))
    assert len(set(picks.indices.tolist())) == 7
    assert not set(picks.indices.tolist()) & set(LABELLED.tolist())
    again = selector.select(_state(), 7, np.random.default_rng(1))
    assert picks.indices.tolist() == again.indices.tolist()


def test_a_wrapper_works_with_what_all_inside_work_with():
    assert "multi" in spaces_of(make("diverse", selector="margin"))
    assert "multi" not in spaces_of(make("mixture", selectors=["margin", "promptal"]))
    assert "multi" not in spaces_of(make("class_balanced", selector="margin"))


@pytest.mark.parametrize("over", ["mean", "max"])
def test_uncertainties_are_those_of_each_labels_yes_and_no(over):
    state = _state()
    p = PROBABILITIES[state.unlabelled]
    both = np.stack([p, 1 - p])
    expected = {
        LeastConfidence: 1 - both.max(axis=0),
        Margin: 1 - np.abs(p - (1 - p)),
        Entropy: -(both * np.log(both)).sum(axis=0),
    }
    for kind, each in expected.items():
        found = kind(over=over).utilities(state, RNG).values
        assert found == pytest.approx(getattr(each, over)(axis=1))


def test_committees_disagree_about_each_labels_yes_and_no():
    state = _state()
    p = COMMITTEE[:, state.unlabelled]
    both = np.stack([p, 1 - p])
    mean = both.mean(axis=1, keepdims=True)
    divergence = (both * np.log(both / mean)).sum(axis=0).mean(axis=0)
    votes = (p > 0.5).mean(axis=0)
    entropy = -np.stack([scipy.special.xlogy(v, v) for v in (votes, 1 - votes)]).sum(axis=0)
    expected = {
        make("bald"): divergence,
        make("query_by_committee"): divergence,
        make("query_by_committee", disagreement="vote_entropy"): entropy,
        make("variation_ratio"): np.minimum(votes, 1 - votes),
    }
    for selector, each in expected.items():
        assert selector.utilities(state, RNG).values == pytest.approx(each.mean(axis=1))


def test_cal_takes_the_mean_divergence_over_the_labels():
    state = _state()
    apart = ((EMBEDDINGS[state.unlabelled, None] - EMBEDDINGS[LABELLED]) ** 2).sum(axis=2)
    near = np.argsort(apart, axis=1)[:, :2]
    p = PROBABILITIES[state.unlabelled][:, None]
    q = PROBABILITIES[LABELLED][near]
    each = q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
    found = make("cal", neighbours=2).utilities(state, RNG).values
    assert found == pytest.approx(each.mean(axis=(1, 2)))


def test_badge_picks_the_longest_gradient_of_all_labels_first():
    state = _state()
    p = PROBABILITIES[state.unlabelled]
    gradients = (p - (p > 0.5))[:, :, None] * EMBEDDINGS[state.unlabelled][:, None]
    lengths = np.sqrt((gradients**2).sum(axis=(1, 2)))
    picks = make("badge").select(state, 3, np.random.default_rng(0))
    rows = np.searchsorted(state.unlabelled, picks.indices)
    assert rows[0] == lengths.argmax()
    flat = gradients.reshape(len(p), -1)
    apart = min(((flat[one] - flat[rows[2]]) ** 2).sum() for one in rows[:2])
    nearest = min(apart, ((flat[rows[0]] - flat[rows[1]]) ** 2).sum())
    assert picks.scores[2] == pytest.approx(nearest)


def test_dropquery_counts_answers_of_which_any_label_changed():
    def predict(rows):
        # The third label alone hangs on one feature, that of the items of the second half.
        return np.stack([np.full(len(rows), 0.9), np.full(len(rows), 0.1), rows[:, 0]], axis=1)

    embeddings = np.ones((SIZE, 2), dtype=np.float32)
    embeddings[: SIZE // 2, 0] = 0
    state = _state(embeddings=embeddings, predict=predict)
    picks = make("dropquery", rescale=False, passes=9).select(state, 5, np.random.default_rng(0))
    assert (picks.indices >= SIZE // 2).all()


def test_the_language_models_log_odds_are_taken_too():
    odds = RNG.normal(size=(SIZE, 3))
    state = _state(probabilities=None, lm_scores=odds, size=SIZE)
    p = 1 / (1 + np.exp(-odds[state.unlabelled]))
    found = Margin(of="lm").utilities(state, RNG).values
    assert found == pytest.approx((1 - np.abs(2 * p - 1)).mean(axis=1))


def test_least_sure_is_what_the_space_says_in_every_space():
    state = _state()
    found = LeastSure().utilities(state, RNG).values
    assert found == pytest.approx(TASK.space.uncertainty(PROBABILITIES[state.unlabelled]))
    whole = PROBABILITIES / PROBABILITIES.sum(axis=1, keepdims=True)
    single = RoundState.from_arrays(probabilities=whole, labelled=[1, 2], labels=[0, 1])
    found = LeastSure().utilities(single, RNG).values
    assert found == pytest.approx(LeastConfidence().utilities(single, RNG).values)


def test_an_uncertainty_that_is_given_counts():
    given = RNG.random(SIZE)
    state = _state(uncertainty=given)
    assert LeastSure().utilities(state, RNG).values == pytest.approx(given[state.unlabelled])
    few = state.among(np.array([3, 9, 20]))
    assert few.uncertainty == pytest.approx(given[few.unlabelled])
    derived = _state().among(np.array([3, 9, 20]))
    assert derived.uncertainty == pytest.approx(_state().uncertainty[[3, 9, 20]])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"labels": [0, 1, 2, 0]}, "labels of shape"),
        ({"labels": LABELS * 2}, "give 0 or 1 for each label"),
        ({"labels": LABELS[:2]}, "labels of shape"),
        ({"probabilities": PROBABILITIES + 1}, "lie outside 0 to 1"),
        ({"probabilities": np.full((SIZE, 3), np.nan)}, "contain NaN"),
    ],
)
def test_what_is_not_usable_is_said(more, said):
    with pytest.raises(SelectionError, match=said):
        _state(**more)


def test_the_option_over_is_checked():
    with pytest.raises(ConfigError, match="over"):
        REGISTRY.get("margin")(over="median")
