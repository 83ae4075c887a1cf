"""The candidates that the model is least sure of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import entropy
from llmal.calibration.protocol import Calibrator
from llmal.core.plans import Plan, free
from llmal.core.records import Item
from llmal.demonstrations.asking import check_calibrator, plan_once, to_probabilities
from llmal.demonstrations.conditions import Condition, check_condition, conditioned
from llmal.demonstrations.ranking import Ranking
from llmal.errors import ConfigError
from llmal.prompting.protocol import Need
from llmal.prompting.scorer import PromptScorer

Measure = Literal["entropy", "least-confidence", "margin"]


@dataclass(frozen=True)
class Uncertain(Ranking):
    """The k candidates of highest uncertainty of the label under the language model.

    One prompt for each distinct candidate. A baseline: of the usual ways to choose demonstrations
    it did worst in the study of Margatina et al. (2023).

    Args:
        scorer: Asks the model.
        measure: "entropy" -sum p ln p, "least-confidence" 1 - max p, or "margin" 1 - (p1 - p2).
        balance: Take the most uncertain of each label, then the second of each, and so on.
        condition: The demonstrations that the candidates are scored with.
        shots: How many, where `condition` is a selector.
        calibrator: Corrects the probabilities first: fitted, or one that fits on a pool, which
            the candidates then are.

    Raises:
        ConfigError: The measure, condition or calibrator cannot be used.
    """

    requires: ClassVar[tuple[Need, ...]] = ("scorer",)
    per_query: ClassVar[bool] = False

    scorer: PromptScorer
    _: KW_ONLY
    measure: Measure = "entropy"
    balance: bool = False
    condition: Condition = "zero-shot"
    shots: int = 4
    calibrator: Calibrator | None = None

    def __post_init__(self) -> None:
        if self.measure not in get_args(Measure):
            raise ConfigError(
                f"there is no measure {self.measure!r} of uncertainty",
                fix=f"use {', '.join(get_args(Measure))}",
            )
        check_condition(self.condition, self.shots)
        check_calibrator(self.calibrator)

    def _plan_scores(
        self, ordered: Sequence[Item], rng: np.random.Generator
    ) -> Plan[NDArray[np.float64]]:
        if not ordered:
            return free(np.zeros(0))
        shown = conditioned(self.condition, self.shots, ordered, rng)
        return plan_once(self.scorer, ordered, shown).map(self._uncertainty)

    def _uncertainty(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        p = to_probabilities(scores, self.calibrator)
        if self.measure == "entropy":
            return entropy(p)
        if self.measure == "least-confidence":
            return np.asarray(1 - p.max(axis=1))
        top = np.partition(p, p.shape[1] - 2, axis=1)[:, -2:]
        return np.asarray(1 - (top[:, 1] - top[:, 0]))
