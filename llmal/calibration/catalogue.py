"""The calibrators by name."""

from __future__ import annotations

import inspect
from typing import Any

from llmal.calibration.protocol import Calibrator
from llmal.core.registry import Registry
from llmal.errors import ConfigError

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
    kind = REGISTRY.get(name)
    try:
        inspect.signature(kind).bind(**options)
    except TypeError as error:
        known = ", ".join(inspect.signature(kind).parameters)
        raise ConfigError(
            f"the {name} calibrator cannot be made so: {error}", fix=f"its options are {known}"
        ) from error
    made: Calibrator = kind(**options)
    return made
