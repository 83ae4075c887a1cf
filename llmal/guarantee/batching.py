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
        least: The audit does not begin before people have labelled so large a share of the pool: a
            score that has seen a handful of errors takes itself to be better than it is, and an
            audit that begins on its word ends early.
        enough: Nor is more wanted for that than so many labels.
    """

    fullness: float = 0.85
    part: float = 0.6
    smallest: float = 0.012
    largest: float = 0.05
    least: float = 0.125
    enough: int = 300

    def size(self, items: int, rest: int, plan: AuditPlan) -> int:
        """A part of the gap or what the least share lacks, within the two bounds."""
        gap = rest - plan.kept / self.fullness
        lacking = min(self.least * items, self.enough) - (items - rest)
        if max(gap, lacking) <= 0 or rest == 0:
            return 0
        wanted = max(self.part * gap, lacking)
        size = np.clip(wanted, self.smallest * items, self.largest * items)
        return int(min(rest, max(1, round(float(size)))))
