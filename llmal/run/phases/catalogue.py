"""Phases by name."""

from __future__ import annotations

from llmal.core.registry import Registry
from llmal.run.phases.protocol import Phase

REGISTRY = Registry(
    "phases",
    {
        "again": "llmal.run.phases.again:Again",
        "check": "llmal.run.phases.check:Check",
        "start": "llmal.run.phases.start:Start",
        "query": "llmal.run.phases.query:Query",
        "sweep": "llmal.run.phases.sweep:Sweep",
        "audit": "llmal.run.phases.audit:Audit",
        "review": "llmal.run.phases.review:Review",
    },
    contract=Phase,
)
"""Names in the configuration, and the phases that they stand for."""
