"""The exact rule: at most ε·N of the delivered labels are wrong, with probability 1 − α."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.errors import DataError
from llmal.guarantee.audit import Audit, allowed_wrong
from llmal.guarantee.certificate import Certificate, Mode
from llmal.guarantee.nested_looks import (
    NO_COUNT,
    bonferroni_counts,
    critical_counts,
    fewest_audited,
)
from llmal.guarantee.promises import (
    FIXED_POOL,
    PLANNED_LOOKS,
    condition_on_people,
    nothing_promised,
    percent,
    skipped_note,
    wrong_and_chance,
)

Counting = Callable[[int, int, Sequence[int], float], tuple[int, ...]]
"""Gives the critical counts: rest, allowed, looks and alpha."""


@dataclass(frozen=True)
class Kept:
    """How far down the order labels may stay.

    Attributes:
        prefix: How many of the order, from the top, may stay.
        holds: Whether the audit could say anything.
        needed: How many audited items that takes at least, at a single look.
        details: For the certificate.
    """

    prefix: int
    holds: bool
    needed: int
    details: dict[str, Any] = field(default_factory=dict)


def certify_pool_error(
    audit: Audit,
    *,
    epsilon: float,
    alpha: float,
    looks: Sequence[int] | None,
    mode: Mode = "pool_error",
    of: str | None = None,
) -> Certificate:
    """Keep the longest beginning of the order of which at most ε·N labels are wrong.

    Args:
        audit: The audit, in order of draw.
        epsilon: The share of wrong labels that is allowed, of all that are delivered.
        alpha: With what probability the promise may fail.
        looks: How many items have been audited at each planned look; the audit as it is, where it
            is not given. Looks that are larger than the audit have not been made yet.
        mode: "pool_error", or "looks" for an equal share of alpha at each look.
        of: What the labels are labels of, where they are those of a part of the pool.

    Raises:
        DataError: The audit is smaller than its first planned look.
    """
    wrong = allowed_wrong(epsilon, audit.items)
    counting = bonferroni_counts if mode == "looks" else critical_counts
    kept = keep(audit, audit.allowed(wrong), alpha, looks, counting)
    accepted, to_people = audit.split(kept.prefix)
    labels = f"labels{f' of {of}' if of else ''}"
    condition = meaning = ""
    if not kept.holds:
        claim = nothing_promised(
            f"to keep wrong {labels} to {percent(epsilon)} of {audit.items:,} with probability "
            f"{percent(1 - alpha)}",
            audit,
            kept.needed,
        )
    else:
        claim = (
            f"Of the {audit.items:,} {labels} delivered, at most {wrong:,} ({percent(epsilon)}) "
            "are wrong"
        )
        condition = condition_on_people(len(to_people))
        meaning = (
            f"This is certain: no more than {wrong:,} of them are not by people, and labels by "
            "people are right by definition."
            if len(audit.order) <= audit.allowed(wrong)
            else wrong_and_chance(audit, alpha)
        )
    return Certificate(
        mode=mode,
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
        + (PLANNED_LOOKS if looks is not None and len(looks) > 1 else ())
        + skipped_note(audit),
        details={**kept.details, "stays": len(accepted) - audit.labelled},
    )


def keep(
    audit: Audit,
    allowed: int,
    alpha: float,
    looks: Sequence[int] | None = None,
    counting: Counting = critical_counts,
) -> Kept:
    """How long a beginning of the order has at most `allowed` wrong labels after the audit.

    Steps 5 to 7 of "label the doubtful, learn, then audit the rest": at each look that has been
    made, walk down to the (c + 1)-th audited error; what is above may stay. The longest such walk
    counts. With one look it is the exact rule for a finite pool. As many labels as may be wrong may
    stay without any audit, so no walk ends before them.
    """
    rest = len(audit.order)
    needed = fewest_audited(rest, allowed, alpha)
    planned = tuple(looks) if looks else (len(audit),) if len(audit) else ()
    counts: tuple[int, ...] = ()
    prefixes: list[int] = []
    if rest > allowed and planned:
        counts = counting(rest, allowed, planned, alpha)
        made = [size for size in planned if size <= len(audit)]
        if not made:
            raise DataError(
                f"{len(audit)} {audit.unit} have been audited, and the first look is planned at "
                f"{planned[0]}",
                fix="audit the rest of the first look",
            )
        prefixes = [
            walk(audit.places[:size], audit.wrong[:size], count, rest)
            for size, count in zip(made, counts, strict=False)
        ]
    able = rest <= allowed or any(count != NO_COUNT for count in counts[: len(prefixes)])
    prefix = max([*prefixes, _without_audit(audit, allowed)]) if able else 0
    details = {
        "rest": rest,
        "allowed": allowed,
        "looks": list(planned),
        "critical_counts": list(counts),
        "prefixes": prefixes,
        "prefix": prefix,
        "needed": needed,
    }
    return Kept(prefix, able, needed, details)


def walk(places: NDArray[np.int64], wrong: NDArray[np.bool_], count: int, rest: int) -> int:
    """How many items stand above the (`count` + 1)-th audited error; all where there are fewer."""
    if count == NO_COUNT:
        return 0
    errors = np.sort(places[wrong])
    return rest if count >= len(errors) else int(errors[count])


def _without_audit(audit: Audit, allowed: int) -> int:
    """How far the order goes on while no more than `allowed` in it have not been audited."""
    checked = np.zeros(len(audit.order), np.bool_)
    checked[audit.places] = ~audit.skipped
    return int(np.searchsorted(np.cumsum(~checked), allowed, side="right"))
