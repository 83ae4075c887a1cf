"""In-context learning: prompts, demonstrations and how they are put together.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.lazy import attributes
from llmal.prompt_templates import PromptTemplate, load_prompt

if TYPE_CHECKING:
    from llmal.icl.chosen import ChosenPrompt as ChosenPrompt
    from llmal.icl.demonstrations import Balanced as Balanced
    from llmal.icl.demonstrations import Covering as Covering
    from llmal.icl.demonstrations import Diverse as Diverse
    from llmal.icl.demonstrations import Informative as Informative
    from llmal.icl.demonstrations import Random as Random
    from llmal.icl.demonstrations import Sensitive as Sensitive
    from llmal.icl.demonstrations import Similar as Similar
    from llmal.icl.demonstrations import Uncertain as Uncertain
    from llmal.icl.demonstrations import VoteK as VoteK
    from llmal.icl.demonstrations import choose_for as choose_for
    from llmal.icl.demonstrations import make_selector as make_selector
    from llmal.icl.few_shot import FewShotPrompt as FewShotPrompt
    from llmal.icl.few_shot import prepare as prepare
    from llmal.icl.labelling import LabellingPrompt as LabellingPrompt
    from llmal.icl.labelling import LabellingPrompts as LabellingPrompts
    from llmal.icl.order import ORDERS as ORDERS
    from llmal.icl.order import Order as Order
    from llmal.icl.order import make_order as make_order
    from llmal.icl.prompt_choice import RankedPrompt as RankedPrompt
    from llmal.icl.prompt_choice import rank_prompts as rank_prompts
    from llmal.icl.protocol import DemonstrationSelector as DemonstrationSelector
    from llmal.icl.protocol import PerQuerySelector as PerQuerySelector
    from llmal.icl.scorer import PromptScorer as PromptScorer
    from llmal.icl.scorer import Scored as Scored

_HOMES = {
    "ORDERS": "order",
    "Balanced": "demonstrations",
    "ChosenPrompt": "chosen",
    "Covering": "demonstrations",
    "DemonstrationSelector": "protocol",
    "Diverse": "demonstrations",
    "FewShotPrompt": "few_shot",
    "Informative": "demonstrations",
    "LabellingPrompt": "labelling",
    "LabellingPrompts": "labelling",
    "Order": "order",
    "PerQuerySelector": "protocol",
    "PromptScorer": "scorer",
    "RankedPrompt": "prompt_choice",
    "Random": "demonstrations",
    "Scored": "scorer",
    "Sensitive": "demonstrations",
    "Similar": "demonstrations",
    "Uncertain": "demonstrations",
    "VoteK": "demonstrations",
    "choose_for": "demonstrations",
    "make_order": "order",
    "make_selector": "demonstrations",
    "prepare": "few_shot",
    "rank_prompts": "prompt_choice",
}

__all__ = [
    "ORDERS",
    "Balanced",
    "ChosenPrompt",
    "Covering",
    "DemonstrationSelector",
    "Diverse",
    "FewShotPrompt",
    "Informative",
    "LabellingPrompt",
    "LabellingPrompts",
    "Order",
    "PerQuerySelector",
    "PromptScorer",
    "PromptTemplate",
    "Random",
    "RankedPrompt",
    "Scored",
    "Sensitive",
    "Similar",
    "Uncertain",
    "VoteK",
    "choose_for",
    "load_prompt",
    "make_order",
    "make_selector",
    "prepare",
    "rank_prompts",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
