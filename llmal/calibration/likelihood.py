"""The negative log-likelihood of labels, and how it is minimised."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.scores import log_sum
from llmal.errors import DataError

log = logging.getLogger("llmal.calibration")

_STEPS = 2000
_FLAT = 1e-8

Bounds = Sequence[tuple[float | None, float | None]]


def nll(logits: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Sum over the rows of -ln softmax(logits)[truth]."""
    hit = logits[np.arange(len(truth)), truth]
    return float((log_sum(logits, axis=1) - hit).sum())


def nll_and_slope(
    logits: NDArray[np.float64], truth: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    """`nll`, and its derivative by the logits, shape (n, C)."""
    rows = np.arange(len(truth))
    total = log_sum(logits, axis=1)
    slope = np.exp(logits - total[:, None])
    slope[rows, truth] -= 1.0
    return float((total - logits[rows, truth]).sum()), slope


def minimise(
    cost: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]],
    start: NDArray[np.float64],
    rows: int,
    name: str,
    bounds: Bounds | None = None,
) -> NDArray[np.float64]:
    """The lowest point of a convex cost, by L-BFGS.

    Args:
        cost: Gives the value and its gradient.
        start: Where to begin.
        rows: The cost is a sum over so many rows; steps are judged by the mean.
        name: Who asks, for messages.
        bounds: Lowest and highest value of each number.

    Raises:
        DataError: The cost is not finite somewhere on the way.
    """
    from scipy.optimize import minimize

    def mean_cost(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = cost(x)
        return value / rows, gradient / rows

    found = minimize(
        mean_cost,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": _STEPS, "maxfun": 2 * _STEPS, "ftol": 0.0, "gtol": _FLAT, "maxcor": 30},
    )
    if not (np.isfinite(found.x).all() and np.isfinite(found.fun)):
        raise DataError(f"the {name} calibrator finds no finite fit of these scores")
    # Near the optimum the line search ends for want of digits, which is no failure.
    if not found.success and found.nit >= _STEPS:
        log.warning("the fit of the %s calibrator stopped after %d steps", name, found.nit)
    return np.asarray(found.x, dtype=np.float64)


def minimise_scalar(cost: Callable[[float], float], low: float, high: float) -> float:
    """The lowest point of a cost of one number between two bounds, by Brent's method."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
    return float(found.x)
