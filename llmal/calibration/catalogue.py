"""The calibrators by name."""

from __future__ import annotations

from typing import Any

from llmal.calibration.protocol import Calibrator
from llmal.core.registry import Registry

REGISTRY = Registry(
    "calibrators",
    {
        "contextual": "llmal.calibration.contextual:Contextual",
        "domain-context": "llmal.calibration.domain_context:DomainContext",
        "batch": "llmal.calibration.batch:Batch",
        "promptal-prior": "llmal.calibration.promptal_prior:PromptALPrior",
        "prior-matching": "llmal.calibration.prior_matching:PriorMatching",
        "prototypical": "llmal.calibration.prototypical:Prototypical",
        "temperature": "llmal.calibration.temperature:Temperature",
        "vector": "llmal.calibration.vector:Vector",
        "isotonic": "llmal.calibration.isotonic:Isotonic",
        "beta": "llmal.calibration.beta:Beta",
        "dirichlet": "llmal.calibration.dirichlet:Dirichlet",
    },
)
"""Names in the configuration, and the calibrators that they stand for."""


def make(name: str, **options: Any) -> Calibrator:
    """A calibrator, not fitted yet.

    Raises:
        ConfigError: The name or an option is unknown, or an option has a value that it cannot have.
    """
    made: Calibrator = REGISTRY.make(name, options)
    return made
