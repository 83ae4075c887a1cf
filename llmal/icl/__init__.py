"""In-context learning: prompts, demonstrations and how they are put together."""

from __future__ import annotations

from llmal.icl.demonstrations import (
    BalancedDemonstrations,
    DemonstrationSelector,
    RandomDemonstrations,
)
from llmal.icl.labelling import LabellingPrompt, LabellingPrompts
from llmal.icl.prompts import PromptTemplate, load_prompt

__all__ = [
    "BalancedDemonstrations",
    "DemonstrationSelector",
    "LabellingPrompt",
    "LabellingPrompts",
    "PromptTemplate",
    "RandomDemonstrations",
    "load_prompt",
]
