"""The durable record of a run: annotations, rounds, costs, and the queue for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmal.core.lazy import attributes
from llmal.ledger.combining import Combined, Combines, WorkerAnswer
from llmal.ledger.entries import (
    Decided,
    Expense,
    FrozenLabels,
    Lease,
    LoggedEvent,
    PoolVersion,
    RecordedCertificate,
    RecordedDecision,
    Round,
    TaskVersion,
)

if TYPE_CHECKING:
    from llmal.ledger.leases import Leases
    from llmal.ledger.ledger import Ledger
    from llmal.ledger.queue import Queue

__all__ = [
    "Combined",
    "Combines",
    "Decided",
    "Expense",
    "FrozenLabels",
    "Lease",
    "Leases",
    "Ledger",
    "LoggedEvent",
    "PoolVersion",
    "Queue",
    "RecordedCertificate",
    "RecordedDecision",
    "Round",
    "TaskVersion",
    "WorkerAnswer",
]

# These need SQLAlchemy, which takes longer to import than all of llmal.
__getattr__ = attributes(__name__, {"Leases": "leases", "Ledger": "ledger", "Queue": "queue"})
