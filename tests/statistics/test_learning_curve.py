"""PALM against curves worked by hand, exact curves and curves with noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from llmal.errors import ConfigError, DataError
from llmal.statistics.learning_curve import LearningCurve

LABELS = np.arange(20.0, 221.0, 20.0)


def _curve(
    a_max: float = 0.8, delta: float = 0.5, alpha: float = 1.0, beta: float = 1.0
) -> LearningCurve:
    nothing = np.empty(0)
    return LearningCurve(
        a_max,
        delta,
        alpha,
        beta,
        batch=20.0,
        labels=nothing,
        accuracy=nothing,
    )


def _slow() -> LearningCurve:
    """85 % in the end, 70 % with 400 labels."""
    return _curve(0.85, 0.25, 0.5, 0.6)


def test_accuracy_by_hand():
    # 0.8 · (1 − 0.5^(B/20 + 1))
    assert _curve().predict([0, 20, 40]) == pytest.approx([0.4, 0.6, 0.7])
    # 0.8 · (1 − 0.5^((B/20 + 1)²))
    assert _curve(beta=2.0).predict([0, 20]) == pytest.approx([0.4, 0.75])
    assert _curve().predict([[20], [40]]).shape == (2, 1)
    assert float(_curve().predict(np.inf)) == pytest.approx(0.8)


def test_the_base_of_the_power_is_never_negative():
    assert _curve(alpha=-2.0).predict([0, 40]) == pytest.approx([0, 0], abs=1e-7)
    assert _curve(alpha=-2.0).predict([60]) == pytest.approx([0.4])


def test_labels_needed_by_hand():
    assert _curve().labels_for(0.6) == pytest.approx(20)
    assert _curve().labels_for(0.7) == pytest.approx(40)
    assert _curve(beta=2.0).labels_for(0.75) == pytest.approx(20)


def test_a_target_that_is_never_reached_takes_infinitely_many_labels():
    assert _curve().labels_for(0.8) == np.inf
    assert _curve().labels_for(0.9) == np.inf
    assert _curve(delta=0.0).labels_for(0.1) == np.inf


def test_a_target_below_the_curve_takes_none():
    assert _curve().labels_for(0.3) == 0


@pytest.mark.parametrize("true", [_curve(), _slow(), _curve(0.95, 0.05, -0.5, 1.4)])
def test_an_exact_curve_is_found_again(true: LearningCurve):
    fitted = LearningCurve.fit(LABELS, true.predict(LABELS))
    beyond = np.array([30, 300, 600])
    assert fitted.predict(beyond) == pytest.approx(true.predict(beyond), abs=2e-3)
    assert fitted.labels_for(0.7) == pytest.approx(true.labels_for(0.7), rel=0.02)
    low, high = fitted.labels_for_interval(0.7)
    assert low == pytest.approx(high, rel=0.05)
    # The interval has no width here: what its ends differ by is rounding.
    rounding = 1e-9 * fitted.labels_for(0.7)
    assert low - rounding <= fitted.labels_for(0.7) <= high + rounding


def test_five_points_are_enough_and_four_are_not():
    true = _slow()
    assert LearningCurve.fit(LABELS[:5], true.predict(LABELS[:5])).batch == 20
    with pytest.raises(DataError) as caught:
        LearningCurve.fit(LABELS[:4], true.predict(LABELS[:4]))
    assert str(caught.value) == (
        "a learning curve has four parameters, and there are 4 different numbers of labels; fit "
        "it once there are 5"
    )


def test_points_of_several_runs_are_told_apart_by_their_labels():
    labels = np.tile(LABELS[:4], 3)
    with pytest.raises(DataError, match="there are 4 different numbers of labels"):
        LearningCurve.fit(labels, np.linspace(0.3, 0.6, 12))
    labels = np.tile(LABELS, 3)
    true = _slow()
    fitted = LearningCurve.fit(labels, true.predict(labels))
    assert fitted.batch == 20
    assert fitted.predict(400) == pytest.approx(true.predict(400), abs=2e-3)


@pytest.mark.parametrize(
    ("labels", "accuracy", "sentence"),
    [
        (
            LABELS,
            LABELS / 4,
            "an accuracy is 5; it must be from 0 to 1, not in percent",
        ),
        (
            LABELS,
            np.full(11, np.nan),
            "an accuracy is nan; it must be from 0 to 1, not in percent",
        ),
        (-LABELS, np.full(11, 0.5), "a number of labels is negative or not finite"),
        (
            LABELS,
            [0.5],
            "a learning curve has labels of shape (11,) and accuracies of shape (1,); give one "
            "accuracy for each number of labels",
        ),
    ],
)
def test_points_that_are_none_are_refused(labels: Any, accuracy: Any, sentence: str):
    with pytest.raises(DataError) as caught:
        LearningCurve.fit(labels, accuracy)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (
            lambda: LearningCurve.fit(LABELS, LABELS / 400, batch=0),
            "batch is 0; it must be above 0",
        ),
        (
            lambda: _curve().labels_for(80),
            "the target accuracy is 80; it must be between 0 and 1",
        ),
        (
            lambda: LearningCurve.fit(LABELS, LABELS / 400).predict_interval(10, level=90),
            "the level is 90; it must be between 0 and 1",
        ),
    ],
)
def test_what_cannot_be_asked_is_said(ask: Any, sentence: str):
    with pytest.raises(ConfigError) as caught:
        ask()
    assert str(caught.value) == sentence


def test_predictions_do_not_depend_on_batch_or_order():
    rng = np.random.default_rng(3)
    accuracy = _slow().predict(LABELS) + rng.normal(0, 0.01, len(LABELS))
    one = LearningCurve.fit(LABELS, accuracy)
    other = LearningCurve.fit(LABELS, accuracy, batch=7.0)
    shuffled = LearningCurve.fit(LABELS[::-1], accuracy[::-1])
    within = np.array([30, 120, 220])
    assert other.predict(within) == pytest.approx(one.predict(within), abs=2e-3)
    assert shuffled.predict(within) == pytest.approx(one.predict(within), abs=1e-5)


def test_the_fit_is_no_worse_than_the_truth():
    rng = np.random.default_rng(0)
    for _ in range(10):
        true = _curve(*rng.uniform([0.5, 0.02, -0.5, 0.3], [1, 0.6, 3, 1.5]))
        accuracy = np.clip(true.predict(LABELS) + rng.normal(0, 0.01, len(LABELS)), 0, 1)
        fitted = LearningCurve.fit(LABELS, accuracy)
        squares = ((fitted.predict(LABELS) - accuracy) ** 2).sum()
        assert squares <= ((true.predict(LABELS) - accuracy) ** 2).sum() * 1.001
        assert fitted.residual == pytest.approx(np.sqrt(squares / 7))


def test_the_interval_is_the_range_of_curves_that_fit_about_as_well():
    """Against scipy's least squares with the prediction held fixed (the profile)."""
    from scipy.optimize import minimize
    from scipy.stats import f

    rng = np.random.default_rng(5)
    accuracy = _slow().predict(LABELS) + rng.normal(0, 0.01, len(LABELS))
    fitted = LearningCurve.fit(LABELS, accuracy)
    low, high = (float(end) for end in fitted.predict_interval(400))
    limit = 7 * fitted.residual**2 * (1 + f.ppf(0.9, 1, 7) / 7)

    def least_error(height: float) -> float:
        # A_max is what puts the curve at this height with 400 labels.
        def error(theta: np.ndarray) -> float:
            one = _curve(1.0, float(-np.expm1(-np.exp(theta[0]))), *theta[1:])
            a_max = height / float(one.predict(400))
            return float(((a_max * one.predict(LABELS) - accuracy) ** 2).sum()) + max(a_max - 1, 0)

        starts = [(-1.5, 0.5, 0.6), (-2.0, 1.5, 1.0), (-1.2, 0.0, 0.4)]
        made = [
            minimize(error, one, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-10})
            for one in starts
        ]
        return min(float(one.fun) for one in made)

    slack = 0.03 * (high - low)
    assert least_error(low + slack) < limit < least_error(low - slack)
    assert least_error(high - slack) < limit < least_error(high + slack)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(7)
    true = _slow()
    held = {0.5: 0, 0.9: 0}
    needed = {0.5: 0, 0.9: 0}
    for _ in range(30):
        accuracy = np.clip(true.predict(LABELS) + rng.normal(0, 0.01, len(LABELS)), 0, 1)
        fitted = LearningCurve.fit(LABELS, accuracy)
        for level in held:
            low, high = fitted.predict_interval(400, level)
            held[level] += int(low <= true.predict(400) <= high)
            fewest, most = fitted.labels_for_interval(0.75, level)
            needed[level] += int(fewest <= true.labels_for(0.75) <= most)
    for count in (held, needed):
        assert 7 <= count[0.5] <= 23
        assert count[0.9] >= 23


