"""How wrong predicted errors may be: what a pilot's labels leave open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.guarantee.doubt import log_odds


@dataclass(frozen=True)
class Spread:
    """How the true log-odds of being wrong may lie beside predicted ones: a + b · log-odds.

    Attributes:
        intercept: Mean of a.
        slope: Mean of b.
        covariance: Of the two, by row.
    """

    intercept: float
    slope: float
    covariance: tuple[tuple[float, float], tuple[float, float]]

    def draw(self, rng: np.random.Generator) -> tuple[float, float]:
        """One intercept and slope; the slope is not below a tenth."""
        intercept, slope = rng.multivariate_normal([self.intercept, self.slope], self.covariance)
        return float(intercept), float(max(slope, 0.1))


def independent(
    intercept: float, slope: float, *, mean: tuple[float, float] = (0.0, 1.0)
) -> Spread:
    """Intercept and slope with these standard deviations."""
    return Spread(*mean, ((intercept**2, 0.0), (0.0, slope**2)))


def learnt_from(predicted: NDArray[np.float64], wrong: NDArray[np.bool_], prior: Spread) -> Spread:
    """What labels of a uniform draw say of it: the normal approximation at the mode.

    Args:
        predicted: Probabilities that were predicted without these labels, shape (n,).
        wrong: What people said, shape (n,).
        prior: What holds without them.
    """
    logits = log_odds(predicted)
    design = np.stack([np.ones_like(logits), logits], axis=1)
    precision = np.linalg.inv(np.array(prior.covariance))
    mean = np.array([prior.intercept, prior.slope])
    theta = mean.copy()
    for _ in range(50):
        expected = 1 / (1 + np.exp(-(design @ theta)))
        weights = expected * (1 - expected)
        hessian = (design * weights[:, None]).T @ design + precision
        step = np.linalg.solve(hessian, design.T @ (expected - wrong) + precision @ (theta - mean))
        step *= min(1.0, 1.0 / max(1e-12, float(np.abs(step).max())))
        theta = theta - step
        if float(np.abs(step).max()) < 1e-9:
            break
    (aa, ab), (ba, bb) = np.linalg.inv(hessian).tolist()
    return Spread(float(theta[0]), float(theta[1]), ((aa, ab), (ba, bb)))
