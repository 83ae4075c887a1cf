"""Vector scaling; with two labels, Platt scaling."""

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
class Vector(LabelMap):
    """A scale and a bias for each label: softmax(a log p + b) (Guo et al. 2017).

    Two labels share one scale, which makes it Platt scaling of their log-odds (Platt 1999).
    a and b minimise the negative log-likelihood plus ridge/2 (sum (a - 1)^2 + sum b^2). That
    penalty is also what leaves something to a label without any row in the fit: its probabilities
    over the rows of the fit sum to less than one label, but not to zero.

    Args:
        ridge: Weight of the pull to a = 1, b = 0, in labels.
    """

    name: ClassVar[str] = "vector"
    layout: ClassVar[dict[str, str]] = {"scale": "C", "bias": "C"}

    ridge: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weight(self.ridge, "ridge", self.name)

    def _learn(self, logs: NDArray[np.float64], truth: NDArray[np.int64]) -> Mapping[str, Any]:
        rows, columns = logs.shape
        scales = 1 if columns == 2 else columns

        def cost(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            scale, bias = x[:scales], x[scales:]
            logits = scale * logs + bias
            value, slope = nll_and_slope(logits, truth)
            by_scale = (slope * logs).sum(axis=0)
            by_scale = by_scale if scales > 1 else by_scale.sum(keepdims=True)
            away = x - start
            gradient = np.concatenate([by_scale, slope.sum(axis=0)]) + self.ridge * away
            return value + self.ridge / 2 * float(away @ away), gradient

        start = np.concatenate([np.ones(scales), np.zeros(columns)])
        found = minimise(cost, start, rows, self.name)
        return {"scale": np.broadcast_to(found[:scales], columns), "bias": found[scales:]}

    def _map(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return probabilities_of(self._number("scale") * logs + self._number("bias"))
