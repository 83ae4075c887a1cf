from __future__ import annotations

import numpy as np
import pytest

from llmal.calibration import (
    Batch,
    Calibrator,
    Chain,
    Contextual,
    CrossFitted,
    Isotonic,
    Temperature,
    from_dict,
    make,
    negative_log_likelihood,
)
from llmal.errors import ConfigError, DataError


def _scores(rows=200, seed=0):
    logs = np.random.default_rng(seed).normal(scale=2, size=(rows, 3))
    return logs - np.logaddexp.reduce(logs, axis=1, keepdims=True)


def _labels(rows=200, seed=0):
    return np.random.default_rng(100 + seed).integers(3, size=rows)


def test_each_row_comes_from_a_fit_on_the_other_folds():
    cross = CrossFitted(Temperature(), folds=4, seed=3)
    result = cross.fit_transform(_scores(), _labels())
    fold = cross.assign(_labels())
    for number in range(4):
        inside = fold == number
        other = Temperature().fit(_scores()[~inside], _labels()[~inside])
        assert np.array_equal(result[inside], other.transform(_scores()[inside]))


def test_a_row_does_not_see_its_own_label():
    # Labels drawn at random: an isotonic fit finds a pattern in its own rows, and none in others.
    scores, labels = _scores(300), _labels(300)
    within = Isotonic().fit(scores, labels).transform(scores)
    cross = CrossFitted(Isotonic()).fit_transform(scores, labels)
    assert negative_log_likelihood(within, labels) < np.log(3) - 0.02
    assert negative_log_likelihood(cross, labels) > np.log(3)
    # And exactly: swapping the labels of two rows of one fold leaves that fold as it is.
    fold = CrossFitted(Isotonic()).assign(labels)
    one, other = (
        np.flatnonzero((fold == 0) & (labels == 0))[0],
        np.flatnonzero((fold == 0) & (labels == 1))[0],
    )
    forced = CrossFitted(Isotonic())
    forced.assign = lambda _: fold
    swapped = labels.copy()
    swapped[[one, other]] = labels[[other, one]]
    again = forced.fit_transform(scores, swapped)
    assert np.array_equal(again[fold == 0], cross[fold == 0])
    assert not np.array_equal(again[fold == 1], cross[fold == 1])


def test_labels_are_spread_evenly_over_the_folds():
    labels = np.array([0] * 50 + [1] * 23 + [2] * 7)
    fold = CrossFitted(Temperature(), folds=5).assign(labels)
    assert np.bincount(fold).tolist() == [16] * 5
    for label in range(3):
        counts = np.bincount(fold[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1
    other = CrossFitted(Temperature(), folds=5, seed=1).assign(labels)
    assert not np.array_equal(fold, other)


def test_other_rows_get_the_fit_on_all():
    cross = CrossFitted(Temperature())
    assert isinstance(cross, Calibrator)
    assert (cross.fitted, cross.fits_on) == (False, "labels")
    cross.fit_transform(_scores(), _labels())
    alone = Temperature().fit(_scores(), _labels())
    assert np.array_equal(cross.transform(_scores(9, 5)), alone.transform(_scores(9, 5)))
    plain = CrossFitted(Temperature()).fit(_scores(), _labels())
    assert plain.to_dict() == cross.to_dict()


def test_the_same_seed_gives_the_same_result_again_and_again():
    cross = CrossFitted(Isotonic(), seed=4)
    first = cross.fit_transform(_scores(), _labels())
    assert np.array_equal(cross.fit_transform(_scores(), _labels()), first)


def test_a_chain_and_a_prior_can_be_cross_fitted():
    prior = Contextual().fit(np.log([[0.7, 0.2, 0.1]]))
    chain = CrossFitted(Chain(prior, Temperature()))
    result = chain.fit_transform(_scores(), _labels())
    np.testing.assert_allclose(result.sum(axis=1), 1)
    assert chain.fitted_on.rows == 200
    batch = CrossFitted(Batch(), folds=2)
    out = batch.fit_transform(_scores())
    fold = batch.assign(np.zeros(200, dtype=int))
    expected = Batch().fit(_scores()[fold == 1]).transform(_scores()[fold == 0])
    assert np.array_equal(out[fold == 0], expected)


def test_it_comes_back_from_json_exactly():
    cross = CrossFitted(make("vector"), folds=3, seed=8).fit(_scores(), _labels())
    back = from_dict(cross.to_dict())
    assert back.to_dict() == cross.to_dict()
    assert (back.folds, back.seed, back.fitted) == (3, 8, True)
    assert np.array_equal(back.transform(_scores()), cross.transform(_scores()))
    for change in [{"options": {"folds": "x", "seed": 0}}, {"state": {}}, {"options": None}]:
        with pytest.raises(DataError):
            from_dict(cross.to_dict() | change)


def test_folds_that_cannot_be_made():
    with pytest.raises(ConfigError, match="1 folds"):
        CrossFitted(Temperature(), folds=1)
    with pytest.raises(ConfigError, match="fitted already"):
        CrossFitted(Batch().fit(_scores()))
    with pytest.raises(DataError, match="3 rows are too few for 5 folds"):
        CrossFitted(Temperature()).fit_transform(_scores(3), _labels(3))
    with pytest.raises(DataError, match="calibration on an empty pool"):
        CrossFitted(Temperature()).fit_transform([], [])
    with pytest.raises(DataError, match="was given none"):
        CrossFitted(Temperature()).fit_transform(_scores())
