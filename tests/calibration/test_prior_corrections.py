from __future__ import annotations

import logging

import numpy as np
import pytest

from llmal.calibration import (
    Batch,
    Contextual,
    DomainContext,
    PriorMatching,
    PromptALPrior,
    Prototypical,
    from_dict,
)
from llmal.errors import ConfigError, DataError

TEN = np.array([10.0, 1.0, 1.0])


def _truth(rows=400, seed=0, columns=3, scale=2.0):
    logs = np.random.default_rng(seed).normal(scale=scale, size=(rows, columns))
    return logs - np.logaddexp.reduce(logs, axis=1, keepdims=True)


def _normalised(weights):
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", [Contextual, DomainContext])
def test_a_prior_that_is_multiplied_to_everything_is_undone_exactly(kind):
    # Without content the unskewed model is even; a raw score need not sum to one over the labels.
    without_content = np.log(np.array([[0.2, 0.2, 0.2], [0.1, 0.1, 0.1]]) * TEN)
    fitted = kind().fit(without_content)
    np.testing.assert_allclose(fitted.prior, TEN / 12)
    result = fitted.transform(_truth() + np.log(TEN) - 3)
    np.testing.assert_allclose(result, np.exp(_truth()), rtol=1e-10)


def test_contextual_takes_the_mean_of_the_raw_probabilities():
    raw = np.array([[0.4, 0.4, 0.1], [0.001, 0.0, 0.002], [0.01, 0.3, 0.0]])
    with np.errstate(divide="ignore"):
        fitted = Contextual().fit(np.log(raw))
    np.testing.assert_allclose(fitted.prior, raw.mean(axis=0) / raw.mean(axis=0).sum())
    assert fitted.inputs == ("N/A", "", "[MASK]")


def test_the_result_is_p_over_the_prior_and_no_softmax_of_it():
    p, prior = np.array([[0.5, 0.3, 0.2]]), np.array([0.6, 0.3, 0.1])
    fitted = Contextual().fit(np.log(prior)[None])
    by_hand = np.array([0.5 / 0.6, 0.3 / 0.3, 0.2 / 0.1])
    np.testing.assert_allclose(fitted.transform(np.log(p))[0], by_hand / by_hand.sum())


def test_probabilities_far_below_the_smallest_float_are_corrected_exactly():
    tiny = np.array([[-1000.0, -1002.0], [-1001.0, -1001.0]])
    fitted = Contextual().fit(tiny)
    prior = np.array([1 + np.exp(-1), np.exp(-2) + np.exp(-1)])
    np.testing.assert_allclose(fitted.prior, prior / prior.sum())
    expected = np.array([1 / prior[0], np.exp(-2) / prior[1]])
    np.testing.assert_allclose(fitted.transform(tiny)[0], expected / expected.sum())


def test_a_prior_of_zero_is_told_and_does_not_win_every_item(caplog):
    with caplog.at_level(logging.WARNING, logger="llmal.calibration"):
        fitted = Contextual().fit([[-1.0, -2.0, -np.inf]])
    assert "prior zero for the labels number 3" in caplog.text
    assert fitted.prior[2] == pytest.approx(fitted.prior[1])
    assert fitted.transform(np.log([[0.3, 0.6, 0.1]]))[0].argmax() == 1


def test_a_label_of_probability_zero_stays_at_zero():
    fitted = Batch().fit(_truth())
    assert fitted.transform([[-1.0, -np.inf, -2.0]])[0, 1] == 0


def test_content_free_inputs_are_an_option_that_is_kept():
    made = Contextual(inputs=["none"])
    assert from_dict(made.to_dict()).inputs == ("none",)
    for inputs in ((), "N/A"):
        with pytest.raises(ConfigError, match="list of at least one input"):
            Contextual(inputs=inputs)


