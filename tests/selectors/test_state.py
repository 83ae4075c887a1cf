from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import llmal.selectors
from llmal.errors import ConfigError, SelectionError
from llmal.pool import Pool
from llmal.selectors import RoundState


def _embeddings(size=10, d=4):
    return np.random.default_rng(0).normal(size=(size, d)).astype("float32")


def _probabilities(size=10, labels=3):
    return np.random.default_rng(1).dirichlet(np.ones(labels), size=size)


def _state(**given):
    return RoundState.from_arrays(**({"labelled": [2, 5], "labels": [0, 1]} | given))


def test_positions_partition_the_pool():
    state = _state(embeddings=_embeddings())
    assert state.size == 10
    assert state.labelled.tolist() == [2, 5]
    assert state.labels.tolist() == [0, 1]
    assert state.unlabelled.tolist() == [0, 1, 3, 4, 6, 7, 8, 9]
    assert {a.dtype for a in (state.labelled, state.labels, state.unlabelled)} == {np.dtype("i8")}
    assert (
        repr(state)
        == "RoundState(size=10, labelled=2, unlabelled=8, signals: embeddings, features, labels)"
    )


def test_labelled_positions_keep_their_order_and_their_labels():
    state = _state(labelled=[5, 2], labels=[7, 9], size=10)
    assert state.labelled.tolist() == [5, 2]
    assert state.labels.tolist() == [7, 9]


def test_probabilities_are_aligned_with_the_unlabelled():
    whole = _probabilities()
    state = _state(probabilities=whole)
    assert (state.probabilities == whole[state.unlabelled]).all()
    same = _state(probabilities=whole[state.unlabelled], size=10)
    assert (same.probabilities == state.probabilities).all()


def test_rows_of_labelled_items_need_not_be_probabilities():
    whole = _probabilities()
    whole[[2, 5]] = np.nan
    assert len(_state(probabilities=whole).probabilities) == 8


def test_float32_embeddings_and_maps_of_files_are_used_as_they_are(tmp_path):
    np.save(tmp_path / "e.npy", _embeddings())
    mapped = np.load(tmp_path / "e.npy", mmap_mode="r")
    assert np.shares_memory(_state(embeddings=mapped).embeddings, mapped)
    assert _state(embeddings=_embeddings().astype("float64")).embeddings.dtype == np.float32


def test_the_view_is_read_only_and_the_callers_arrays_stay_writeable():
    embeddings, labelled = _embeddings(), np.array([2, 5])
    state = _state(embeddings=embeddings, probabilities=_probabilities(), labelled=labelled)
    views = (state.embeddings, state.probabilities, state.labelled, state.labels, state.unlabelled)
    for values in views:
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0
    embeddings[0, 0] = 1
    labelled[0] = 9
    assert state.labelled.tolist() == [2, 5]


def test_a_supplier_is_called_when_first_asked_for_and_once():
    calls = []

    def embeddings():
        calls.append("embeddings")
        return _embeddings()

    def probabilities(unlabelled):
        calls.append(unlabelled.tolist())
        return _probabilities()[unlabelled]

    state = RoundState.from_pool(
        range(10),
        labelled=[2],
        labels=[0],
        embeddings=embeddings,
        probabilities=probabilities,
        exclude=[0, 2, 9],
    )
    given = {"embeddings", "features", "labels", "probabilities", "texts"}
    assert state.signals == given | {"uncertainty"}
    assert calls == []
    assert state.labelled.tolist() == [2]
    assert state.unlabelled.tolist() == [1, 3, 4, 5, 6, 7, 8]
    assert state.probabilities is state.probabilities
    assert state.embeddings is state.embeddings
    assert calls == [[1, 3, 4, 5, 6, 7, 8], "embeddings"]


def test_what_a_supplier_gives_is_checked():
    state = RoundState.from_pool(
        range(10), labelled=[2], labels=[0], probabilities=lambda rows: np.ones((len(rows), 3))
    )
    with pytest.raises(SelectionError, match="row 0 sum to 3"):
        _ = state.probabilities


def test_a_round_of_arrays_has_no_texts():
    with pytest.raises(SelectionError, match="this round has no texts; make the round from a pool"):
        _state(size=10).items(np.array([1]))


