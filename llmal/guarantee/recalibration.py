"""From probabilities that a model gives to ones that people's labels bear out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError

_SMALLEST = 1e-6


class Recalibration(Protocol):
    """Fits a map of probabilities of being wrong."""

    def fit(self, probabilities: NDArray[np.float64], wrong: NDArray[np.bool_]) -> ProbabilityMap:
        """The map that fits predictions for items that the model was not taught with.

        Args:
            probabilities: Predicted, shape (n,).
            wrong: What people said, shape (n,).
        """
        ...


class ProbabilityMap(Protocol):
    """A rising map of probabilities."""

    def __call__(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mapped, shape (n,)."""
        ...

    def as_dict(self) -> Mapping[str, Any]:
        """Its parameters as plain JSON has them."""
        ...


@dataclass(frozen=True)
class LogitMap:
    """intercept + slope · logit(p), as a probability."""

    intercept: float = 0.0
    slope: float = 1.0

    def __call__(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mapped; strictly between 0 and 1."""
        from scipy.special import expit

        return np.asarray(expit(self.intercept + self.slope * _logit(probabilities)))

    def as_dict(self) -> Mapping[str, Any]:
        """Intercept and slope."""
        return {"intercept": self.intercept, "slope": self.slope}


@dataclass(frozen=True)
class Platt:
    """A map of two parameters, drawn towards leaving probabilities as they are.

    Maximum a posteriori with normal priors, of mean 0 for the intercept and 1 for the slope, by
    Newton steps. The slope stays above zero, so that the order is kept.

    Args:
        intercept: Standard deviation of the intercept's prior.
        slope: Standard deviation of the slope's prior.

    Raises:
        ConfigError: One of them is not above zero.
    """

    intercept: float = 0.25
    slope: float = 0.1

    def __post_init__(self) -> None:
        if not (self.intercept > 0 and self.slope > 0):
            raise ConfigError(
                f"priors of {self.intercept} and {self.slope} are no standard deviations",
                fix="give numbers above 0",
            )

    def fit(self, probabilities: NDArray[np.float64], wrong: NDArray[np.bool_]) -> LogitMap:
        """The map of the highest posterior density; the identity where there is no label."""
        from scipy.special import expit

        logits = _logit(probabilities)
        design = np.stack([np.ones_like(logits), logits], axis=1)
        precision = np.array([self.intercept**-2, self.slope**-2])
        prior = np.array([0.0, 1.0])
        theta = prior.copy()
        for _ in range(50):
            mapped = expit(design @ theta)
            gradient = design.T @ (mapped - wrong) + precision * (theta - prior)
            weights = mapped * (1 - mapped)
            hessian = (design * weights[:, None]).T @ design + np.diag(precision)
            step = np.linalg.solve(hessian, gradient)
            step *= min(1.0, 1.0 / max(1e-12, float(np.abs(step).max())))
            theta -= step
            if np.abs(step).max() < 1e-10:
                break
        return LogitMap(float(theta[0]), float(max(theta[1], 1e-3)))


@dataclass(frozen=True)
class AsPredicted:
    """Leaves probabilities as they are."""

    def fit(self, probabilities: NDArray[np.float64], wrong: NDArray[np.bool_]) -> LogitMap:
        """The identity."""
        return LogitMap()


def _logit(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(probabilities, _SMALLEST, 1 - _SMALLEST)
    return np.asarray(np.log(inside) - np.log1p(-inside))
