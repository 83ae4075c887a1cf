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

        def cost(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            weights = x.reshape(start.shape)
            logits = logs @ weights[:, :-1].T + weights[:, -1]
            value, slope = nll_and_slope(logits, truth)
            pull = penalty * (weights - start)
            value += float((pull * (weights - start)).sum()) / 2
            gradient = np.column_stack([slope.T @ logs, slope.sum(axis=0)]) + pull
            return value, gradient.ravel()

        found = minimise(cost, start.ravel(), rows, self.name).reshape(start.shape)
        return {"matrix": found[:, :-1], "bias": found[:, -1]}

    def _map(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return probabilities_of(logs @ self._number("matrix").T + self._number("bias"))
