"""Prompts: templates, what a labelling prompt looks like, and how labels are scored in it.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes

if TYPE_CHECKING:
    from llmal.prompting.labelling import LabellingPrompt as LabellingPrompt
    from llmal.prompting.labelling import LabellingPrompts as LabellingPrompts
    from llmal.prompting.order import ORDERS as ORDERS
    from llmal.prompting.order import Order as Order
    from llmal.prompting.order import make_order as make_order
    from llmal.prompting.scorer import PromptScorer as PromptScorer
    from llmal.prompting.scorer import Scored as Scored
    from llmal.prompting.templates import PromptTemplate as PromptTemplate
    from llmal.prompting.templates import load_prompt as load_prompt

_HOMES = {
    "LabellingPrompt": "labelling",
    "LabellingPrompts": "labelling",
    "ORDERS": "order",
    "Order": "order",
    "PromptScorer": "scorer",
    "PromptTemplate": "templates",
    "Scored": "scorer",
    "load_prompt": "templates",
    "make_order": "order",
}

__all__ = [
    "ORDERS",
    "LabellingPrompt",
    "LabellingPrompts",
    "Order",
    "PromptScorer",
    "PromptTemplate",
    "Scored",
    "load_prompt",
    "make_order",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