def test_random_words_have_the_mean_length_and_the_frequencies_of_the_pool():
    pool = ["a a a b", "a a", "c a a a a  a"]  # 12 words in 3 texts; 10 of 12 are "a".
    drawn = DomainContext(count=2000).inputs(pool, np.random.default_rng(0))
    assert len(drawn) == 2000
    assert {len(text.split()) for text in drawn} == {4}
    words = " ".join(drawn).split()
    assert set(words) == {"a", "b", "c"}
    assert words.count("a") / len(words) == pytest.approx(10 / 12, abs=0.02)
    assert len(DomainContext().inputs(pool, np.random.default_rng(0))) == 20


def test_random_words_hang_on_the_seed_and_not_on_the_order_of_the_pool():
    pool = [f"word{i} word{i * i % 7}" for i in range(50)]
    one, other, third = (
        DomainContext().inputs(texts, np.random.default_rng(seed))
        for texts, seed in ((pool, 1), (iter(pool[::-1]), 1), (pool, 2))
    )
    assert one == other != third


@pytest.mark.parametrize("pool", [[], ["", "  "]])
def test_random_words_of_an_empty_pool(pool):
    with pytest.raises(DataError, match="calibration on an empty pool"):
        DomainContext().inputs(pool, np.random.default_rng(0))


def test_batch_divides_by_the_mean_probability():
    p = np.exp(_truth())
    fitted = Batch().fit(_truth() - 4)
    np.testing.assert_allclose(fitted.prior, p.mean(axis=0))
    np.testing.assert_allclose(fitted.transform(_truth()), _normalised(p / p.mean(axis=0)))
    half = Batch(gamma=0.5).fit(_truth())
    np.testing.assert_allclose(half.transform(_truth()), _normalised(p / p.mean(axis=0) ** 0.5))


def test_gamma_is_found_on_labels():
    rng = np.random.default_rng(4)
    truth = _truth(4000)
    labels = (truth + rng.gumbel(size=truth.shape)).argmax(axis=1)
    skewed = truth + np.log(TEN)
    made = Batch(gamma=None)
    with pytest.raises(DataError, match="call fit on the pool first"):
        made.fit_gamma(skewed, labels)
    made.fit(skewed)
    assert not made.fitted
    with pytest.raises(DataError, match="call fit_gamma with labels"):
        made.transform(skewed)
    made.fit_gamma(skewed[:500], labels[:500])
    # gamma log prior must come near the skew: that is, above 1, for batch undoes too little.
    found = -made.strength * np.log(made.prior)
    assert found[1] - found[0] == pytest.approx(np.log(10), abs=0.3)
    assert made.strength > 1.3
    assert made.to_dict()["fitted_on"]["label_counts"] == np.bincount(labels[:500]).tolist()
    back = from_dict(made.to_dict())
    assert np.array_equal(back.transform(skewed), made.transform(skewed))
    with pytest.raises(ConfigError, match=r"made with gamma 1\.0"):
        Batch().fit(skewed).fit_gamma(skewed, labels)
    with pytest.raises(DataError, match="lies outside"):
        made.fit_gamma(skewed, labels + 1)


def test_few_labels_leave_gamma_near_one():
    made = Batch(gamma=None).fit(_truth() + np.log(TEN)).fit_gamma([[-0.1, -3.0, -4.0]], [0])
    assert 0.3 < made.strength < 1.5


def test_the_support_set_of_promptal_holds_the_best_of_each_label_once():
    p = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.4, 0.4, 0.2], [0.3, 0.3, 0.4]])
    one = PromptALPrior(per_label=1).fit(np.log(p))
    np.testing.assert_allclose(one.prior, p[[0, 2, 3]].mean(axis=0))
    # The best two: 0 and 1; 2 and 1 (before 3, which is level with it); 3 and 2.
    two = PromptALPrior(per_label=2).fit(np.log(p))
    np.testing.assert_allclose(two.prior, p.mean(axis=0))
    assert np.array_equal(
        PromptALPrior().fit(_truth(80)).transform(_truth(9)),
        Batch().fit(_truth(80)).transform(_truth(9)),
    )


