"""Policies: when a run has its generator write, and how much of which label."""

from __future__ import annotations

from llmal.core.registry import Registry
from llmal.generators.policies.every_rounds import EveryRounds
from llmal.generators.policies.few_labels import FewLabels
from llmal.generators.policies.on_plateau import OnPlateau
from llmal.generators.policies.protocol import Policy, SynthesisState

REGISTRY = Registry(
    "writing_policies",
    {
        "rounds": "llmal.generators.policies.every_rounds:EveryRounds",
        "plateau": "llmal.generators.policies.on_plateau:OnPlateau",
        "few_labels": "llmal.generators.policies.few_labels:FewLabels",
    },
    contract=Policy,
)
"""Names in the configuration, and the policies that they stand for."""

__all__ = [
    "REGISTRY",
    "EveryRounds",
    "FewLabels",
    "OnPlateau",
    "Policy",
    "SynthesisState",
]
