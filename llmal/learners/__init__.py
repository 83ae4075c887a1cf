"""Models that are trained from labels.

Names are imported when they are first used, so that importing this package loads neither
scikit-learn nor torch.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from llmal.core.lazy import attributes
from llmal.core.registry import Registry

if TYPE_CHECKING:
    from llmal.learners.contrastive import Contrastive as Contrastive
    from llmal.learners.dynamic_soft_prompt import DynamicSoftPrompt as DynamicSoftPrompt
    from llmal.learners.fine_tuned import FineTuned as FineTuned
    from llmal.learners.fine_tuned import LoRA as LoRA
    from llmal.learners.layer_fusion import LayerFusion as LayerFusion
    from llmal.learners.linear import LinearHead as LinearHead
    from llmal.learners.noisy.from_probabilities import FromProbabilities as FromProbabilities
    from llmal.learners.noisy.pruned import Pruned as Pruned
    from llmal.learners.prompt_tuned import PromptTuned as PromptTuned
    from llmal.learners.protocol import CommitteeLearner as CommitteeLearner
    from llmal.learners.protocol import EmbeddingLearner as EmbeddingLearner
    from llmal.learners.protocol import Learner as Learner
    from llmal.learners.saved import TextClassifier as TextClassifier
    from llmal.learners.saved import load_learner as load_learner
    from llmal.learners.soft_labels import SoftLabels as SoftLabels

REGISTRY = Registry(
    "learners",
    {
        "contrastive": "llmal.learners.contrastive:Contrastive",
        "dynamic_soft_prompt": "llmal.learners.dynamic_soft_prompt:DynamicSoftPrompt",
        "fine_tuned": "llmal.learners.fine_tuned:FineTuned",
        "from_probabilities": "llmal.learners.noisy.from_probabilities:FromProbabilities",
        "layer_fusion": "llmal.learners.layer_fusion:LayerFusion",
        "linear": "llmal.learners.linear:LinearHead",
        "lora": "llmal.learners.fine_tuned:LoRA",
        "prompt_tuned": "llmal.learners.prompt_tuned:PromptTuned",
        "pruned": "llmal.learners.noisy.pruned:Pruned",
    },
)
"""Learners by their name in the configuration."""

_HOMES = {
    "CommitteeLearner": "protocol",
    "Contrastive": "contrastive",
    "DynamicSoftPrompt": "dynamic_soft_prompt",
    "EmbeddingLearner": "protocol",
    "FineTuned": "fine_tuned",
    "FromProbabilities": "noisy.from_probabilities",
    "LayerFusion": "layer_fusion",
    "Learner": "protocol",
    "LinearHead": "linear",
    "LoRA": "fine_tuned",
    "PromptTuned": "prompt_tuned",
    "Pruned": "noisy.pruned",
    "SoftLabels": "soft_labels",
    "TextClassifier": "saved",
    "load_learner": "saved",
}

__all__ = [
    "REGISTRY",
    "CommitteeLearner",
    "Contrastive",
    "DynamicSoftPrompt",
    "EmbeddingLearner",
    "FineTuned",
    "FromProbabilities",
    "LayerFusion",
    "Learner",
    "LinearHead",
    "LoRA",
    "PromptTuned",
    "Pruned",
    "SoftLabels",
    "TextClassifier",
    "load_learner",
]

_lazy = attributes(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    if name == "load":
        warnings.warn(
            "llmal.learners.load is now llmal.load_learner; it goes in the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        name = "load_learner"
    return _lazy(name)


def __dir__() -> list[str]:
    return sorted(__all__)