@pytest.mark.parametrize("target", [None, (0.7, 0.2, 0.1)])
@pytest.mark.parametrize("scale", [0.1, 2.0, 30.0])
def test_prior_matching_reaches_the_given_mean(target, scale):
    scores = _truth(scale=scale) + np.log([100, 1, 0.01])
    fitted = PriorMatching(target=target).fit(scores)
    expected = np.full(3, 1 / 3) if target is None else np.array(target)
    np.testing.assert_allclose(fitted.transform(scores).mean(axis=0), expected, atol=1e-8)


def test_prior_matching_undoes_any_factor_exactly():
    truth = _truth()
    plain = PriorMatching().fit(truth)
    skewed = PriorMatching().fit(truth + np.log([1000, 1, 0.1]))
    np.testing.assert_allclose(
        skewed.transform(truth + np.log([1000, 1, 0.1])), plain.transform(truth), atol=1e-7
    )
    factor = skewed.prior / plain.prior
    np.testing.assert_allclose(factor / factor[1], [1000, 1, 0.1], rtol=1e-6)


def test_prior_matching_on_many_labels_and_on_a_single_row():
    scores = _truth(500, columns=60, scale=4.0)
    np.testing.assert_allclose(
        PriorMatching().fit(scores).transform(scores).mean(axis=0), np.full(60, 1 / 60), atol=1e-8
    )
    one = np.array([[-0.01, -5.0, -80.0]])
    np.testing.assert_allclose(PriorMatching().fit(one).transform(one), [[1 / 3] * 3], atol=1e-8)


def test_a_class_prior_that_cannot_be_reached():
    with pytest.raises(DataError, match="the label number 2 has probability zero in every row"):
        PriorMatching().fit([[-1.0, -np.inf, -2.0], [-2.0, -np.inf, -1.0]])
    # Three rows that can only be label 0 cannot have a mean of 1/2 if one row is free.
    stuck = np.array([[0.0, -np.inf]] * 3 + [[-1.0, -1.0]])
    with pytest.raises(DataError, match="does not come to the class prior"):
        PriorMatching().fit(stuck)
    with pytest.raises(DataError, match="2 shares, and the scores 3 labels"):
        PriorMatching(target=(0.5, 0.5)).fit(_truth())
    for target in [(0.5, 0.6), (1.0, 0.0), (), (np.nan, 0.5)]:
        with pytest.raises(ConfigError, match="class prior"):
            PriorMatching(target=target)


def _clusters(rows=300, seed=0, shift=(0.0, 0.0, 0.0)):
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, -3.0, -4.0], [-4.0, 0.0, -3.0], [-3.0, -4.0, 0.0]])
    labels = rng.integers(3, size=rows)
    return centres[labels] + rng.normal(scale=0.4, size=(rows, 3)) + np.array(shift), labels


def test_prototypical_finds_the_clusters_behind_a_prior_that_hides_them():
    # With this skew the model always answers the first label.
    scores, labels = _clusters(shift=(6.0, 0.0, 0.0))
    assert (scores.argmax(axis=1) == 0).mean() > 0.95
    fitted = Prototypical().fit(scores)
    result = fitted.transform(scores)
    assert (result.argmax(axis=1) == labels).mean() > 0.99
    fresh, fresh_labels = _clusters(seed=7, shift=(6.0, 0.0, 0.0))
    assert (fitted.transform(fresh).argmax(axis=1) == fresh_labels).mean() > 0.99


def test_prototypical_responsibilities_are_those_of_its_mixture():
    from sklearn.mixture import GaussianMixture

    scores, _ = _clusters()
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    theirs = GaussianMixture(3, reg_covar=1e-3, tol=1e-6, max_iter=500, random_state=0).fit(logs)
    order = theirs.means_.argmax(axis=1)
    expected = theirs.predict_proba(logs)[:, np.argsort(order)]
    np.testing.assert_allclose(Prototypical().fit(scores).transform(scores), expected, atol=1e-3)


def test_too_few_rows_for_clusters():
    with pytest.raises(DataError, match="11 rows are too few to find clusters of 3 labels"):
        Prototypical().fit(_clusters(rows=11)[0])
