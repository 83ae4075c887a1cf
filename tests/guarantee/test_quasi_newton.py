"""Minima that are found side by side are those that scipy finds one by one."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from llmal.guarantee.quasi_newton import minimise_all


def logistic_fits():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3, 60, 5)) * np.array([1, 3, 0.1, 1, 10])
    true = (rng.random((3, 60)) < 1 / (1 + np.exp(-rows[:, :, 0]))).astype(float)
    return rows, true


def loss_of(rows, true):
    def loss(theta, which):
        scores = np.einsum("pnd,pd->pn", rows[which], theta)
        values = (np.logaddexp(0, scores) - true[which] * scores).sum(axis=1)
        off = expit(scores) - true[which]
        slopes = np.einsum("pnd,pn->pd", rows[which], off) + 0.1 * theta
        return values + 0.05 * (theta**2).sum(axis=1), slopes

    return loss


def test_each_function_comes_to_its_own_minimum():
    rows, true = logistic_fits()
    loss = loss_of(rows, true)
    curvature = 0.25 * np.einsum("pnd->pd", rows**2) + 0.1
    found = minimise_all(loss, np.zeros((3, 5)), curvature, tolerance=1e-12, flat=1e-6)
    for which in range(3):

        def alone(theta, which=which):
            values, slopes = loss(theta[None], np.array([which]))
            return values[0], slopes[0]

        wanted = minimize(alone, np.zeros(5), jac=True, method="L-BFGS-B", tol=1e-12)
        np.testing.assert_allclose(found[which], wanted.x, atol=1e-4)


def test_a_start_that_is_the_minimum_is_left_as_it_is():
    rows, true = logistic_fits()
    loss = loss_of(rows, true)
    found = minimise_all(loss, np.zeros((3, 5)), np.ones((3, 5)), tolerance=1e-14, flat=1e-7)
    again = minimise_all(loss, found, np.ones((3, 5)), flat=1e-3)
    np.testing.assert_array_equal(again, found)


def test_too_long_a_first_step_is_shortened():
    rows, true = logistic_fits()
    found = minimise_all(loss_of(rows, true), np.zeros((3, 5)), np.full((3, 5), 1e-3))
    values, slopes = loss_of(rows, true)(found, np.arange(3))
    assert np.isfinite(values).all()
    assert np.abs(slopes).max() < 0.5
