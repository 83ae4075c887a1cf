"""Training that survives wrong labels: terms of the one trainer, and what goes around a training.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes
from llmal.core.registry import Registry

if TYPE_CHECKING:
    from llmal.learners.noisy.agreement import Agreement as Agreement
    from llmal.learners.noisy.agreement import AgreementPartition as AgreementPartition
    from llmal.learners.noisy.consistency import Consistency as Consistency
    from llmal.learners.noisy.curriculum_loss import CurriculumLoss as CurriculumLoss
    from llmal.learners.noisy.discrepancy_weights import DiscrepancyWeights as DiscrepancyWeights
    from llmal.learners.noisy.from_probabilities import FromProbabilities as FromProbabilities
    from llmal.learners.noisy.gaussian_mixture_split import (
        GaussianMixtureSplit as GaussianMixtureSplit,
    )
    from llmal.learners.noisy.mixup import Mixup as Mixup
    from llmal.learners.noisy.negative_learning import NegativeLearning as NegativeLearning
    from llmal.learners.noisy.pruned import Pruned as Pruned
    from llmal.learners.noisy.reweighting import Reweighting as Reweighting

REGISTRY = Registry(
    "noise_terms",
    {
        "consistency": "llmal.learners.noisy.consistency:Consistency",
        "curriculum_loss": "llmal.learners.noisy.curriculum_loss:CurriculumLoss",
        "discrepancy_weights": "llmal.learners.noisy.discrepancy_weights:DiscrepancyWeights",
        "gaussian_mixture_split": "llmal.learners.noisy.gaussian_mixture_split:"
        "GaussianMixtureSplit",
        "mixup": "llmal.learners.noisy.mixup:Mixup",
        "negative_learning": "llmal.learners.noisy.negative_learning:NegativeLearning",
        "reweighting": "llmal.learners.noisy.reweighting:Reweighting",
        "unkept": "llmal.learners.noisy.kept:Unkept",
    },
)
"""Terms by their name in the configuration and in a saved learner."""

_HOMES = {
    "Agreement": "agreement",
    "AgreementPartition": "agreement",
    "Consistency": "consistency",
    "CurriculumLoss": "curriculum_loss",
    "DiscrepancyWeights": "discrepancy_weights",
    "FromProbabilities": "from_probabilities",
    "GaussianMixtureSplit": "gaussian_mixture_split",
    "Mixup": "mixup",
    "NegativeLearning": "negative_learning",
    "Pruned": "pruned",
    "Reweighting": "reweighting",
}

__all__ = [
    "REGISTRY",
    "Agreement",
    "AgreementPartition",
    "Consistency",
    "CurriculumLoss",
    "DiscrepancyWeights",
    "FromProbabilities",
    "GaussianMixtureSplit",
    "Mixup",
    "NegativeLearning",
    "Pruned",
    "Reweighting",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
