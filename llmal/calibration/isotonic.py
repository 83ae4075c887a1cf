"""Isotonic regression, each label against the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.label_map import LabelMap, log_odds


@dataclass(eq=False)
class Isotonic(LabelMap):
    """A rising step function of each label's log-odds, then renormalised over the labels.

    Zadrozny and Elkan (2002). Straight lines between the steps. No label falls below
    1 / (C (n + 1)) before the renormalisation, as if one more label had been seen that was shared
    by all: so none is ever at zero, and a label without any row in the fit stays there. It
    needs many labels, about 1,000, and can make items of different scores equal.
    """

    name: ClassVar[str] = "isotonic"
    layout: ClassVar[dict[str, str]] = {"x": "n", "y": "n", "ends": "C"}

    def _learn(self, logs: NDArray[np.float64], truth: NDArray[np.int64]) -> Mapping[str, Any]:
        from sklearn.isotonic import IsotonicRegression

        odds = log_odds(logs)
        rows, columns = logs.shape
        xs, ys = [], []
        for column in range(columns):
            steps = IsotonicRegression(y_min=1 / (columns * (rows + 1)), y_max=1.0)
            steps.fit(odds[:, column], (truth == column).astype(np.float64))
            xs.append(steps.X_thresholds_)
            ys.append(steps.y_thresholds_)
        return {
            "x": np.concatenate(xs),
            "y": np.concatenate(ys),
            "ends": np.cumsum([len(one) for one in xs]),
        }

    def _sound(self) -> bool:
        x, y, ends = (self._number(key) for key in ("x", "y", "ends"))
        sizes = np.diff(ends, prepend=0)
        return bool((sizes >= 1).all() and len(x) == len(y) == ends[-1] and (y > 0).all())

    def _map(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        odds = log_odds(logs)
        ends = self._number("ends").astype(np.int64)
        each = np.empty_like(odds)
        for column, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
            part = slice(start, end)
            each[:, column] = np.interp(
                odds[:, column], self._number("x")[part], self._number("y")[part]
            )
        return np.asarray(each / each.sum(axis=1, keepdims=True))
