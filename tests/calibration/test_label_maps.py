from __future__ import annotations

import numpy as np
import pytest

from llmal.calibration import (
    Beta,
    Dirichlet,
    Isotonic,
    Temperature,
    Vector,
    expected_calibration_error,
    make,
    negative_log_likelihood,
)
from llmal.errors import ConfigError


def _truth(rows, seed=0, columns=3):
    logs = np.random.default_rng(seed).normal(scale=1.5, size=(rows, columns))
    return logs - np.logaddexp.reduce(logs, axis=1, keepdims=True)


def _draw(truth, seed=0):
    rng = np.random.default_rng(1000 + seed)
    return (truth + rng.gumbel(size=truth.shape)).argmax(axis=1)


def _kl(truth, probabilities):
    return float((np.exp(truth) * (truth - np.log(probabilities))).sum(axis=1).mean())


def _recovered(calibrator, distort, rows, seed=0, columns=3):
    """KL from the true probabilities of fresh items, uncorrected and corrected."""
    truth, test = _truth(rows, seed, columns), _truth(2000, seed + 50, columns)
    calibrator.fit(distort(truth), _draw(truth, seed))
    raw = np.exp(distort(test) - np.logaddexp.reduce(distort(test), axis=1, keepdims=True))
    return _kl(test, raw), _kl(test, calibrator.transform(distort(test)))


def _too_sure(logs):
    return 3 * logs


def _skewed(logs):
    return logs + np.log([10, 1, 1])


def _both(logs):
    return 3 * logs + np.log([10, 1, 1])


@pytest.mark.parametrize(("rows", "close"), [(50, 0.4), (200, 0.3), (1000, 0.15), (5000, 0.1)])
def test_a_temperature_of_three_is_found(rows, close):
    found = []
    for seed in range(15):
        truth = _truth(rows, seed)
        fitted = Temperature().fit(_too_sure(truth), _draw(truth, seed))
        found.append(fitted.temperature)
    assert np.median(found) == pytest.approx(3, abs=close)


def test_temperature_is_that_of_brute_force():
    truth = _truth(300)
    labels, scores = _draw(truth), _too_sure(truth)
    grid = np.exp(np.linspace(-2, 3, 20001))
    penalty = 0.1 / 2 * np.log(grid) ** 2
    nll = [
        -(s := scores / t)[np.arange(300), labels].sum() + np.logaddexp.reduce(s, axis=1).sum()
        for t in grid
    ]
    best = grid[np.argmin(nll + penalty)]
    assert Temperature().fit(scores, labels).temperature == pytest.approx(best, rel=1e-3)


def test_temperature_stays_finite_where_all_labels_are_right():
    truth = _truth(30)
    fitted = Temperature().fit(truth, truth.argmax(axis=1))
    assert 0.01 < fitted.temperature < 1


@pytest.mark.parametrize(
    ("name", "distort", "bound"),
    [
        ("temperature", _too_sure, 0.002),
        ("vector", _too_sure, 0.005),
        ("vector", _skewed, 0.005),
        ("vector", _both, 0.005),
        ("dirichlet", _too_sure, 0.01),
        ("dirichlet", _skewed, 0.01),
        ("dirichlet", _both, 0.01),
        ("beta", _too_sure, 0.01),
        ("beta", _both, 0.02),
        ("isotonic", _too_sure, 0.04),
        ("isotonic", _both, 0.04),
    ],
)
def test_a_known_miscalibration_is_undone_with_a_thousand_labels(name, distort, bound):
    before, after = _recovered(make(name), distort, 1000)
    assert before > 0.3
    assert after < bound


@pytest.mark.parametrize("name", ["temperature", "vector", "isotonic", "beta", "dirichlet"])
def test_fifty_labels_are_better_than_none(name):
    befores, afters = zip(
        *(_recovered(make(name), _too_sure, 50, seed) for seed in range(4)), strict=True
    )
    assert np.mean(afters) < 0.6 * np.mean(befores)


def test_dirichlet_moves_probability_between_labels_where_vector_cannot():
    mixed = np.array([[1.0, 0.6, 0.0], [0.0, 1.0, 0.6], [0.6, 0.0, 1.0]])
    _, matrix = _recovered(Dirichlet(), lambda logs: logs @ mixed, 3000)
    _, vector = _recovered(Vector(), lambda logs: logs @ mixed, 3000)
    assert matrix < 0.02 < vector


