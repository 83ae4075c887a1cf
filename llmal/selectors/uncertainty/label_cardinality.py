"""Where an item takes several labels: those predicted to have unusually many labels, or few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.errors import ConfigError
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import Ranking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.task.spaces import SpaceKind

_CLOSEST = 0.01
"""Smaller separations count as this one, so that a single item near the threshold does not settle
the order by itself."""


@dataclass(frozen=True)
class LabelCardinality(Ranking):
    """Label cardinality inconsistency: how far the number of predicted labels is from the usual.

    c(x) = |labels of x with a probability above `threshold` - mean labels of a labelled item|.
    With `uncertainty_weight` b the utility is (1 / s(x))^b (1 + c(x))^(1-b), where s(x) is the
    separation: the least probability of a predicted label less the greatest of the others. The
    threshold stands in for a group that is empty. With b = 0 it is c(x) itself.

    Source: Li and Guo, 2013, "Active learning with multi-label SVM classification", who choose b
    anew for each pick, by the error that it would lead to, which is not done here. small-text's
    LabelCardinalityInconsistency gives c(x). Its AdaptiveActiveLearning is b = 0.5 with 1 + c(x) as
    here, so that c(x) = 0 does not undo the uncertainty; its separation is the lead of the most
    probable label over the second, whatever is predicted.

    Args:
        uncertainty_weight: b, from 0 (cardinality alone) to 1 (separation alone).
        threshold: Probability above which a label counts as predicted.

    Raises:
        ConfigError: An argument is not between 0 and 1.
    """

    name = "label_cardinality"
    spaces: ClassVar[tuple[SpaceKind, ...]] = ("multi",)
    requires = frozenset[Signal]({"labels", "probabilities"})

    uncertainty_weight: float = 0.0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        for option in ("uncertainty_weight", "threshold"):
            value = getattr(self, option)
            if not 0 <= value <= 1:
                raise ConfigError(f"{self.name}: {option} is {value}", fix="between 0 and 1")

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """The inconsistency, weighed with the uncertainty."""
        probabilities = state.probabilities
        usual = float(state.labels.sum(axis=1).mean())
        predicted = (probabilities > self.threshold).sum(axis=1)
        values = np.abs(predicted - usual)
        if self.uncertainty_weight:
            apart = np.maximum(self._separation(probabilities), _CLOSEST)
            weight = self.uncertainty_weight
            values = apart**-weight * (1 + values) ** (1 - weight)
        return Utilities(
            np.asarray(values, dtype=np.float64),
            lambda row: f"{predicted[row]} labels predicted, {usual:.2f} are usual",
        )

    def _separation(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """The least predicted probability less the greatest of the others, shape (U,)."""
        apart = np.empty(len(probabilities))
        for part in chunks(*probabilities.shape):
            block = probabilities[part].astype(np.float64)
            given = block > self.threshold
            least = np.where(given, block, np.inf).min(axis=1)
            most = np.where(given, -np.inf, block).max(axis=1)
            least[np.isinf(least)] = self.threshold
            most[np.isinf(most)] = self.threshold
            apart[part] = least - most
        return apart
