"""The contextualised prior of PromptAL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.prior_correction import PriorCorrection, log_mean
from llmal.calibration.protocol import FitsOn
from llmal.calibration.scores import log_over_labels
from llmal.errors import ConfigError


@dataclass(eq=False)
class PromptALPrior(PriorCorrection):
    """The prior is the mean probability over a support set of the pool.

    The support set holds, for each label, the items that the model gives most to that label, each
    item once (PromptAL's code, which takes 100). With a pool no larger than that it is `Batch`.

    Args:
        per_label: Items of the support set for each label; fewer where the pool is smaller.
    """

    name: ClassVar[str] = "promptal-prior"
    fits_on: ClassVar[FitsOn] = "pool"

    per_label: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.per_label < 1:
            raise ConfigError(f"a support set of {self.per_label} items for each label is empty")

    def _log_prior(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        normalised = log_over_labels(logs)
        # The first of equals, so that the order of the labels does not matter.
        best = np.argsort(-normalised, axis=0, kind="stable")[: self.per_label]
        return log_mean(normalised[np.unique(best)])