def test_texts_of_a_round_of_arrays():
    state = _state(texts=[f"text {n}" for n in range(10)])
    assert [(item.id, item.text) for item in state.items(np.array([3, 1]))] == [
        ("3", "text 3"),
        ("1", "text 1"),
    ]
    assert state.size == 10


def test_features_are_the_embeddings_unless_the_learner_has_its_own():
    state = _state(embeddings=_embeddings())
    assert state.features is state.embeddings
    own = _state(embeddings=_embeddings(), features=np.ones((10, 2), dtype="f4"))
    assert own.features.shape == (10, 2)


def test_fewer_items_to_pick_from_share_what_is_there():
    calls = []

    def probabilities(positions):
        calls.append(positions.tolist())
        return _probabilities()[positions]

    def committee(positions):
        return np.stack([_probabilities()[positions]] * 2)

    state = RoundState.from_pool(
        range(10),
        labelled=[2],
        labels=[0],
        embeddings=_embeddings,
        probabilities=probabilities,
        committee=committee,
    )
    few = state.among(np.array([4, 0]))
    assert few.unlabelled.tolist() == [0, 5]
    assert few.labelled.tolist() == [2]
    assert few.embeddings is state.embeddings
    assert few.committee.shape == (2, 2, 3)
    assert (few.probabilities == _probabilities()[[0, 5]]).all()
    fewer = few.among(np.array([1]))
    assert fewer.unlabelled.tolist() == [5]
    assert (fewer.probabilities == _probabilities()[[5]]).all()
    assert calls == [[0, 5]]
    assert len(state.probabilities) == 9
    other = state.among(np.array([8]))
    assert (other.probabilities == _probabilities()[[9]]).all()
    assert calls == [[0, 5], state.unlabelled.tolist()]
    assert few.signals == state.signals


def test_texts_of_a_pool_are_read_as_items():
    state = RoundState.from_pool(Pool.from_texts(["a", "b"]), labelled=[], labels=[])
    assert [one.text for one in state.items(state.unlabelled)] == ["a", "b"]
    with pytest.raises(SelectionError, match="stand in its pool"):
        state.signal("texts")


def test_what_belongs_to_labelled_items():
    state = _state(probabilities=_probabilities())
    assert (state.labelled_probabilities == _probabilities()[[2, 5]]).all()
    state = _state(
        probabilities=_probabilities(8), labelled_probabilities=_probabilities(2), size=10
    )
    assert (state.labelled_probabilities == _probabilities(2)).all()


def test_a_committee_of_the_pool_or_of_the_unlabelled():
    whole = np.stack([_probabilities(), _probabilities()[::-1]])
    state = _state(committee=whole)
    assert (state.committee == whole[:, state.unlabelled]).all()
    assert (
        _state(committee=whole[:, state.unlabelled], size=10).committee == state.committee
    ).all()


def test_a_signal_that_is_missing():
    with pytest.raises(SelectionError, match="this round has no lm_scores; give the run a lang"):
        _ = _state(size=10).lm_scores


