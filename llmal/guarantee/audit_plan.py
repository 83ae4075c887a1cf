"""How many items to audit, and how many labels may then be expected to stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError
from llmal.guarantee.nested_looks import fewest_audited


@dataclass(frozen=True)
class AuditPlan:
    """What is expected of an audit.

    Attributes:
        kept: How many of the most trusted labels would stay, audited ones among them.
        audited: How many of the rest would be audited.
        saved: How many items would need no person.
    """

    kept: int
    audited: int
    saved: float

    def as_dict(self) -> Mapping[str, Any]:
        """All fields as plain JSON has them."""
        return asdict(self)


class Plan(Protocol):
    """Chooses the size of an audit."""

    def audit(self, probability_wrong: NDArray[np.float64], allowed: int) -> AuditPlan:
        """The audit that pays best.

        Args:
            probability_wrong: Of the items that no person has labelled, shape (M,), rising.
            allowed: How many wrong labels may stay.
        """
        ...


@dataclass(frozen=True)
class BestShare:
    """The share of the rest whose audit leaves the most labels that need no person.

    For each share f, the first k of the rest may stay where
    Σp(1 - f) + z √(Σp(1 - p)(1 - f)/f) ≤ the number of wrong labels that are allowed. Audits from
    which nothing could be promised, as they are too small, are left out.

    Args:
        shares: Those tried.
        z: How far above its mean the number of wrong labels may come to lie.
        least: The smallest audit.
        alpha: With what probability the promise may fail.

    Raises:
        ConfigError: A share is not between 0 and 1.
    """

    shares: tuple[float, ...] = (
        0.04, 0.06, 0.08, 0.10, 0.12, 0.15, 0.18, 0.21, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50,
    )  # fmt: skip
    z: float = 1.7
    least: int = 20
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not self.shares or not all(0 < share < 1 for share in self.shares):
            raise ConfigError(
                f"shares to audit are between 0 and 1, not {self.shares}", fix="give other shares"
            )

    def audit(self, probability_wrong: NDArray[np.float64], allowed: int) -> AuditPlan:
        """The best of all shares; the smaller audit of two that save as much."""
        rest = len(probability_wrong)
        if rest <= allowed:
            return AuditPlan(rest, 0, float(rest))
        expected = np.cumsum(probability_wrong)
        variance = np.cumsum(probability_wrong * (1 - probability_wrong))
        fewest = min(rest, max(self.least, fewest_audited(rest, allowed, self.alpha)))
        best = AuditPlan(0, fewest, 0.0)
        for share in self.shares:
            audited = round(share * rest)
            if audited < fewest:
                continue
            reached = expected * (1 - share) + self.z * np.sqrt(variance * (1 - share) / share)
            kept = int(np.searchsorted(reached, allowed, side="right"))
            saved = kept * (1 - share)
            if saved > best.saved:
                best = AuditPlan(kept, audited, saved)
        return best
