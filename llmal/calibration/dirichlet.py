"""Dirichlet calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.fittable import check_weight
from llmal.calibration.label_map import LabelMap
from llmal.calibration.likelihood import minimise, nll_and_slope
from llmal.calibration.scores import probabilities_of

_LEAST_SPREAD = 1e-8


@dataclass(eq=False)
class Dirichlet(LabelMap):
    """A matrix and a bias on the log-probabilities: softmax(W log p + b) (Kull et al. 2019).

    It can move probability from a label to one that the model mistakes it for. C (C + 1) numbers
    want many labels: about 50 of each.

    The penalty is of their ODIR kind, off-diagonal and intercept apart: off_diagonal/2 times the
    sum of W_jk^2 var(log p_k) beside its diagonal, so that it weighs alike whatever the spread of
    the scores, plus ridge/2 (sum b^2 + sum (W_kk - 1)^2), where they leave the diagonal free: with
    few labels it would run away. A label without any row in the fit keeps what the penalty leaves
    it, as with vector scaling.

    Args:
        off_diagonal: Weight of the pull of W to a diagonal, in labels.
        ridge: Weight of the pull of b to 0 and of the diagonal to 1, in labels.
    """

    name: ClassVar[str] = "dirichlet"
    layout: ClassVar[dict[str, str]] = {"matrix": "CC", "bias": "C"}

    off_diagonal: float = 10.0
    ridge: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weight(self.off_diagonal, "off_diagonal", self.name)
        check_weight(self.ridge, "ridge", self.name)

    def _learn(self, logs: NDArray[np.float64], truth: NDArray[np.int64]) -> Mapping[str, Any]:
        rows, columns = logs.shape
        penalty = np.full((columns, columns + 1), self.ridge)
        penalty[:, :-1] += self.off_diagonal * logs.var(axis=0)
        np.fill_diagonal(penalty, self.ridge)
        start = np.eye(columns, columns + 1)
        features = np.column_stack([logs, np.ones(rows)])
        # Log-probabilities go up and down together, so steps are taken along whitened features.
        moments = features.T @ features / rows
        moments += _LEAST_SPREAD * np.trace(moments) * np.eye(columns + 1)
        steps = np.linalg.inv(np.linalg.cholesky(moments))

        def cost(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            away = x.reshape(start.shape) @ steps
            value, slope = nll_and_slope(features @ (start + away).T, truth)
            gradient = (slope.T @ features + penalty * away) @ steps.T
            return value + float((penalty * away**2).sum()) / 2, gradient.ravel()

        found = minimise(cost, np.zeros(start.size), rows, self.name)
        weights = start + found.reshape(start.shape) @ steps
        return {"matrix": weights[:, :-1], "bias": weights[:, -1]}

    def _map(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return probabilities_of(logs @ self._number("matrix").T + self._number("bias"))
