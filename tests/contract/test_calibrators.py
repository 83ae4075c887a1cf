"""What every calibrator promises, checked for each name in the registry."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from llmal.calibration import REGISTRY, Calibrator, from_dict, load, make, save
from llmal.errors import ConfigError, DataError
from llmal.lm import LabelScores

ROWS, LABELS = 240, 3
FLOORED = np.array([[-np.inf, -0.1, -3.0], [-2.0, -np.inf, -np.inf]])


def _scores(rows=ROWS, seed=0, columns=LABELS):
    """Raw scores, not normalised over the labels, of a skewed model."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(scale=1.5, size=(rows, columns)) - np.arange(columns)
    return logs - np.logaddexp.reduce(logs, axis=1, keepdims=True) - rng.exponential(size=(rows, 1))


def _labels(rows=ROWS, seed=0, columns=LABELS):
    rng = np.random.default_rng(seed + 1)
    noisy = _scores(rows, seed, columns) + np.arange(columns) + rng.gumbel(size=(rows, columns))
    return noisy.argmax(axis=1)


def _given(calibrator, labels):
    return {"labels": labels} if calibrator.fits_on == "labels" else {}


def _fitted(name, scores=None, labels=None, **options):
    made = make(name, **options)
    return made.fit(
        _scores() if scores is None else scores,
        **_given(made, _labels() if labels is None else labels),
    )


def _check(probabilities, rows, columns=LABELS):
    assert probabilities.shape == (rows, columns)
    assert probabilities.dtype == np.float64
    assert np.isfinite(probabilities).all()
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-12)


@pytest.fixture(params=REGISTRY.names())
def name(request):
    return request.param


def test_it_is_a_calibrator_that_knows_its_name_and_what_it_is_fitted_on(name):
    made = make(name)
    assert isinstance(made, Calibrator)
    assert made.name == name
    assert type(made).fits_on in {"content-free", "random-words", "pool", "labels"}
    assert repr(made).startswith(type(made).__name__ + "(")
    assert not made.fitted
    assert _fitted(name).fitted


@pytest.mark.parametrize("columns", [2, 3, 7])
def test_rows_sum_to_one(name, columns):
    scores, labels = _scores(columns=columns), _labels(columns=columns)
    fitted = _fitted(name, scores, labels)
    _check(fitted.transform(scores), ROWS, columns)
    _check(fitted.transform(_scores(5, seed=9, columns=columns)), 5, columns)
    assert fitted.transform(np.empty((0, columns))).shape == (0, columns)


def test_it_changes_something(name):
    raw = np.exp(_scores() - np.logaddexp.reduce(_scores(), axis=1, keepdims=True))
    assert np.abs(_fitted(name).transform(_scores()) - raw).max() > 0.01


def test_it_does_not_see_what_a_row_has_in_common(name):
    if name in {"contextual", "domain-context"}:
        fitted = _fitted(name)  # They weigh rows by it in the fit, as their authors do.
        shifted = fitted.transform(_scores() - 5.0)
    else:
        shift = np.random.default_rng(3).normal(size=(ROWS, 1))
        fitted = _fitted(name)
        shifted = _fitted(name, _scores() + shift).transform(_scores() + shift)
    np.testing.assert_allclose(shifted, fitted.transform(_scores()), atol=1e-5)


def test_the_same_scores_give_the_same_probabilities(name):
    one, other = _fitted(name), _fitted(name)
    assert one.to_dict() == other.to_dict()
    assert np.array_equal(one.transform(_scores()), other.transform(_scores()))


def test_a_second_fit_forgets_the_first(name):
    once = _fitted(name)
    twice = _fitted(name, _scores(seed=5), _labels(seed=5))
    twice.fit(_scores(), **_given(twice, _labels()))
    assert twice.to_dict() == once.to_dict()


def test_neither_fit_nor_transform_touches_what_it_is_given(name):
    scores, labels = _scores(), _labels()
    fitted = _fitted(name, scores, labels)
    state = json.dumps(fitted.to_dict())
    first = fitted.transform(scores)
    first[:] = 0
    _check(fitted.transform(scores), ROWS)
    assert json.dumps(fitted.to_dict()) == state
    assert np.array_equal(scores, _scores())
    assert np.array_equal(labels, _labels())


def test_rows_are_transformed_one_by_one(name):
    fitted = _fitted(name)
    whole = fitted.transform(_scores())
    np.testing.assert_allclose(fitted.transform(_scores()[7:9]), whole[7:9], rtol=1e-12)


def test_permuting_the_labels_permutes_the_result(name):
    order = np.array([2, 0, 1])
    plain = _fitted(name).transform(_scores())
    permuted = _fitted(name, _scores()[:, order], np.argsort(order)[_labels()])
    np.testing.assert_allclose(permuted.transform(_scores()[:, order]), plain[:, order], atol=1e-5)


def test_the_order_of_the_rows_does_not_matter(name):
    order = np.random.default_rng(2).permutation(ROWS)
    plain = _fitted(name).transform(_scores())
    shuffled = _fitted(name, _scores()[order], _labels()[order])
    np.testing.assert_allclose(shuffled.transform(_scores()), plain, atol=1e-5)


