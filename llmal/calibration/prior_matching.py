"""Prior matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.prior_correction import PriorCorrection
from llmal.calibration.protocol import FitsOn
from llmal.calibration.scores import log_over_labels, log_sum
from llmal.errors import ConfigError, DataError

_CLOSE = 1e-9
_MOST_STEPS = 1000


@dataclass(eq=False)
class PriorMatching(PriorCorrection):
    """Scales the labels so that their mean probability over the pool is a given class prior.

    With w = 1 / prior: the mean over the pool of w p / sum(w p) equals the target. Each step
    multiplies w by target / mean (iterative proportional fitting, Deming and Stephan 1940); a
    Newton step on the same convex problem takes its place wherever it comes at least twice as
    close. A prior that the model multiplies to its probabilities is undone exactly.

    Args:
        target: The class prior, shape (C,), above zero and summing to one; uniform if None.
    """

    name: ClassVar[str] = "prior-matching"
    fits_on: ClassVar[FitsOn] = "pool"

    target: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target is None:
            return
        self.target = tuple(float(share) for share in self.target)
        if not (min(self.target, default=0) > 0 and abs(sum(self.target) - 1) < 1e-6):
            raise ConfigError(
                f"the class prior {self.target} is not one",
                fix="give a share above zero for each label; they must sum to one",
            )

    def with_default_target(self, shares: Sequence[float]) -> PriorMatching:
        """A copy that is not fitted, with these shares if no target was given."""
        target = tuple(shares) if self.target is None else self.target
        return PriorMatching(target=target)

    def _log_prior(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        rows, columns = logs.shape
        if self.target is not None and len(self.target) != columns:
            raise DataError(
                f"the class prior has {len(self.target)} shares, and the scores {columns} labels"
            )
        target = np.full(columns, 1 / columns) if self.target is None else np.array(self.target)
        target /= target.sum()
        dead = np.isneginf(logs).all(axis=0)
        if dead.any():
            raise DataError(
                f"the label {self._called(np.flatnonzero(dead)[:1])} has probability zero in every "
                "row, so no scaling gives it its share",
                fix="leave the label out, or look at what the language model answered",
            )
        logs = log_over_labels(logs)
        weights = np.zeros(columns)
        means, p = _means(logs, weights)
        for _ in range(_MOST_STEPS):
            gap = target - np.exp(means)
            if np.abs(gap).max() < _CLOSE:
                return -weights
            # The null direction (all weights alike) is filled up, so that there is one solution.
            curvature = np.diag(p.mean(axis=0)) - p.T @ p / rows + 1 / columns**2
            tried = weights + _solve(curvature, gap)
            new_means, new_p = _means(logs, tried)
            if not np.abs(target - np.exp(new_means)).max() < np.abs(gap).max() / 2:
                tried = weights + np.log(target) - means
                new_means, new_p = _means(logs, tried)
            weights, means, p = tried - tried.mean(), new_means, new_p
        raise DataError(
            f"the mean over the pool does not come to the class prior in {_MOST_STEPS} steps "
            f"(still {np.abs(gap).max():.2g} off)",
            fix="give a larger pool, or a class prior that its probabilities can have",
        )


def _means(
    logs: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithm of the mean probability of each label, and the probabilities."""
    scaled = log_over_labels(logs + weights)
    return log_sum(scaled, axis=0) - np.log(len(logs)), np.exp(scaled)


def _solve(matrix: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        step = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        return np.zeros_like(right)
    return np.asarray(np.where(np.isfinite(step).all(), step, 0.0))
