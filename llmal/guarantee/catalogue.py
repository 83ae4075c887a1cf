"""The procedure and its parts by name."""

from __future__ import annotations

from typing import Any

from llmal.core.registry import Registry

REGISTRY = Registry(
    "guarantee",
    {
        "label-the-doubtful": "llmal.guarantee.procedure:Procedure",
        "uniform": "llmal.guarantee.seeding:UniformSeed",
        "confidence": "llmal.guarantee.confidence_score:ConfidenceScore",
        "error-score": "llmal.guarantee.error_score:ErrorScore",
        "log-linear": "llmal.guarantee.log_linear:LogLinear",
        "trees": "llmal.guarantee.trees:Trees",
        "mixture": "llmal.guarantee.mixture:Mixture",
        "machine": "llmal.guarantee.features:MachineLabel",
        "certainty": "llmal.guarantee.features:Certainty",
        "votes": "llmal.guarantee.features:Votes",
        "length": "llmal.guarantee.features:Length",
        "overlap": "llmal.guarantee.features:Overlap",
        "embedding": "llmal.guarantee.features:Embedding",
        "student": "llmal.guarantee.student:Student",
        "neighbours": "llmal.guarantee.neighbours:Neighbours",
        "platt": "llmal.guarantee.recalibration:Platt",
        "as-predicted": "llmal.guarantee.recalibration:AsPredicted",
        "best-share": "llmal.guarantee.audit_plan:BestShare",
        "gap": "llmal.guarantee.batching:GapBatch",
        "multiple-looks": "llmal.guarantee.look_plan:MultipleLooks",
    },
)
"""Names in the configuration; options that hold parts are given by name too."""


def make(name: str, **options: Any) -> Any:
    """The procedure, or one of its parts.

    Raises:
        ConfigError: The name or an option is unknown, or an option has a value that it cannot have.
    """
    return REGISTRY.make(name, options)