def test_intervals_grow_with_the_way_ahead_and_with_the_level():
    rng = np.random.default_rng(2)
    accuracy = _slow().predict(LABELS) + rng.normal(0, 0.01, len(LABELS))
    fitted = LearningCurve.fit(LABELS, accuracy)
    low, high = fitted.predict_interval([220, 400, 1000])
    assert (np.diff(high - low) > 0).all()
    wider = fitted.predict_interval([220, 400, 1000], level=0.99)
    assert (wider[0] <= low).all()
    assert (wider[1] >= high).all()
    assert (low < fitted.predict([220, 400, 1000])).all()


def test_fewer_points_leave_more_open():
    rng = np.random.default_rng(4)
    accuracy = _slow().predict(LABELS) + rng.normal(0, 0.01, len(LABELS))
    few = LearningCurve.fit(LABELS[:5], accuracy[:5]).predict_interval(400)
    many = LearningCurve.fit(LABELS, accuracy).predict_interval(400)
    assert few[1] - few[0] > 2 * (many[1] - many[0])
    assert few[0] <= _slow().predict(400) <= few[1]


def test_a_curve_that_has_flattened_below_the_target_may_never_reach_it():
    true = _curve(0.7, 0.6, 0.5, 1.0)
    rng = np.random.default_rng(0)
    accuracy = true.predict(LABELS) + rng.normal(0, 0.004, len(LABELS))
    fitted = LearningCurve.fit(LABELS, accuracy)
    assert fitted.labels_for(0.8) == np.inf
    assert fitted.labels_for_interval(0.8) == (np.inf, np.inf)
    assert fitted.labels_for_interval(0.7)[1] == np.inf
    assert fitted.a_max == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize("height", [0.0, 0.7, 1.0])
def test_a_flat_curve_stays_flat(height: float):
    fitted = LearningCurve.fit(LABELS, np.full(11, height))
    assert fitted.predict([20, 220, 2000]) == pytest.approx([height] * 3, abs=1e-3)
    low, high = fitted.predict_interval(2000)
    assert low == pytest.approx(height, abs=1e-2)
    assert high == pytest.approx(height, abs=1e-2)


def test_a_falling_curve_is_fitted_flat():
    fitted = LearningCurve.fit(LABELS, np.linspace(0.7, 0.6, 11))
    assert fitted.predict([20, 220]) == pytest.approx([0.65, 0.65], abs=0.02)
    assert fitted.labels_for(0.9) == np.inf


def test_no_labels_are_a_point_too():
    labels = np.arange(0.0, 120.0, 20.0)
    fitted = LearningCurve.fit(labels, _curve().predict(labels))
    assert fitted.predict([0, 200]) == pytest.approx(_curve().predict([0, 200]), abs=2e-3)