def _with(values, row, column, value):
    values = values.copy()
    values[row, column] = value
    return values


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"embeddings": _with(_embeddings(), 7, 1, np.nan)}, "contain NaN, first in row 7"),
        ({"embeddings": _with(_embeddings(), 2, 0, np.inf)}, "an infinite value, first in row 2"),
        ({"embeddings": _embeddings().astype("f8") * 1e300}, "an infinite value, first in row 0"),
        ({"embeddings": _embeddings(), "size": 12}, "have 10 rows, but there are 12 items"),
        ({"embeddings": _embeddings()[0], "size": 10}, "must have two dimensions, not the shape"),
        ({"embeddings": np.ones((10, 0))}, "no columns"),
        ({"embeddings": [["a"]] * 10}, "real numbers, not <U1"),
        ({"embeddings": [[1.0, 2.0]] * 9 + [[1.0]]}, "rows of different lengths"),
        ({"probabilities": _with(_probabilities(), 6, 0, np.nan)}, "NaN, first in row 6"),
        (
            {"probabilities": _with(_probabilities(), 6, 0, np.inf)},
            "infinite value, first in row 6",
        ),
        ({"probabilities": np.tile([-0.5, 1.5], (10, 1))}, "negative, first in row 0"),
        ({"probabilities": np.tile([0.5, 0.502], (10, 1))}, "row 0 sum to 1.002; each row"),
        ({"probabilities": np.log(_probabilities())}, "are negative, first in row 0"),
        ({"probabilities": np.ones((10, 1))}, r"1 column\(s\), but a task has two or more"),
        ({"probabilities": _probabilities(9), "size": 10}, "9 rows, but there are 10 items, 8 of"),
        (
            {"probabilities": _probabilities(8), "size": 10} | {"lm_scores": np.zeros((10, 2))},
            "probabilities have 3 columns and lm_scores 2",
        ),
        (
            {"committee": np.ones((10, 3)), "size": 10},
            r"the shape \(members, items, labels\), not \(10, 3\)",
        ),
        ({"committee": np.ones((2, 10, 3))}, "row 0 sum to 3"),
        ({"costs": np.zeros(10)}, "costs hold 0, first in row 0; they must be finite and above"),
        ({"likelihoods": np.full(10, np.nan)}, "likelihoods hold nan, first in row 0"),
        ({"likelihoods": np.zeros(3), "size": 10}, r"likelihoods have the shape \(3,\), but there"),
        ({"texts": ["a"], "size": 10}, "there are 1 texts, but 10 items"),
        (
            {"probabilities": _probabilities(8), "labelled_probabilities": _probabilities(3)}
            | {"size": 10},
            "labelled_probabilities have 3 rows",
        ),
        ({"lm_scores": np.full((10, 3), np.nan)}, "lm_scores contain NaN, first in row 0"),
        ({"lm_scores": np.full((10, 3), np.inf)}, "contain plus infinity, first in row 0"),
        ({"size": 10, "labelled": [2, 10]}, "labelled holds position 10, but there are 10 items"),
        ({"size": 10, "labelled": [2, -1]}, "labelled holds position -1"),
        ({"size": 10, "labelled": [2, 2]}, "labelled holds position 2 more than once"),
        ({"size": 10, "labelled": [2]}, "1 labelled positions and 2 labels"),
        ({"size": 2, "labelled": [True, False]}, "must be integers .* numpy.flatnonzero"),
        ({"size": 10, "labels": ["Person", "Entity"]}, "labels must be integers"),
        ({"size": 10, "labelled": [[2, 5]]}, "labelled must have one dimension"),
        ({"size": -1}, "size is -1"),
        ({"size": 10.0}, "size is 10.0"),
        ({}, "cannot tell how many items there are; pass size"),
        ({"embeddings": 3.0}, "cannot tell how many items"),
    ],
)
def test_arrays_that_cannot_be_used(given, message):
    with pytest.raises(SelectionError, match=message):
        _state(**given)


def test_probabilities_of_half_precision_are_close_enough():
    half = _probabilities(labels=14).astype("float16")
    assert _state(probabilities=half).probabilities.dtype == np.float32


def test_minus_infinity_is_the_log_of_zero():
    assert len(_state(lm_scores=np.full((10, 3), -np.inf)).lm_scores) == 8


def test_excluded_positions_are_checked():
    with pytest.raises(SelectionError, match="exclude holds position 10"):
        RoundState.from_pool(range(10), labelled=[], labels=[], exclude=[10])


def test_the_room_loads_no_heavy_library():
    code = (
        "import sys, llmal.selectors as s; s.Margin(); s.TypiClust(); s.KMeansCentres()\n"
        "print(sorted({'faiss', 'sklearn', 'torch', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_classes_are_attributes_of_the_room():
    for name in llmal.selectors.REGISTRY.names():
        cls = llmal.selectors.REGISTRY.get(name)
        assert getattr(llmal.selectors, cls.__name__) is cls
    with pytest.raises(AttributeError, match="no attribute 'Badger'"):
        _ = llmal.selectors.Badger


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(ConfigError, match="did you mean 'margin'"):
        llmal.selectors.REGISTRY.get("margins")
