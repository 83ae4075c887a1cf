from __future__ import annotations

import json

import numpy as np
import pytest

from llmal.calibration import (
    Batch,
    Calibrator,
    Chain,
    Contextual,
    PriorMatching,
    Temperature,
    Vector,
    from_dict,
    load,
    save,
)
from llmal.errors import ConfigError, DataError
from llmal.lm import LabelScores

SKEW = np.log([10, 1, 1])


def _truth(rows=2000, seed=0):
    logs = np.random.default_rng(seed).normal(scale=1.5, size=(rows, 3))
    return logs - np.logaddexp.reduce(logs, axis=1, keepdims=True)


def _labels(truth, seed=0):
    return (truth + np.random.default_rng(1000 + seed).gumbel(size=truth.shape)).argmax(axis=1)


def _contextual():
    return Contextual().fit(SKEW[None] - 5)


def test_a_chain_is_its_calibrators_one_after_the_other():
    truth = _truth()
    scores, labels = 3 * truth + SKEW, _labels(truth)
    first = _contextual()
    chain = Chain(first, Temperature()).fit(scores, labels)
    alone = Temperature().fit(np.log(first.transform(scores)), labels)
    expected = alone.transform(np.log(first.transform(scores)))
    np.testing.assert_allclose(chain.transform(scores), expected, rtol=1e-12)
    # The prior is taken out and the temperature found: together they undo both.
    assert chain.calibrators[1].temperature == pytest.approx(3, abs=0.2)
    np.testing.assert_allclose(chain.transform(scores), np.exp(truth), atol=0.02)


def test_what_is_fitted_stays_as_it_is_and_the_rest_is_fitted_anew():
    first = _contextual()
    before = first.to_dict()
    chain = Chain(first, Temperature())
    assert isinstance(chain, Calibrator)
    assert (chain.fitted, chain.fits_on) == (False, "labels")
    for seed in (1, 2):
        truth = _truth(500, seed)
        chain.fit(3 * truth + SKEW, _labels(truth, seed))
    assert first.to_dict() == before
    alone = Temperature().fit(np.log(first.transform(3 * truth + SKEW)), _labels(truth, 2))
    assert chain.calibrators[1].temperature == alone.temperature


def test_a_prior_of_the_pool_can_be_fitted_on_the_labelled_rows():
    truth = _truth()
    chain = Chain(PriorMatching(), Temperature())
    assert chain.fits_on == "labels"
    chain.fit(3 * truth + SKEW, _labels(truth))
    assert chain.fitted_on.rows == 2000
    assert chain.fitted_on.label_counts == tuple(np.bincount(_labels(truth)).tolist())
    np.testing.assert_allclose(chain.transform(3 * truth + SKEW), np.exp(truth), atol=0.05)


def test_a_chain_without_labels():
    chain = Chain(_contextual(), Batch())
    assert chain.fits_on == "pool"
    with pytest.raises(DataError, match="takes no labels"):
        chain.fit(_truth(), np.zeros(2000, dtype=int))
    assert chain.fit(_truth()).transform(_truth()).shape == (2000, 3)


def test_calibrators_that_need_different_scores_must_be_fitted_one_by_one():
    with pytest.raises(ConfigError, match=r"different scores \(content-free, labels\)"):
        Chain(Contextual(), Temperature())
    with pytest.raises(ConfigError, match="at least one"):
        Chain()


def test_a_chain_with_nothing_to_fit():
    chain = Chain(_contextual())
    assert chain.fitted
    with pytest.raises(DataError, match="fitted already"):
        chain.fit(_truth())
    np.testing.assert_allclose(chain.transform(_truth() + SKEW), np.exp(_truth()))


def test_it_must_be_fitted_first():
    with pytest.raises(DataError, match="temperature calibrator is not fitted"):
        Chain(_contextual(), Temperature()).transform(_truth())


def test_label_scores_are_read_as_the_first_calibrator_reads_them():
    truth = _truth(300)
    scores = LabelScores(truth * [1, 2, 3], truth, np.array([1, 2, 3]), ("a", "b", "c"))
    chain = Chain(Batch(normalise="mean"), Temperature(normalise="first"))
    chain.fit(scores, _labels(truth))
    assert chain.normalise == "mean"
    again = Chain(Batch(), Temperature()).fit(truth, _labels(truth))
    np.testing.assert_allclose(chain.transform(scores), again.transform(truth), atol=1e-7)


def test_zeros_on_the_way_are_scores_like_others():
    first = Batch().fit(_truth())
    scores = np.concatenate([_truth(200), [[-1.0, -np.inf, -2.0]]])
    chain = Chain(first, Vector()).fit(scores, [*_labels(_truth(200)), 0])
    result = chain.transform(scores)
    np.testing.assert_allclose(result.sum(axis=1), 1)
    assert result[-1, 1] < 1e-6


@pytest.mark.parametrize("fit", [True, False])
def test_a_chain_comes_back_from_json_exactly(tmp_path, fit):
    truth = _truth(400)
    chain = Chain(_contextual(), Chain(Batch()), Vector())
    if fit:
        chain.fit(truth + SKEW, _labels(truth))
        chain.source = {"prompt": "label@2"}
    back = load(save(chain, tmp_path / "chain.json"))
    assert back.to_dict() == chain.to_dict()
    assert back.fitted is fit
    assert json.loads((tmp_path / "chain.json").read_text())["source"] == chain.source
    # What was open when the chain was made is still what `fit` fits.
    for one in (chain, back):
        one.fit(2 * truth, _labels(truth, 3))
    assert np.array_equal(back.transform(truth), chain.transform(truth))
    assert back.calibrators[0].to_dict() == _contextual().to_dict()


@pytest.mark.parametrize(
    "change",
    [{"options": {}}, {"state": None}, {"state": {"calibrators": [{}]}}, {"fitted_on": 3}],
)
def test_a_damaged_chain_is_refused(change):
    with pytest.raises(DataError):
        from_dict(Chain(_contextual()).to_dict() | change)