def test_it_comes_back_from_json_exactly(name, tmp_path):
    fitted = _fitted(name, normalise="mean")
    fitted.source = {"model": "some-model", "prompt": "label@1"}
    path = save(fitted, tmp_path / "calibrator.json")
    back = load(path)
    assert type(back) is type(fitted)
    assert back.to_dict() == fitted.to_dict() == json.loads(path.read_text())
    assert np.array_equal(back.transform(_scores()), fitted.transform(_scores()))
    assert (back.normalise, back.source["model"]) == ("mean", "some-model")
    told = fitted.to_dict()["fitted_on"]
    assert (told["fits_on"], told["rows"], told["columns"]) == (fitted.fits_on, ROWS, LABELS)
    counts = np.bincount(_labels(), minlength=LABELS).tolist()
    assert told["label_counts"] == (counts if fitted.fits_on == "labels" else None)


def test_unfitted_it_comes_back_unfitted(name):
    back = from_dict(make(name).to_dict())
    assert back.to_dict() == make(name).to_dict()
    assert not back.fitted


@pytest.mark.parametrize("how", ["sum", "mean", "first"])
def test_label_scores_are_read_by_the_same_normalisation_in_fit_and_transform(name, how):
    sums, first, lengths = 2.0 * _scores(), 0.5 * _scores(seed=8), np.array([1, 2, 4])
    scores = LabelScores(sums, first, lengths, ("a", "b", "c"))
    expected = {"sum": sums, "mean": sums / lengths, "first": first}[how]
    tokens, plain = _fitted(name, scores, normalise=how), _fitted(name, expected)
    assert np.array_equal(tokens.transform(scores), plain.transform(expected))
    assert tokens.to_dict()["options"]["normalise"] == how


def test_minus_infinity_for_some_labels_is_a_score(name):
    scores = np.concatenate([_scores(), FLOORED])
    labels = np.concatenate([_labels(), [0, 1]])
    fitted = _fitted(name, scores, labels)
    _check(fitted.transform(scores), ROWS + 2)
    _check(_fitted(name).transform(FLOORED), 2)


def test_tiny_probabilities_do_not_vanish(name):
    scores = _scores() - 900.0
    _check(_fitted(name, scores).transform(scores), ROWS)
    wide = _scores() * 100
    _check(_fitted(name, wide).transform(wide), ROWS)


def test_rows_that_are_all_alike(name):
    scores = np.repeat(np.log([[0.7, 0.2, 0.1]]), ROWS, axis=0)
    _check(_fitted(name, scores).transform(scores), ROWS)


@pytest.mark.parametrize(
    "name", [name for name in REGISTRY.names() if REGISTRY.get(name).fits_on == "labels"]
)
def test_a_label_that_no_row_has_keeps_a_probability(name, caplog):
    with caplog.at_level(logging.WARNING, logger="llmal.calibration"):
        fitted = _fitted(name, labels=_labels() % 2)
    rare = fitted.transform(_scores())[:, 2]
    assert (rare > 0).all()
    assert rare.mean() > 1e-4
    assert "without any item of the labels number 3" in caplog.text


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([], "calibration on an empty pool"),
        (np.empty((0, 3)), "calibration on an empty pool"),
        (np.array([[-1.0, -2.0, -3.0], [-1.0, np.nan, -3.0]]), "row 1 .* NaN"),
        (np.array([[-1.0, np.inf, -3.0]]), "row 0 .* infinite"),
        (np.full((2, 3), -np.inf), "row 0 .* probability zero"),
        (np.array([-1.0, -2.0]), r"shape \(2,\)"),
        (np.full((4, 1), -1.0), r"shape \(4, 1\)"),
        ([["a", "b"]], "not a table of numbers"),
        (np.array([[0.7, 0.2, 0.1], [0.5, 0.5, 0.0]]), "natural logarithms"),
    ],
)
def test_scores_that_cannot_be_used_are_refused_in_one_sentence(name, scores, words):
    made = make(name)
    labels = _given(made, np.zeros(len(scores), dtype=int))
    with pytest.raises(DataError, match=words):
        made.fit(scores, **labels)
    assert not made.fitted
    if len(scores) or np.ndim(scores) == 1:
        fitted = _fitted(name)
        with pytest.raises(DataError):
            fitted.transform(scores)


def test_it_must_be_fitted_first(name):
    with pytest.raises(DataError, match="not fitted"):
        make(name).transform(_scores())


def test_the_number_of_labels_must_be_that_of_the_fit(name):
    with pytest.raises(DataError, match="fitted on 3 labels, and these scores have 2"):
        _fitted(name).transform(_scores(columns=2))


def test_labels_are_given_where_they_are_needed_and_nowhere_else(name):
    made = make(name)
    if made.fits_on != "labels":
        with pytest.raises(DataError, match="takes no labels"):
            made.fit(_scores(), _labels())
        return
    for labels, words in [
        (None, "was given none"),
        (_labels()[:-1], "240 rows of scores stand beside"),
        (_labels() + 1, "label 3 lies outside the columns 0 to 2"),
        (_labels() - 1, "label -1 lies outside"),
        (_labels().astype(float), "not columns"),
        (np.array(["a", "b", "c"])[_labels()], "Task.index"),
    ]:
        with pytest.raises(DataError, match=words):
            made.fit(_scores(), labels)


def test_options_that_are_not_there_or_not_possible(name):
    with pytest.raises(ConfigError, match=rf"{name} has no option 'colour'; its options are"):
        make(name, colour="red")
    with pytest.raises(ConfigError, match="normalise is 'median'; give 'sum', 'mean' or 'first'"):
        make(name, normalise="median")
