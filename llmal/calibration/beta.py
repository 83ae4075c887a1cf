"""Beta calibration, each label against the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.fittable import check_weight
from llmal.calibration.label_map import LabelMap, log_odds
from llmal.calibration.likelihood import minimise
from llmal.calibration.scores import probabilities_of


@dataclass(eq=False)
class Beta(LabelMap):
    """Log-odds a ln p - b ln(1 - p) + c for each label against the rest, then renormalised.

    Kull, Silva Filho and Flach (2017), with a and b not below zero so that the map never falls.
    a, b and c minimise the negative log-likelihood plus ridge/2 ((a - 1)^2 + (b - 1)^2 + c^2); a
    label without any row in the fit keeps what that penalty leaves it. With three labels or
    more, one against the rest cannot undo a change of class prior exactly: it does not see how
    the rest is made up.

    Args:
        ridge: Weight of the pull to a = b = 1, c = 0, in labels.
    """

    name: ClassVar[str] = "beta"
    layout: ClassVar[dict[str, str]] = {"a": "C", "b": "C", "c": "C"}

    ridge: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weight(self.ridge, "ridge", self.name)

    def _learn(self, logs: NDArray[np.float64], truth: NDArray[np.int64]) -> Mapping[str, Any]:
        inside, outside = _features(logs)
        found = np.array(
            [
                self._fit_one(inside[:, column], outside[:, column], truth == column)
                for column in range(logs.shape[1])
            ]
        )
        return {"a": found[:, 0], "b": found[:, 1], "c": found[:, 2]}

    def _fit_one(
        self, inside: NDArray[np.float64], outside: NDArray[np.float64], hit: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        from scipy.special import expit, log_expit

        features = np.column_stack([inside, -outside, np.ones_like(inside)])
        start = np.array([1.0, 1.0, 0.0])

        def cost(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            z = features @ x
            away = x - start
            value = -float((log_expit(-z) + hit * z).sum())
            slope = expit(z) - hit
            return (
                value + self.ridge / 2 * float(away @ away),
                features.T @ slope + self.ridge * away,
            )

        bounds = [(0.0, None), (0.0, None), (None, None)]
        return minimise(cost, start, len(hit), self.name, bounds)

    def _map(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.special import log_expit

        inside, outside = _features(logs)
        z = self._number("a") * inside - self._number("b") * outside + self._number("c")
        return probabilities_of(log_expit(z))


def _features(logs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithms of p and of 1 - p, shape (n, C) each."""
    from scipy.special import log_expit

    odds = log_odds(logs)
    return log_expit(odds), log_expit(-odds)