def test_vector_scaling_of_two_labels_is_platt_scaling():
    from sklearn.linear_model import LogisticRegression

    truth = _truth(400, columns=2)
    labels, scores = _draw(truth), 2 * truth + np.log([4, 1])
    ours = Vector(ridge=1e-6).fit(scores, labels).transform(scores)
    odds = scores[:, 1:] - scores[:, :1]
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(odds, labels).predict_proba(odds)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_isotonic_of_two_labels_never_falls_and_is_that_of_scikit_learn():
    from sklearn.isotonic import IsotonicRegression

    truth = _truth(400, columns=2)
    labels, scores = _draw(truth), 3 * truth
    fitted = Isotonic().fit(scores, labels)
    grid = np.linspace(-12, 12, 300)
    ladder = fitted.transform(np.column_stack([np.zeros(300), grid]))[:, 1]
    assert (np.diff(ladder) >= -1e-12).all()
    assert len(np.unique(np.round(ladder, 6))) > 5
    odds = scores[:, 1] - scores[:, 0]
    theirs = IsotonicRegression().fit(odds, labels).predict(odds)
    inner = (theirs > 0.01) & (theirs < 0.99)
    np.testing.assert_allclose(fitted.transform(scores)[inner, 1], theirs[inner], atol=1e-9)


def test_isotonic_gives_nothing_the_probability_zero():
    scores = np.log([[0.9, 0.05, 0.05]] * 10 + [[0.05, 0.9, 0.05]] * 10)
    fitted = Isotonic().fit(scores, [0] * 10 + [1] * 10)
    # 1 / (3 * 21), then renormalised beside 1 and another of the kind.
    assert fitted.transform(scores)[0, 2] == pytest.approx(1 / 63 / (1 + 2 / 63))
    far = fitted.transform(np.array([[-40.0, -40.0, -0.0]]))
    assert far.sum() == pytest.approx(1)
    assert far.min() > 0


def test_beta_never_falls_even_where_labels_run_against_the_scores():
    truth = _truth(300, columns=2)
    against = Beta().fit(truth, 1 - truth.argmax(axis=1))
    grid = np.linspace(-8, 8, 100)
    ladder = against.transform(np.column_stack([np.zeros(100), grid]))[:, 1]
    assert (np.diff(ladder) >= -1e-12).all()


def test_beta_finds_the_map_that_it_is_made_of():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.01, 0.99, 4000)
    true = 1 / (1 + np.exp(-(0.5 * np.log(p) - 2.0 * np.log(1 - p) + 0.3)))
    labels = (rng.random(4000) < true).astype(int)
    result = Beta().fit(np.log(np.column_stack([1 - p, p])), labels)
    found = result.transform(np.log(np.column_stack([1 - p, p])))[:, 1]
    assert np.abs(found - true).max() < 0.06


def test_one_impossible_label_does_not_ruin_a_fit():
    truth = _truth(200)
    labels, scores = _draw(truth), _too_sure(truth)
    broken = scores.copy()
    broken[0, labels[0]] = -np.inf
    for calibrator in (Temperature(), Vector(), Dirichlet(), Beta()):
        test = _truth(1000, seed=9)
        clean = calibrator.fit(scores, labels).transform(_too_sure(test))
        hurt = calibrator.fit(broken, labels).transform(_too_sure(test))
        assert _kl(test, hurt) < _kl(test, clean) + 0.15


def test_ece_and_likelihood_fall_too():
    truth, test = _truth(1000), _truth(4000, seed=3)
    labels = _draw(test, 3)
    raw = np.exp(_too_sure(test) - np.logaddexp.reduce(_too_sure(test), axis=1, keepdims=True))
    result = Temperature().fit(_too_sure(truth), _draw(truth)).transform(_too_sure(test))
    assert expected_calibration_error(raw, labels) > 0.15
    assert expected_calibration_error(result, labels) < 0.03
    assert negative_log_likelihood(result, labels) < negative_log_likelihood(raw, labels) - 0.3


@pytest.mark.parametrize("kind", [Temperature, Vector, Beta, Dirichlet])
@pytest.mark.parametrize("ridge", [0.0, -1.0, np.nan, "much"])
def test_a_penalty_must_be_above_zero(kind, ridge):
    with pytest.raises(ConfigError, match="give a number above zero"):
        kind(ridge=ridge)
