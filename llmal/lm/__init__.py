"""Language models: exact label scores, generation and likelihoods from several backends."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from llmal.core.registry import Registry

if TYPE_CHECKING:
    from llmal.lm.cache import ResponseCache
    from llmal.lm.chat import ChatLM
    from llmal.lm.formats import DistinctIds
    from llmal.lm.protocol import (
        Completion,
        LabelScores,
        LanguageModel,
        Message,
        Prompt,
        Sampling,
    )
    from llmal.lm.transformers import TransformersLM
    from llmal.lm.vllm import VLLM

_HOMES = {
    "VLLM": "vllm",
    "TransformersLM": "transformers",
    "ChatLM": "chat",
    "DistinctIds": "formats",
    "ResponseCache": "cache",
    "Completion": "protocol",
    "LabelScores": "protocol",
    "LanguageModel": "protocol",
    "Message": "protocol",
    "Prompt": "protocol",
    "Sampling": "protocol",
}

REGISTRY = Registry(
    "lm", {"vllm": "llmal.lm.vllm:VLLM", "transformers": "llmal.lm.transformers:TransformersLM"}
)

__all__ = [
    "REGISTRY",
    "VLLM",
    "ChatLM",
    "Completion",
    "DistinctIds",
    "LabelScores",
    "LanguageModel",
    "Message",
    "Prompt",
    "ResponseCache",
    "Sampling",
    "TransformersLM",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"llmal.lm.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'llmal.lm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
