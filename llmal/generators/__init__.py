"""Synthesis: language models write new items of a label, and filters refuse the unusable ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes
from llmal.core.registry import Registry
from llmal.generators.learner_answers import LearnerAnswers
from llmal.generators.protocol import Apportioning, Filter, Generator, Needing, Request

if TYPE_CHECKING:
    from llmal.generators.class_conditional import ClassConditional as ClassConditional
    from llmal.generators.filtered import SynthesisResult as SynthesisResult
    from llmal.generators.filtered import generate_filtered as generate_filtered
    from llmal.generators.filtered import lack as lack
    from llmal.generators.filtered import with_new_ids as with_new_ids
    from llmal.generators.filters import FormatAndLength as FormatAndLength
    from llmal.generators.filters import LabelAgreement as LabelAgreement
    from llmal.generators.filters import NearDuplicates as NearDuplicates
    from llmal.generators.filters import filters_cost as filters_cost
    from llmal.generators.filters import plan_filtered as plan_filtered
    from llmal.generators.filters import run_filters as run_filters

REGISTRY = Registry(
    "generators",
    {
        "class_conditional": "llmal.generators.class_conditional:ClassConditional",
        "from_demonstrations": "llmal.generators.from_demonstrations:FromDemonstrations",
        "paraphrase": "llmal.generators.paraphrase:Paraphrase",
        "back_translation": "llmal.generators.back_translation:BackTranslation",
        "style_transfer": "llmal.generators.style_transfer:StyleTransfer",
        "counterfactual": "llmal.generators.counterfactual:Counterfactual",
        "boundary": "llmal.generators.boundary:Boundary",
        "student_guided": "llmal.generators.student_guided:StudentGuided",
        "cold_start": "llmal.generators.cold_start:ColdStart",
        "weakness_targeted": "llmal.generators.weakness_targeted:WeaknessTargeted",
        "minority": "llmal.generators.minority:Minority",
    },
)
"""Names in the configuration, and the generators that they stand for."""

_HOMES = {
    "ClassConditional": "class_conditional",
    "FormatAndLength": "filters",
    "LabelAgreement": "filters",
    "NearDuplicates": "filters",
    "SynthesisResult": "filtered",
    "filters_cost": "filters",
    "plan_filtered": "filters",
    "generate_filtered": "filtered",
    "lack": "filtered",
    "run_filters": "filters",
    "with_new_ids": "filtered",
}

__all__ = [
    "REGISTRY",
    "Apportioning",
    "ClassConditional",
    "Filter",
    "FormatAndLength",
    "Generator",
    "LabelAgreement",
    "LearnerAnswers",
    "NearDuplicates",
    "Needing",
    "Request",
    "SynthesisResult",
    "filters_cost",
    "generate_filtered",
    "lack",
    "plan_filtered",
    "run_filters",
    "with_new_ids",
]

__getattr__ = attributes(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
