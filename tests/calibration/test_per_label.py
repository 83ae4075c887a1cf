"""A calibrator for each label by itself."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
from scipy.special import expit, log_expit

from llmal.calibration import REGISTRY, Chain, PerLabel, from_dict, make
from llmal.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
ODDS = RNG.normal(scale=2, size=(80, 3)) - np.array([0.0, 2.0, 4.0])
TRUTH = (ODDS + np.array([0.0, 2.0, 3.0]) + RNG.logistic(size=ODDS.shape) > 0).astype(int)


def _given(one):
    return {"labels": TRUTH} if one.fits_on == "labels" else {}


@pytest.mark.parametrize("name", sorted(REGISTRY.names()))
def test_each_label_is_calibrated_as_it_would_be_alone(name):
    made = PerLabel(make(name))
    assert not made.fitted
    made.fit(ODDS, **_given(made))
    found = made.transform(ODDS)
    assert made.fitted
    for column in range(3):
        # It takes one label an item to be usual, and not a half of all.
        options = {"target": (1 / 3, 2 / 3)} if name == "prior-matching" else {}
        alone = make(name, **options)
        both = np.stack([log_expit(ODDS[:, column]), log_expit(-ODDS[:, column])], axis=1)
        own = {"labels": 1 - TRUTH[:, column]} if alone.fits_on == "labels" else {}
        assert found[:, column] == pytest.approx(alone.fit(both, **own).transform(both)[:, 0])
    again = from_dict(json.loads(json.dumps(made.to_dict())))
    assert (again.transform(ODDS) == found).all()


@pytest.mark.parametrize("shares", [None, (0.5, 0.2, 0.02)])
def test_prior_matching_gives_each_label_its_share(shares):
    made = PerLabel(make("prior-matching"), shares).fit(ODDS)
    assert made.transform(ODDS).mean(axis=0) == pytest.approx(shares or (1 / 3,) * 3, abs=1e-6)
    again = from_dict(json.loads(json.dumps(made.to_dict())))
    assert again.shares == made.shares
    assert (again.transform(ODDS) == made.transform(ODDS)).all()
    assert (again.fit(ODDS).transform(ODDS) == made.transform(ODDS)).all()


def test_a_target_that_is_given_counts_before_shares():
    made = PerLabel(make("prior-matching", target=(0.3, 0.7)), (0.5, 0.2, 0.02)).fit(ODDS)
    assert made.transform(ODDS).mean(axis=0) == pytest.approx((0.3,) * 3, abs=1e-6)


@pytest.mark.parametrize("shares", [(0.5, 0.2, 0.0), (0.5, 1.0, 0.2), (float("nan"),) * 3])
def test_shares_that_are_none_are_refused(shares):
    with pytest.raises(ConfigError, match="the share of items with a label is"):
        PerLabel(make("prior-matching"), shares)


def test_as_many_shares_as_labels_are_wanted():
    with pytest.raises(DataError, match="there are 2 shares of labels, and the scores have 3"):
        PerLabel(make("prior-matching"), (0.5, 0.2)).fit(ODDS)


def test_batch_calibration_moves_the_mean_of_each_label_towards_one_half():
    found = PerLabel(make("batch")).fit(ODDS).transform(ODDS).mean(axis=0)
    before = expit(ODDS).mean(axis=0)
    assert (np.abs(found - 0.5) <= np.abs(before - 0.5)).all()
    assert before[2] < 0.1 < 0.3 < found[2]


def test_a_label_without_both_answers_stays_as_it_is(caplog):
    truth = TRUTH.copy()
    truth[:, 1] = 0
    made = PerLabel(make("temperature"))
    made.name_labels(["joy", "anger", "fear"])
    with caplog.at_level(logging.WARNING):
        made.fit(ODDS, truth)
    assert "1 of 3 labels are not calibrated" in caplog.text
    assert "'anger'" in caplog.text
    assert made.transform(ODDS)[:, 1] == pytest.approx(expit(ODDS[:, 1]))
    again = from_dict(json.loads(json.dumps(made.to_dict())))
    assert (again.transform(ODDS) == made.transform(ODDS)).all()


def test_one_after_another():
    first = PerLabel(make("batch")).fit(ODDS)
    second = PerLabel(make("temperature"))
    second.fit(second.scores_of(first.transform(ODDS)), TRUTH)
    chained = Chain(first, second)
    expected = second.transform(second.scores_of(first.transform(ODDS)))
    assert chained.transform(ODDS) == pytest.approx(expected)


def test_certain_scores_stay_probabilities():
    odds = np.array([[np.inf, -np.inf, 0.0], [800.0, -800.0, 0.0]])
    found = PerLabel(make("batch")).fit(ODDS).transform(odds)
    assert ((found >= 0) & (found <= 1)).all()
    assert found[:, 0] == pytest.approx([1, 1])


def test_what_is_not_usable_is_said():
    fitted = PerLabel(make("batch")).fit(ODDS)
    with pytest.raises(DataError, match="fitted on 3 labels, and these scores have 2"):
        fitted.transform(ODDS[:, :2])
    with pytest.raises(DataError, match="not fitted"):
        PerLabel(make("batch")).transform(ODDS)
    with pytest.raises(DataError, match="NaN"):
        fitted.transform(np.array([[np.nan, 0.0, 1.0]]))
    with pytest.raises(DataError, match="no rows"):
        PerLabel(make("batch")).fit(ODDS[:0])
    with pytest.raises(DataError, match="takes no labels"):
        PerLabel(make("batch")).fit(ODDS, TRUTH)
    with pytest.raises(DataError, match="learns from labels and was given none"):
        PerLabel(make("temperature")).fit(ODDS)
    with pytest.raises(DataError, match="labels of shape"):
        PerLabel(make("temperature")).fit(ODDS, TRUTH[:, 0])
    with pytest.raises(ConfigError, match="a calibrator that is fitted"):
        PerLabel(make("batch").fit(ODDS))
    with pytest.raises(DataError):
        from_dict({**fitted.to_dict(), "state": {"columns": []}})
