"""Filters of synthetic items: each refuses for one kind of reason, and says it with numbers."""

from __future__ import annotations

from llmal.generators.filters.boilerplate import Boilerplate
from llmal.generators.filters.format_length import FormatAndLength
from llmal.generators.filters.function import FunctionFilter
from llmal.generators.filters.informative import Informative
from llmal.generators.filters.label_agreement import LabelAgreement
from llmal.generators.filters.language import Language
from llmal.generators.filters.leakage import Leakage
from llmal.generators.filters.learner_agreement import LearnerAgreement
from llmal.generators.filters.making import DEFAULT, REGISTRY, FilterLike, make_filters
from llmal.generators.filters.minhash import MinHash
from llmal.generators.filters.near_duplicates import NearDuplicates
from llmal.generators.filters.novelty import Novelty
from llmal.generators.filters.repetition import Repetition
from llmal.generators.filters.run import (
    Count,
    Judged,
    Measuring,
    Metered,
    Preparing,
    Protecting,
    Remembering,
    Verdict,
    count_items,
    filters_cost,
    judge_items,
    plan_filtered,
    run_filters,
)

__all__ = [
    "DEFAULT",
    "REGISTRY",
    "Boilerplate",
    "Count",
    "FilterLike",
    "FormatAndLength",
    "FunctionFilter",
    "Informative",
    "Judged",
    "LabelAgreement",
    "Language",
    "Leakage",
    "LearnerAgreement",
    "Measuring",
    "Metered",
    "MinHash",
    "NearDuplicates",
    "Novelty",
    "Preparing",
    "Protecting",
    "Remembering",
    "Repetition",
    "Verdict",
    "count_items",
    "filters_cost",
    "judge_items",
    "make_filters",
    "plan_filtered",
    "run_filters",
]
