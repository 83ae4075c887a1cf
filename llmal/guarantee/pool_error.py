"""The exact rule: at most ε·N of the delivered labels are wrong, with probability 1 − α."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.errors import DataError
from llmal.guarantee.audit import Audit, allowed_wrong
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.nested_looks import NO_COUNT, critical_counts, fewest_audited
from llmal.guarantee.promises import PLAIN, about_people, percent, skipped_note, wrong_and_chance


def certify_pool_error(
    audit: Audit, *, epsilon: float, alpha: float, looks: Sequence[int] | None
) -> Certificate:
    """Keep the longest beginning of the order of which at most ε·N labels are wrong.

    Steps 5 to 7 of "label the doubtful, learn, then audit the rest": at each look that has been
    made, walk down to the (c + 1)-th audited error; what is above may stay. The longest such walk
    counts. With one look it is the exact rule for a finite pool. Not more than ε·N labels may stay
    without any audit, so a walk never ends before that many.

    Args:
        audit: The audit, in order of draw.
        epsilon: The share of wrong labels that is allowed, of all that are delivered.
        alpha: With what probability the promise may fail.
        looks: How many items have been audited at each planned look; the audit as it is, where it
            is not given. Looks that are larger than the audit have not been made yet.

    Raises:
        DataError: The audit is smaller than its first planned look.
    """
    rest, allowed = len(audit.order), allowed_wrong(epsilon, audit.items)
    planned = tuple(looks) if looks else (len(audit),) if len(audit) else ()
    details: dict[str, object] = {"rest": rest, "allowed": allowed, "looks": list(planned)}
    counts: tuple[int, ...] = ()
    prefixes: list[int] = []
    if rest > allowed and planned:
        counts = critical_counts(rest, allowed, planned, alpha)
        made = [size for size in planned if size <= len(audit)]
        if not made:
            raise DataError(
                f"{len(audit)} items have been audited, and the first look is planned at "
                f"{planned[0]}",
                fix="audit the rest of the first look",
            )
        prefixes = [
            walk(audit.places[:size], audit.wrong[:size], count, rest)
            for size, count in zip(made, counts, strict=False)
        ]
    holds = rest <= allowed or any(count != NO_COUNT for count in counts[: len(prefixes)])
    needed = fewest_audited(rest, allowed, alpha)
    prefix = max([*prefixes, _without_audit(audit, allowed)]) if holds else 0
    accepted, to_people = audit.split(prefix)
    details |= {
        "critical_counts": list(counts),
        "prefixes": prefixes,
        "prefix": prefix,
        "stays": audit.unaudited(prefix),
        "needed": needed,
    }
    return Certificate(
        mode="pool_error",
        accepted=accepted,
        to_people=to_people,
        holds=holds,
        epsilon=epsilon,
        alpha=alpha,
        items=audit.items,
        audited=len(audit),
        wrong=int(audit.wrong.sum()),
        promise=_promise(audit, len(to_people), holds, epsilon, alpha, allowed, needed),
        rests_on=PLAIN + (_LOOKS if len(planned) > 1 else ()) + skipped_note(audit),
        details=details,
    )


def walk(places: NDArray[np.int64], wrong: NDArray[np.bool_], count: int, rest: int) -> int:
    """How many items stand above the (`count` + 1)-th audited error; all where there are fewer."""
    if count == NO_COUNT:
        return 0
    errors = np.sort(places[wrong])
    return rest if count >= len(errors) else int(errors[count])


def _without_audit(audit: Audit, allowed: int) -> int:
    """How far the order goes on while no more than `allowed` items in it are not audited."""
    checked = np.zeros(len(audit.order), bool)
    checked[audit.places] = ~audit.skipped
    return int(np.searchsorted(np.cumsum(~checked), allowed, side="right"))


_LOOKS = (
    "The sizes of all looks were fixed before the first audited label was seen, and each look adds "
    "to the one before it.",
)


def _promise(
    audit: Audit,
    to_people: int,
    holds: bool,
    epsilon: float,
    alpha: float,
    allowed: int,
    needed: int,
) -> str:
    if not holds:
        return (
            f"Nothing is promised: to keep wrong labels to {percent(epsilon)} of {audit.items:,} "
            f"with probability {percent(1 - alpha)}, an audit of the {len(audit.order):,} items "
            f"that no person has labelled takes at least {needed:,} of them, and "
            f"{len(audit):,} were audited."
        )
    head = (
        f"Of the {audit.items:,} labels delivered, at most {allowed:,} ({percent(epsilon)}) are "
        f"wrong{about_people(to_people)}. "
    )
    if len(audit.order) <= allowed:
        return head + (
            f"This is certain: no more than {len(audit.order):,} of them are not by people, and "
            "labels by people are right by definition."
        )
    return head + wrong_and_chance(audit, alpha)
