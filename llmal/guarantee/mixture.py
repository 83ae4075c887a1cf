"""Several models as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from llmal.errors import ConfigError
from llmal.guarantee.design import Design
from llmal.guarantee.features import Floats
from llmal.guarantee.label_model import Fitted, LabelModel
from llmal.guarantee.log_linear import LogLinear
from llmal.guarantee.trees import Trees


@dataclass(frozen=True)
class Mixture:
    """The weighted geometric mean of what several models predict.

    Args:
        models: At least one.
        weights: One each, above zero.

    Raises:
        ConfigError: Models and weights are not as many, or there is none.
    """

    parts = ("models",)

    models: tuple[LabelModel, ...] = field(default_factory=lambda: (LogLinear(), Trees()))
    weights: tuple[float, ...] = (0.6, 0.4)

    def __post_init__(self) -> None:
        if not self.models or len(self.models) != len(self.weights) or min(self.weights) <= 0:
            raise ConfigError(
                f"{len(self.models)} models have the weights {self.weights}",
                fix="give each a weight above 0",
            )

    def fit(self, design: Design, classes: NDArray[np.int64], rng: np.random.Generator) -> Fitted:
        """Fit each by itself."""
        fitted = [model.fit(design, classes, rng) for model in self.models]

        def predict(asked: Design) -> Floats:
            return self._mean([one.predict(asked) for one in fitted])

        return Fitted(
            predict,
            self._mean([one.out_of_fold for one in fitted]),
            {
                "model": "mixture",
                "weights": list(self.weights),
                "models": [dict(one.about) for one in fitted],
            },
        )

    def _mean(self, tables: Sequence[Floats]) -> Floats:
        total = sum(self.weights)
        logs = [
            weight / total * np.log(np.clip(table, 1e-6, 1))
            for weight, table in zip(self.weights, tables, strict=True)
        ]
        return np.asarray(softmax(np.sum(logs, axis=0), axis=1))
