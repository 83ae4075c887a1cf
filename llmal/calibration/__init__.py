"""From raw scores to probabilities, and how far to believe them.

Prior corrections need no labels: `Contextual`, `DomainContext`, `Batch`, `PromptALPrior`,
`PriorMatching` and `Prototypical`. Maps are fitted on labels: `Temperature`, `Vector`, `Isotonic`,
`Beta` and `Dirichlet`. `Chain` puts them one after the other; `CrossFitted` judges a map on its own
rows. `PerLabel` fits one for each label, where an item takes several.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.calibration.catalogue import REGISTRY, make
from llmal.core.lazy import attributes

if TYPE_CHECKING:
    from llmal.calibration.batch import Batch
    from llmal.calibration.beta import Beta
    from llmal.calibration.chain import Chain
    from llmal.calibration.comparison import Comparison, Judged
    from llmal.calibration.contextual import Contextual
    from llmal.calibration.cross_fitted import CrossFitted
    from llmal.calibration.dirichlet import Dirichlet
    from llmal.calibration.domain_context import DomainContext
    from llmal.calibration.isotonic import Isotonic
    from llmal.calibration.measures import (
        ReliabilityBin,
        SelectiveAccuracy,
        accuracy,
        auroc_of_correctness,
        brier,
        classwise_calibration_error,
        expected_calibration_error,
        macro_f1,
        negative_log_likelihood,
        reliability,
        selective_accuracy,
        wilson_interval,
    )
    from llmal.calibration.per_label import PerLabel
    from llmal.calibration.prior_matching import PriorMatching
    from llmal.calibration.promptal_prior import PromptALPrior
    from llmal.calibration.protocol import Calibrator, FitsOn, Normalise, Scores
    from llmal.calibration.prototypical import Prototypical
    from llmal.calibration.storage import from_dict, load, save
    from llmal.calibration.temperature import Temperature
    from llmal.calibration.vector import Vector

_HOMES = {
    "Batch": "batch",
    "Beta": "beta",
    "Calibrator": "protocol",
    "Chain": "chain",
    "Comparison": "comparison",
    "Contextual": "contextual",
    "CrossFitted": "cross_fitted",
    "Dirichlet": "dirichlet",
    "DomainContext": "domain_context",
    "FitsOn": "protocol",
    "Isotonic": "isotonic",
    "Judged": "comparison",
    "Normalise": "protocol",
    "PerLabel": "per_label",
    "PriorMatching": "prior_matching",
    "PromptALPrior": "promptal_prior",
    "Prototypical": "prototypical",
    "ReliabilityBin": "measures",
    "Scores": "protocol",
    "SelectiveAccuracy": "measures",
    "Temperature": "temperature",
    "Vector": "vector",
    "accuracy": "measures",
    "auroc_of_correctness": "measures",
    "brier": "measures",
    "classwise_calibration_error": "measures",
    "expected_calibration_error": "measures",
    "from_dict": "storage",
    "load": "storage",
    "macro_f1": "measures",
    "measures": "",
    "negative_log_likelihood": "measures",
    "reliability": "measures",
    "save": "storage",
    "selective_accuracy": "measures",
    "wilson_interval": "measures",
}

__all__ = [
    "REGISTRY",
    "Batch",
    "Beta",
    "Calibrator",
    "Chain",
    "Comparison",
    "Contextual",
    "CrossFitted",
    "Dirichlet",
    "DomainContext",
    "FitsOn",
    "Isotonic",
    "Judged",
    "Normalise",
    "PerLabel",
    "PriorMatching",
    "PromptALPrior",
    "Prototypical",
    "ReliabilityBin",
    "Scores",
    "SelectiveAccuracy",
    "Temperature",
    "Vector",
    "accuracy",
    "auroc_of_correctness",
    "brier",
    "classwise_calibration_error",
    "expected_calibration_error",
    "from_dict",
    "load",
    "macro_f1",
    "make",
    "negative_log_likelihood",
    "reliability",
    "save",
    "selective_accuracy",
    "wilson_interval",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
