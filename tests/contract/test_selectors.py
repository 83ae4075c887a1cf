"""What every selector promises, checked for each name in the registry."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.errors import SelectionError
from llmal.selectors import REGISTRY, RoundState, Selection, Selector

SIZE, LABELS, DIMENSIONS = 120, 4, 6
SIGNALS = ("embeddings", "probabilities", "lm_scores")


def _arrays(size=SIZE, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(LABELS), size=size)
    return {
        "embeddings": rng.normal(size=(size, DIMENSIONS)).astype("float32"),
        "probabilities": probabilities,
        "lm_scores": np.log(probabilities),
    }


def _level_arrays(size=SIZE):
    """All items alike: everything is a tie."""
    return {
        "embeddings": np.full((size, DIMENSIONS), 0.3, dtype="float32"),
        "probabilities": np.full((size, LABELS), 1 / LABELS),
        "lm_scores": np.full((size, LABELS), -np.log(LABELS)),
    }


def _state(arrays, labelled=(3, 50, 7)):
    labels = np.arange(len(labelled)) % LABELS
    return RoundState.from_arrays(**arrays, labelled=np.array(labelled, dtype=int), labels=labels)


def _select(name, state, k, seed=0):
    return REGISTRY.get(name)().select(state, k=k, rng=np.random.default_rng(seed))


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


@pytest.fixture(params=REGISTRY.names())
def name(request):
    return request.param


def test_it_is_a_selector_that_knows_its_name_and_its_signals(name):
    selector = REGISTRY.get(name)()
    assert isinstance(selector, Selector)
    assert selector.name == name
    assert isinstance(selector.requires, frozenset)
    assert selector.requires <= set(SIGNALS)
    assert repr(selector).startswith(type(selector).__name__ + "(")
    assert selector == REGISTRY.get(name)()


@pytest.mark.parametrize("k", [1, 2, 10, 60])
def test_it_picks_k_distinct_unlabelled_items_best_first(name, k):
    state = _state(_arrays())
    _check(_select(name, state, k), state, k)


@pytest.mark.parametrize("labelled", [(), (0,), (119,), tuple(range(0, 120, 2))])
def test_it_works_with_any_number_of_labelled_items(name, labelled):
    state = _state(_arrays(), labelled)
    _check(_select(name, state, 12), state, 12)


def test_all_that_is_left_is_all_picked(name):
    state = _state(_arrays())
    selection = _select(name, state, SIZE - 3)
    _check(selection, state, SIZE - 3)
    assert sorted(selection.indices) == state.unlabelled.tolist()


def test_a_pool_of_one_item(name):
    state = _state(_arrays(size=1), labelled=())
    selection = _select(name, state, 1)
    _check(selection, state, 1)
    assert selection.indices.tolist() == [0]


def test_the_last_unlabelled_item(name):
    state = _state(_arrays(size=4), labelled=(0, 1, 3))
    assert _select(name, state, 1).indices.tolist() == [2]


@pytest.mark.parametrize("k", [1, 10, 117])
def test_items_that_are_all_alike(name, k):
    state = _state(_level_arrays())
    _check(_select(name, state, k), state, k)


def test_items_with_fewer_distinct_texts_than_picks(name):
    few = _arrays(size=5)
    state = _state({signal: np.repeat(values, 24, axis=0) for signal, values in few.items()})
    _check(_select(name, state, 40), state, 40)


def test_the_same_seed_gives_the_same_picks(name):
    for arrays in (_arrays(), _level_arrays()):
        one, other = (_select(name, _state(arrays), 15, seed=4) for _ in range(2))
        assert one.indices.tolist() == other.indices.tolist()
        assert one.scores.tolist() == other.scores.tolist()
        assert list(one.why) == list(other.why)


def test_ties_are_drawn_and_not_taken_in_the_order_of_the_pool(name):
    state = _state(_level_arrays(), labelled=())
    picks = np.array([_select(name, state, 6, seed).indices for seed in range(60)])
    assert len({tuple(row) for row in picks}) > 50
    # Of 360 fair draws from 120 items, about 114 items are seen.
    assert len(np.unique(picks)) > 90
    assert abs(picks[:, 0].mean() - (SIZE - 1) / 2) < 18  # four standard errors


def test_the_selection_is_the_only_use_of_randomness(name):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    _select(name, _state(_arrays()), 10)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_it_changes_nothing_that_it_was_given(name):
    arrays = _arrays()
    copies = {signal: values.copy() for signal, values in arrays.items()}
    for values in arrays.values():
        values.flags.writeable = False
    state = _state(arrays)
    _select(name, state, 10)
    for signal, values in arrays.items():
        assert (values == copies[signal]).all()
    assert state.labelled.tolist() == [3, 50, 7]


def test_asking_twice_of_one_state_gives_the_same(name):
    state = _state(_arrays())
    first, second = _select(name, state, 10), _select(name, state, 10)
    assert first.indices.tolist() == second.indices.tolist()


def test_more_than_there_are(name):
    state = _state(_arrays(size=15), labelled=(0, 1, 2))
    with pytest.raises(SelectionError, match=r"^asked for 30 items, but only 12 are unlabelled$"):
        _select(name, state, 30)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, None])
def test_a_number_that_is_no_number_of_items(name, k):
    with pytest.raises(SelectionError, match=rf"asked for {k} items"):
        _select(name, _state(_arrays()), k)


def test_a_missing_signal_is_named_with_the_selector(name):
    required = REGISTRY.get(name)().requires
    for missing in required:
        arrays = {signal: v for signal, v in _arrays().items() if signal != missing}
        state = RoundState.from_arrays(**arrays, labelled=[0], labels=[0], size=SIZE)
        with pytest.raises(
            SelectionError, match=f"selector {name} needs {missing}, and this round has none; "
        ):
            _select(name, state, 5)


def test_it_asks_for_no_signal_beyond_those_it_requires(name):
    arrays = _arrays()
    asked = []

    def supply(signal):
        def give(positions=slice(None)):
            asked.append(signal)
            return arrays[signal][positions]

        return give

    suppliers = {signal: supply(signal) for signal in SIGNALS}
    state = RoundState.from_pool(range(SIZE), labelled=[3], labels=[0], **suppliers)
    selector = REGISTRY.get(name)()
    _check(selector.select(state, k=10, rng=np.random.default_rng(0)), state, 10)
    assert sorted(asked) == sorted(selector.requires)


def test_items_set_aside_are_not_picked(name):
    arrays = _arrays()
    state = RoundState.from_pool(
        range(SIZE),
        labelled=[3],
        labels=[0],
        embeddings=lambda: arrays["embeddings"],
        probabilities=lambda rows: arrays["probabilities"][rows],
        lm_scores=lambda rows: arrays["lm_scores"][rows],
        exclude=range(10, 110),
    )
    selection = _select(name, state, 19)
    assert sorted(selection.indices) == [*range(3), *range(4, 10), *range(110, 120)]


def test_rows_for_all_items_or_for_the_unlabelled_give_the_same_picks(name):
    arrays = _arrays()
    whole = _state(arrays)
    part = arrays | {s: arrays[s][whole.unlabelled] for s in ("probabilities", "lm_scores")}
    assert (
        _select(name, whole, 15).indices.tolist()
        == _select(name, _state(part), 15).indices.tolist()
    )


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy"])
def test_the_order_of_the_pool_does_not_matter(name):
    arrays = _arrays()
    order = np.random.default_rng(9).permutation(SIZE)
    place = np.argsort(order)
    moved = {signal: values[order] for signal, values in arrays.items()}
    there = _select(name, _state(moved, labelled=tuple(place[[3, 50, 7]])), 15, seed=1)
    here = _select(name, _state(arrays), 15, seed=0)
    assert order[there.indices].tolist() == here.indices.tolist()
    assert there.scores.tolist() == here.scores.tolist()
