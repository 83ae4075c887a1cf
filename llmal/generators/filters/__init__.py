"""Filters of synthetic items: each refuses for one kind of reason, and says it with numbers."""

from __future__ import annotations

from llmal.core.registry import Registry
from llmal.generators.filters.format_length import FormatAndLength
from llmal.generators.filters.label_agreement import LabelAgreement
from llmal.generators.filters.near_duplicates import NearDuplicates
from llmal.generators.filters.run import (
    Metered,
    Preparing,
    Remembering,
    filters_cost,
    plan_filtered,
    run_filters,
)

REGISTRY = Registry(
    "filters",
    {
        "format_length": "llmal.generators.filters.format_length:FormatAndLength",
        "near_duplicates": "llmal.generators.filters.near_duplicates:NearDuplicates",
        "label_agreement": "llmal.generators.filters.label_agreement:LabelAgreement",
    },
)
"""Names of filters, and the classes that they stand for."""

__all__ = [
    "REGISTRY",
    "FormatAndLength",
    "LabelAgreement",
    "Metered",
    "NearDuplicates",
    "Preparing",
    "Remembering",
    "filters_cost",
    "plan_filtered",
    "run_filters",
]
