"""What every selector promises, checked for each name in the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmal.core.records import Item
from llmal.errors import SelectionError
from llmal.lm import TransformersLM
from llmal.lm.cache import ResponseCache
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.selectors import (
    REGISTRY,
    SIGNALS,
    AskingSelector,
    RoundState,
    Selection,
    Selector,
    UtilitySelector,
    make,
)
from llmal.selectors.wrappers.wrapper import spaces_of
from llmal.task import Task

SIZE, DIMENSIONS = 120, 6
NAMES = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]
LABELS = len(NAMES)
OPTIONS: dict[str, dict[str, Any]] = {
    "subsample": {"selector": "margin", "items": 80},
    "near_duplicates": {"selector": "typiclust"},
    "diverse": {"selector": "margin"},
    "class_balanced": {"selector": "margin"},
    "cost_aware": {"selector": "margin"},
    "mixture": {"selectors": ["typiclust", "margin"], "weights": [0.3, 0.7]},
    "switch": {"first": "random", "then": "margin", "labels": 1},
    "scikit_activeml": {"strategy": "UncertaintySampling"},
    "llm_batch": {"window": 16, "per_window": 8},
    "llm_disagreement": {"answers": 3, "candidates": 30},
    "llm_rank": {"mode": "list", "ranked": 12, "window": 6, "step": 3},
    "perplexity": {"selector": "margin"},
    "quality": {"selector": "margin"},
}
"""What a selector cannot do without, or what keeps it quick here."""

WORDS = [
    "who",
    "what",
    "when",
    "where",
    "which",
    "how",
    "many",
    "is",
    "are",
    "the",
    "of",
    "city",
    "river",
    "king",
    "war",
    "star",
]


SEVERAL = " (several labels)"
"""Follows the name of a selector in a round in which an item takes several labels."""


def _space(name):
    return Task("trec6", NAMES, kind="multi" if name.endswith(SEVERAL) else "single").space


def _labels(name, columns):
    """Labels of labelled items: columns; of several labels that one and the first."""
    if not name.endswith(SEVERAL):
        return columns
    table = np.zeros((len(columns), LABELS), dtype=int)
    table[np.arange(len(columns)), columns] = 1
    table[:, :1] = 1
    return table


@pytest.fixture(scope="module")
def scorer(tiny_hf: TransformersLM, tmp_path_factory: pytest.TempPathFactory):
    """The small model with a task; what it was asked before it answers from a cache."""
    template = load_prompt("label").with_values(
        {"noun": "question", "field": "Question", "answer": "Answer Type"}
    )
    before = tiny_hf.cache
    folder: Path = tmp_path_factory.mktemp("responses")
    tiny_hf.cache = ResponseCache(folder / "responses.sqlite")
    prompts = LabellingPrompts(Task("trec6", NAMES), template, tiny_hf, "completion")
    yield PromptScorer(prompts)
    tiny_hf.cache.close()
    tiny_hf.cache = before


def _texts(size: int, rng: np.random.Generator) -> list[str]:
    return [" ".join([*rng.choice(WORDS, size=4), str(n), "?"]) for n in range(size)]


def _softmax(scores):
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _predictor(size: int) -> Callable[[Any], Any]:
    weights = np.random.default_rng(11).normal(size=(size, LABELS))
    return lambda features: _softmax(np.asarray(features) @ weights)


def _of_items(items: Sequence[Item]):
    """Probabilities from the lengths of the words of a text."""
    rows = [[len(one.text.split(word)) for word in WORDS[:LABELS]] for one in items]
    return _softmax(np.array(rows, dtype=float).reshape(len(items), LABELS))


def _arrays(size=SIZE, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(LABELS), size=size)
    return {
        "embeddings": rng.normal(size=(size, DIMENSIONS)).astype("float32"),
        "features": rng.normal(size=(size, DIMENSIONS - 1)).astype("float32"),
        "probabilities": probabilities,
        "lm_scores": np.log(probabilities),
        "committee": rng.dirichlet(np.ones(LABELS), size=(3, size)),
        "likelihoods": rng.normal(-4, 1, size=size),
        "costs": rng.uniform(1, 2, size=size),
        "texts": _texts(size, rng),
    }


def _level_arrays(size=SIZE):
    """All items alike: everything is a tie."""
    return {
        "embeddings": np.full((size, DIMENSIONS), 0.3, dtype="float32"),
        "features": np.full((size, DIMENSIONS - 1), 0.3, dtype="float32"),
        "probabilities": np.full((size, LABELS), 1 / LABELS),
        "lm_scores": np.full((size, LABELS), -np.log(LABELS)),
        "committee": np.full((3, size, LABELS), 1 / LABELS),
        "likelihoods": np.full(size, -4.0),
        "costs": np.full(size, 2.0),
        "texts": ["what is it ?"] * size,
    }


@pytest.fixture
def state_of(name, scorer):
    """Makes a state with every signal."""

    def made(arrays, labelled=(3, 50, 7), labels=None):
        if labels is None:
            labels = np.arange(len(labelled)) % LABELS
        known = {
            "space": _space(name),
            "labelled_probabilities": _predictor(2)(np.arange(2 * len(labelled)).reshape(-1, 2)),
            "predict": _predictor(arrays["features"].shape[1]),
            "predict_items": _of_items,
            "scorer": scorer,
        }
        if not len(labelled):
            del known["labelled_probabilities"]
        where = np.array(labelled, dtype=int)
        made = known | arrays
        if name.endswith(SEVERAL):
            # Several labels are predicted for some items, and none for others.
            for signal in {"probabilities", "committee", "labelled_probabilities"} & made.keys():
                made[signal] = np.sqrt(made[signal])
        return RoundState.from_arrays(**made, labelled=where, labels=_labels(name, labels))

    return made


def _plain(name):
    return name.removesuffix(SEVERAL)


def _made(name):
    return make(_plain(name), **OPTIONS.get(_plain(name), {}))


def _rounds():
    """Each selector, and each in the kinds of rounds that it works in."""
    for one in REGISTRY.names():
        if one == "scikit_activeml" and not util.find_spec("skactiveml"):
            kinds = ("single",)
        else:
            kinds = spaces_of(_made(one))
        yield from (one + (SEVERAL if kind == "multi" else "") for kind in kinds)


def _select(name, state, k, seed=0):
    return _made(name).select(state, k=k, rng=np.random.default_rng(seed))


def _check(selection, state, k):
    assert isinstance(selection, Selection)
    assert selection.indices.dtype == np.int64
    assert selection.scores.dtype == np.float64
    assert selection.indices.shape == selection.scores.shape == (k,)
    assert len(set(selection.indices.tolist())) == k
    assert set(selection.indices.tolist()) <= set(state.unlabelled.tolist())
    assert np.isfinite(selection.scores).all()
    assert (np.diff(selection.scores) <= 0).all()
    assert len(selection.why) == k
    assert all(isinstance(reason, str) and reason for reason in selection.why)


@pytest.fixture(params=_rounds())
def name(request):
    if request.param == "scikit_activeml":
        pytest.importorskip("skactiveml")
    return request.param


def _needs_labels(name):
    return "labels" in _made(name).requires


def test_it_is_a_selector_that_knows_its_name_and_its_signals(name):
    selector = _made(name)
    assert isinstance(selector, Selector)
    assert selector.name == _plain(name)
    assert isinstance(selector.requires, frozenset)
    assert selector.requires <= set(SIGNALS)
    assert repr(selector).startswith(type(selector).__name__ + "(")
    assert selector == _made(name)


@pytest.mark.parametrize("k", [1, 2, 10, 60])
def test_it_picks_k_distinct_unlabelled_items_best_first(name, k, state_of):
    state = state_of(_arrays())
    _check(_select(name, state, k), state, k)


@pytest.mark.parametrize("labelled", [(), (0,), (119,), tuple(range(0, 120, 2))])
def test_it_works_with_any_number_of_labelled_items(name, labelled, state_of):
    state = state_of(_arrays(), labelled)
    if not labelled and _needs_labels(name):
        with pytest.raises(
            SelectionError, match=f"{_plain(name)} needs labels, .* has none; label some"
        ):
            _select(name, state, 12)
    else:
        _check(_select(name, state, 12), state, 12)


def test_all_that_is_left_is_all_picked(name, state_of):
    state = state_of(_arrays())
    selection = _select(name, state, SIZE - 3)
    _check(selection, state, SIZE - 3)
    assert sorted(selection.indices) == state.unlabelled.tolist()


def test_a_pool_of_one_item(name, state_of):
    if _needs_labels(name):
        return
    state = state_of(_arrays(size=1), labelled=())
    selection = _select(name, state, 1)
    _check(selection, state, 1)
    assert selection.indices.tolist() == [0]


def test_the_last_unlabelled_item(name, state_of):
    state = state_of(_arrays(size=4), labelled=(0, 1, 3))
    assert _select(name, state, 1).indices.tolist() == [2]


@pytest.mark.parametrize("k", [1, 10, 117])
def test_items_that_are_all_alike(name, k, state_of):
    state = state_of(_level_arrays())
    _check(_select(name, state, k), state, k)


def test_labelled_items_of_one_label(name, state_of):
    state = state_of(_arrays(), labels=np.zeros(3, dtype=int))
    _check(_select(name, state, 10), state, 10)


def test_items_with_fewer_distinct_texts_than_picks(name, state_of):
    few = _arrays(size=5)
    copies = np.repeat(np.arange(5), 24)
    arrays = {
        signal: values[:, copies] if signal == "committee" else np.asarray(values)[copies]
        for signal, values in few.items()
    }
    state = state_of({**arrays, "texts": arrays["texts"].tolist()})
    _check(_select(name, state, 40), state, 40)


def test_the_same_seed_gives_the_same_picks(name, state_of):
    for arrays in (_arrays(), _level_arrays()):
        one, other = (_select(name, state_of(arrays), 15, seed=4) for _ in range(2))
        assert one.indices.tolist() == other.indices.tolist()
        assert one.scores.tolist() == other.scores.tolist()
        assert list(one.why) == list(other.why)


def test_ties_are_drawn_and_not_taken_in_the_order_of_the_pool(name, state_of):
    state = state_of(_level_arrays(), labelled=(5,) if _needs_labels(name) else ())
    picks = np.array([_select(name, state, 6, seed).indices for seed in range(30)])
    assert len({tuple(row) for row in picks}) > 25
    # Of 180 fair draws from 120 items, six at once, about 94 items are seen.
    assert len(np.unique(picks)) > 75
    assert abs(picks[:, 0].mean() - (SIZE - 1) / 2) < 25  # four standard errors


def test_the_selection_is_the_only_use_of_randomness(name, state_of):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    _select(name, state_of(_arrays()), 10)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_it_changes_nothing_that_it_was_given(name, state_of):
    arrays = _arrays()
    copies = {signal: np.array(values) for signal, values in arrays.items()}
    for values in arrays.values():
        if isinstance(values, np.ndarray):
            values.flags.writeable = False
    state = state_of(arrays)
    _select(name, state, 10)
    for signal, values in arrays.items():
        assert (np.asarray(values) == copies[signal]).all()
    assert state.labelled.tolist() == [3, 50, 7]


def test_asking_twice_of_one_state_gives_the_same(name, state_of):
    state = state_of(_arrays())
    first, second = _select(name, state, 10), _select(name, state, 10)
    assert first.indices.tolist() == second.indices.tolist()


def test_more_than_there_are(name, state_of):
    state = state_of(_arrays(size=15), labelled=(0, 1, 2))
    with pytest.raises(SelectionError, match=r"^asked for 30 items, but only 12 are unlabelled$"):
        _select(name, state, 30)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, None])
def test_a_number_that_is_no_number_of_items(name, k, state_of):
    with pytest.raises(SelectionError, match=rf"asked for {k} items"):
        _select(name, state_of(_arrays()), k)


def _suppliers(arrays, scorer, asked):
    """What `from_pool` takes, each noting that it was asked."""

    def noting(signal, give):
        def supply(*given):
            asked.add(signal)
            return give(*given)

        return supply

    def rows(signal):
        if signal == "committee":
            return noting(signal, lambda positions: arrays[signal][:, positions])
        return noting(signal, lambda positions: arrays[signal][positions])

    by_item = ("probabilities", "committee", "lm_scores", "likelihoods", "costs")
    return {
        **{signal: rows(signal) for signal in by_item},
        "uncertainty": noting(
            "uncertainty", lambda positions: 1 - arrays["probabilities"][positions].max(axis=1)
        ),
        "embeddings": noting("embeddings", lambda: arrays["embeddings"]),
        "features": noting("features", lambda: arrays["features"]),
        "labelled_probabilities": noting(
            "labelled_probabilities", lambda positions: arrays["probabilities"][positions]
        ),
        "predict": noting("predict", _predictor(arrays["features"].shape[1])),
        "predict_items": noting("predict_items", _of_items),
        "scorer": noting("scorer", lambda: scorer),
    }


def _pool(arrays):
    from llmal.pool import Pool

    return Pool.from_texts(arrays["texts"])


def test_a_missing_signal_is_named_with_the_selector(name, scorer):
    arrays = _arrays()
    for missing in _made(name).requires - {"texts", "labels"}:
        suppliers = _suppliers(arrays, scorer, set())
        del suppliers[missing]
        if missing == "features":
            del suppliers["embeddings"]
        if missing == "uncertainty":
            del suppliers["probabilities"]
        state = RoundState.from_pool(
            _pool(arrays), labelled=[0], labels=_labels(name, [0]), space=_space(name), **suppliers
        )
        with pytest.raises(
            SelectionError, match=f"selector {_plain(name)} needs .*, and this round has none; "
        ):
            _select(name, state, 5)


def test_it_asks_for_no_signal_beyond_those_it_requires(name, scorer):
    arrays, asked = _arrays(), set()
    suppliers = _suppliers(arrays, scorer, asked)
    state = RoundState.from_pool(
        _pool(arrays), labelled=[3], labels=_labels(name, [0]), space=_space(name), **suppliers
    )
    selector = _made(name)
    _check(selector.select(state, k=10, rng=np.random.default_rng(0)), state, 10)
    assert asked == selector.requires - {"texts", "labels"}


def test_items_set_aside_are_not_picked(name, scorer):
    arrays = _arrays()
    state = RoundState.from_pool(
        _pool(arrays),
        labelled=[3],
        labels=_labels(name, [0]),
        space=_space(name),
        exclude=range(10, 110),
        **_suppliers(arrays, scorer, set()),
    )
    selection = _select(name, state, 19)
    assert sorted(selection.indices) == [*range(3), *range(4, 10), *range(110, 120)]


def test_of_fewer_items_to_pick_from_none_but_those_are_picked(name, state_of):
    state = state_of(_arrays())
    few = state.among(np.arange(20, 50))
    selection = _select(name, few, 12)
    _check(selection, few, 12)
    assert set(selection.indices.tolist()) <= set(state.unlabelled[20:50].tolist())


def test_rows_for_all_items_or_for_the_unlabelled_give_the_same_picks(name, state_of):
    arrays = _arrays()
    known = {"labelled_probabilities": arrays["probabilities"][[3, 50, 7]]}
    whole = state_of({**arrays, **known})
    part = arrays | {
        signal: arrays[signal][whole.unlabelled]
        for signal in ("probabilities", "lm_scores", "likelihoods", "costs")
    }
    part["committee"] = arrays["committee"][:, whole.unlabelled]
    assert (
        _select(name, whole, 15).indices.tolist()
        == _select(name, state_of({**part, **known}), 15).indices.tolist()
    )


def test_utilities_are_what_it_ranks_by(name, state_of):
    selector = _made(name)
    if not isinstance(selector, UtilitySelector):
        return
    state = state_of(_arrays())
    utilities = selector.utilities(state, np.random.default_rng(0))
    assert utilities.values.shape == state.unlabelled.shape
    assert np.isfinite(utilities.values).all()
    picks = _select(name, state, 5)
    assert picks.scores.tolist() == np.sort(utilities.values)[::-1][:5].tolist()
    best = int(utilities.values.argmax())
    assert isinstance(utilities.why(best), str)


def test_who_asks_a_language_model_says_the_most_that_it_can_cost(name, state_of):
    selector = _made(name)
    asks = "scorer" in selector.requires
    assert isinstance(selector, AskingSelector) or not asks
    if not asks:
        return
    state = state_of(_arrays())
    most = selector.plan(state, 10, None).highest
    spent = _select(name, state, 10).usage
    assert 0 < spent.requests <= most.requests
    assert 0 < spent.tokens <= most.tokens


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy"])
def test_the_order_of_the_pool_does_not_matter(name, state_of):
    arrays = _arrays()
    order = np.random.default_rng(9).permutation(SIZE)
    place = np.argsort(order)
    moved = arrays | {"probabilities": arrays["probabilities"][order]}
    there = _select(name, state_of(moved, labelled=tuple(place[[3, 50, 7]])), 15, seed=1)
    here = _select(name, state_of(arrays), 15, seed=0)
    assert order[there.indices].tolist() == here.indices.tolist()
    assert there.scores.tolist() == here.scores.tolist()
