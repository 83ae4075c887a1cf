"""Contextual calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.prior_correction import PriorCorrection, log_mean
from llmal.calibration.protocol import FitsOn
from llmal.errors import ConfigError


@dataclass(eq=False)
class Contextual(PriorCorrection):
    """The prior is what labels get after the same demonstrations and an input without content.

    The mean of the raw probability vectors, then normalised over the labels: an input after which
    the model hardly gives any label counts little (Zhao et al. 2021, with a diagonal W, as in
    their code).

    Args:
        inputs: The texts without content to score, each in the place of an item's text.
    """

    name: ClassVar[str] = "contextual"
    fits_on: ClassVar[FitsOn] = "content-free"

    inputs: tuple[str, ...] = ("N/A", "", "[MASK]")

    def __post_init__(self) -> None:
        super().__post_init__()
        given: object = self.inputs
        if isinstance(given, str) or not self.inputs:
            raise ConfigError(
                "the contextual calibrator needs a list of at least one input without content"
            )
        self.inputs = tuple(self.inputs)

    def _log_prior(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return log_mean(logs)
