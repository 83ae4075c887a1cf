"""How many doubtful items people label before the score is fitted again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from llmal.guarantee.audit_plan import AuditPlan


class Batch(Protocol):
    """Chooses how many of the most doubtful items people label next."""

    def size(self, items: int, rest: int, plan: AuditPlan) -> int:
        """How many; 0 says that the audit begins.

        Args:
            items: N, of the whole pool.
            rest: How many of them no person has labelled.
            plan: What an audit of the rest is expected to give.
        """
        ...


@dataclass(frozen=True)
class GapBatch:
    """A part of what lies between the rest and what is expected to stay.

    Args:
        fullness: The audit begins when so large a share of the rest is expected to stay.
        part: Of the gap that is labelled at a time.
        smallest: As a share of the pool.
        largest: As a share of the pool.
    """

    fullness: float = 0.8
    part: float = 0.6
    smallest: float = 0.012
    largest: float = 0.05

    def size(self, items: int, rest: int, plan: AuditPlan) -> int:
        """A part of the gap, within the two bounds."""
        gap = rest - plan.kept / self.fullness
        if gap <= 0 or rest == 0:
            return 0
        size = np.clip(self.part * gap, self.smallest * items, self.largest * items)
        return int(min(rest, max(1, round(float(size)))))
