"""How many items to audit, from what is known of a pool before: by the rule itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import DataError
from llmal.guarantee.audit import allowed_wrong, check_rates
from llmal.guarantee.look_plan import Looks, MultipleLooks
from llmal.guarantee.nested_looks import NO_COUNT, critical_counts, fewest_audited
from llmal.guarantee.simulated_audit import near_counts

_EXACT = 3
"""So many of the most promising sizes are counted by the exact rule."""

SHARES = (0.02, 0.03, 0.04, 0.06, 0.08, 0.10, 0.12, 0.15, 0.18, 0.21, 0.25, 0.30, 0.35, 0.40, 0.50)


@dataclass(frozen=True)
class AuditSize:
    """What an audit of one size is expected to come to.

    Attributes:
        audited: Its size at the look at which it is expected to end.
        looks: Its looks.
        critical_counts: How many audited errors each look may pass.
        kept: How many of the most trusted labels are expected to stay, audited ones among them.
        people: How many labels people give in all: those of before, the audit, and the rest.
    """

    audited: int
    looks: tuple[int, ...]
    critical_counts: tuple[int, ...]
    kept: int
    people: int

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain JSON has them."""
        return {**asdict(self), "looks": list(self.looks),
                "critical_counts": list(self.critical_counts)}  # fmt: skip


@dataclass(frozen=True)
class PlannedAudit:
    """The audit that pays best.

    Attributes:
        epsilon: The share of wrong labels that is allowed.
        alpha: With what probability the promise may fail.
        items: N, all labels that are delivered.
        labelled: How many of them people gave before.
        fewest: The smallest audit from which anything could be promised.
        best: What pays best; None where no audit pays, and people label everything.
        sizes: All that were tried, their critical counts within one or so.
    """

    epsilon: float
    alpha: float
    items: int
    labelled: int
    fewest: int
    best: AuditSize | None
    sizes: tuple[AuditSize, ...]

    @property
    def people(self) -> int:
        """How many labels people give in all."""
        return self.items if self.best is None else self.best.people

    def as_dict(self) -> dict[str, Any]:
        """All fields as plain JSON has them."""
        return {
            **asdict(self),
            "best": None if self.best is None else self.best.as_dict(),
            "sizes": [one.as_dict() for one in self.sizes],
            "people": self.people,
        }


def plan_audit(
    probability_wrong: ArrayLike,
    *,
    items: int | None = None,
    epsilon: float = 0.05,
    alpha: float = 0.05,
    shares: Sequence[float] = SHARES,
    looks: Looks | None = None,
) -> PlannedAudit:
    """Choose how many items to audit, so that people label as few as possible in all.

    For each size the critical counts of its looks are worked out (`critical_counts`, near by at
    first and exactly for the best), and how far down the order so many audited errors, and one
    more, are expected: f times the sum of p over the order reaches c + 1.

    Args:
        probability_wrong: Of the M items that no person has labelled, in any order, shape (M,): by
            a pilot, or by the machine's calibrated confidence.
        items: N, where people have labelled others.
        epsilon: The share of wrong labels that is allowed, of all N.
        alpha: With what probability the promise may fail.
        shares: Sizes to try, as shares of M.
        looks: How looks are planned around a size.

    Raises:
        ConfigError: A rate is none.
        DataError: The probabilities are none.
    """
    check_rates(epsilon, alpha)
    probability = np.sort(check_probabilities(probability_wrong))
    rest = len(probability)
    total = rest if items is None else items
    if total < rest:
        raise DataError(f"{total:,} items, and {rest:,} without a person's label",
                        fix="items counts all, those by people included")  # fmt: skip
    allowed = allowed_wrong(epsilon, total)
    labelled = total - rest
    if rest <= allowed:
        none = AuditSize(0, (), (), rest, labelled)
        return PlannedAudit(epsilon, alpha, total, labelled, 0, none, (none,))
    planner = looks or MultipleLooks()
    fewest = fewest_audited(rest, allowed, alpha)
    wanted = {min(rest, max(round(share * rest), 1)) for share in shares} | {min(fewest, rest)}
    met = np.cumsum(probability)
    plans = dict.fromkeys(planner.plan(size, rest) for size in sorted(wanted))
    near = [
        (looks, _size(met, looks, near_counts(rest, allowed, looks, alpha), total))
        for looks in plans
    ]
    promising = sorted((one.people, looks) for looks, one in near if one is not None)
    exact = [
        _size(met, looks, critical_counts(rest, allowed, looks, alpha), total)
        for _, looks in promising[:_EXACT]
    ]
    sizes = tuple(one for _, one in near if one is not None)
    best = min(
        (one for one in exact if one is not None),
        key=lambda one: (one.people, one.audited),
        default=None,
    )
    if best is not None and best.people >= total:
        best = None
    return PlannedAudit(epsilon, alpha, total, labelled, fewest, best, sizes)


def _size(
    met: NDArray[np.float64], looks: tuple[int, ...], counts: tuple[int, ...], items: int
) -> AuditSize | None:
    rest = len(met)
    found: AuditSize | None = None
    for size, count in zip(looks, counts, strict=True):
        if count == NO_COUNT:
            continue
        kept = int(np.searchsorted(met * size / rest, count + 1))
        people = items - round(kept * (1 - size / rest))
        if found is None or people < found.people:
            found = AuditSize(size, looks, counts, kept, people)
    return found


def check_probabilities(values: ArrayLike, what: str = "probability_wrong") -> NDArray[np.float64]:
    """Probabilities as an array.

    Raises:
        DataError: There are none, or one is none.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise DataError(f"{what} has shape {array.shape}", fix="give one number for each item")
    bad = np.flatnonzero(~((array >= 0) & (array <= 1)))
    if len(bad):
        raise DataError(
            f"{what} is {array[bad[0]]} at position {bad[0]} ({len(bad):,} such in all)",
            fix="give probabilities, from 0 to 1",
        )
    return array
