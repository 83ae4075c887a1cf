"""How many items of a class are missed among those that were not given it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from llmal.errors import ConfigError
from llmal.guarantee.audit import Audit
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.hypergeometric import cdf
from llmal.guarantee.pool_error import keep
from llmal.guarantee.promises import (
    FIXED_POOL,
    PLANNED_LOOKS,
    VOID,
    chance,
    condition_on_people,
    nothing_promised,
    percent,
    skipped_note,
)


@dataclass(frozen=True)
class ClassFound:
    """What is known of the items that were given the class.

    Attributes:
        by_people: How many people have given it to.
        by_machine: How many others were given it, that people have not looked at one by one.
        audited: How many of those were audited, drawn uniformly without replacement.
        right: How many of the audited ones are of the class.
    """

    by_people: int = 0
    by_machine: int = 0
    audited: int = 0
    right: int = 0

    def at_least(self, alpha: float) -> int:
        """How many items of the class were found at least, but with probability `alpha`.

        The exact bound for draws without replacement: the smallest number of right ones with which
        as many right ones in the audit are not too unlikely.
        """
        if not 0 <= self.right <= self.audited <= self.by_machine or self.by_people < 0:
            raise ConfigError(
                f"{self.right} right of {self.audited} audited of {self.by_machine} items given "
                "the class",
                fix="none of them can be larger than the next",
            )
        # Wrong ones: the largest number with which so few wrong ones are not too unlikely.
        wrong = self.audited - self.right
        low, high = wrong, self.by_machine - self.right
        while low < high:
            middle = (low + high + 1) // 2
            likely = cdf(wrong, self.by_machine, middle, self.audited) > alpha
            low, high = (middle, high) if likely else (low, middle - 1)
        return self.by_people + self.by_machine - low


def certify_recall(
    audit: Audit,
    *,
    epsilon: float,
    alpha: float,
    looks: Sequence[int] | None,
    found: ClassFound,
    of: str | None,
) -> Certificate:
    """Keep the longest beginning of the order that misses at most ε of the items of a class.

    The order holds the items that were *not* given the class, the surest first, and an audited one
    is wrong if it is of the class. With F items of the class found, recall is at least 1 − ε if at
    most F·ε/(1 − ε) are missed, whatever else people find on the way. Where F is only known from
    an audit, half of alpha is spent on its bound.

    Args:
        audit: The audit of items that were not given the class.
        epsilon: The share of the class that may be missed: 1 − recall.
        alpha: With what probability the promise may fail.
        looks: See `certify_pool_error`.
        found: What is known of the items that were given the class.
        of: The name of the class.
    """
    uncertain = found.by_machine > found.audited
    share = alpha / 2 if uncertain else alpha
    sure = found.at_least(alpha - share if uncertain else alpha)
    missed = Fraction(str(float(epsilon)))
    allowed = int(sure * missed / (1 - missed))
    kept = keep(audit, audit.allowed(allowed), share, looks)
    accepted, to_people = audit.split(kept.prefix)
    name = f"the class {of!r}" if of else "the class"
    condition = meaning = ""
    if not kept.holds:
        claim = nothing_promised(
            f"to miss at most {allowed:,} items of {name} ({percent(epsilon)} of it) with "
            f"probability {percent(1 - alpha)}",
            audit,
            kept.needed,
        )
    else:
        claim = (
            f"At least {percent(1 - epsilon)} of the items that the people of record would give "
            f"{name} are among those that are delivered with it"
        )
        condition = condition_on_people(len(to_people))
        meaning = (
            f"At least {sure:,} were found, and of those not given it at most {allowed:,} are "
            f"missed. {chance(audit, alpha)} "
            + ("Also random is the draw of the audit of what was given it. " if uncertain else "")
            + "It says nothing about how many of those that are delivered with it are wrongly so. "
            + VOID
        )
    return Certificate(
        mode="recall",
        accepted=accepted,
        to_people=to_people,
        holds=kept.holds,
        epsilon=epsilon,
        alpha=alpha,
        items=audit.items,
        audited=len(audit),
        wrong=int(audit.wrong.sum()),
        claim=claim,
        condition=condition,
        meaning=meaning,
        rests_on=FIXED_POOL
        + ("What was given the class keeps it, unless a person takes it away.",)
        + (PLANNED_LOOKS if looks is not None and len(looks) > 1 else ())
        + skipped_note(audit),
        details={
            **kept.details,
            "stays": len(accepted) - audit.labelled,
            "found_at_least": sure,
        },
    )
