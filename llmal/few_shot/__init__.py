"""Few-shot prompts: demonstrations, order and calibration put together, and kept in files.

Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes

if TYPE_CHECKING:
    from llmal.few_shot.chosen import ChosenPrompt as ChosenPrompt
    from llmal.few_shot.preparation import prepare as prepare
    from llmal.few_shot.prompt import FewShotPrompt as FewShotPrompt
    from llmal.few_shot.prompt_choice import RankedPrompt as RankedPrompt
    from llmal.few_shot.prompt_choice import rank_prompts as rank_prompts

_HOMES = {
    "ChosenPrompt": "chosen",
    "FewShotPrompt": "prompt",
    "RankedPrompt": "prompt_choice",
    "prepare": "preparation",
    "rank_prompts": "prompt_choice",
}

__all__ = [
    "ChosenPrompt",
    "FewShotPrompt",
    "RankedPrompt",
    "prepare",
    "rank_prompts",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
