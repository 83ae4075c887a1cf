"""Temperature scaling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.fittable import check_weight
from llmal.calibration.label_map import LabelMap
from llmal.calibration.likelihood import minimise_scalar, nll
from llmal.calibration.scores import probabilities_of

_WIDEST = 7.0


@dataclass(eq=False)
class Temperature(LabelMap):
    """Probabilities proportional to p^(1/T): one number, for all labels (Guo et al. 2017).

    The order of the labels never changes, and a label that has no row in the fit is treated like
    the others. T minimises the negative log-likelihood plus ridge/2 (ln T)^2, which keeps it
    finite where all labels of the fit are right.

    Args:
        ridge: Weight of the pull to T = 1, in labels.
    """

    name: ClassVar[str] = "temperature"
    layout: ClassVar[dict[str, str]] = {"temperature": ""}

    ridge: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_weight(self.ridge, "ridge", self.name)

    @property
    def temperature(self) -> float:
        """T; above one where the scores are too sure.

        Raises:
            DataError: Not fitted.
        """
        return float(self._number("temperature"))

    def _learn(self, logs: NDArray[np.float64], truth: NDArray[np.int64]) -> Mapping[str, Any]:
        def cost(log_t: float) -> float:
            return nll(logs * np.exp(-log_t), truth) + self.ridge * log_t**2 / 2

        return {"temperature": np.exp(minimise_scalar(cost, -_WIDEST, _WIDEST))}

    def _sound(self) -> bool:
        return self.temperature > 0

    def _map(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return probabilities_of(logs / self.temperature)
