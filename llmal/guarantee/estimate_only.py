"""How good the labels are, estimated from the audit; nothing is promised of them."""

from __future__ import annotations

from llmal.guarantee.audit import Audit
from llmal.guarantee.certificate import Certificate
from llmal.guarantee.estimates import estimate
from llmal.guarantee.promises import FIXED_POOL, percent, skipped_note


def certify_estimate_only(audit: Audit, *, epsilon: float, alpha: float) -> Certificate:
    """Estimate the accuracy of the labels that no person gave, with an interval at 1 − α.

    `llmal.guarantee.estimates.estimate` does the same for classes too.

    Args:
        audit: The audit.
        epsilon: For the record.
        alpha: One minus the confidence of the interval.
    """
    estimates = estimate(len(audit.order), audit.wrong, level=1 - alpha)
    accuracy = estimates.accuracy
    accepted, to_people = audit.split(0)
    return Certificate(
        mode="estimate_only",
        accepted=accepted,
        to_people=to_people,
        holds=False,
        epsilon=epsilon,
        alpha=alpha,
        items=audit.items,
        audited=len(audit),
        wrong=int(audit.wrong.sum()),
        claim="Nothing is promised",
        meaning=(
            f"Of the {len(audit.order):,} labels that no person gave, between "
            f"{percent(accuracy.low)} and {percent(accuracy.high)} are right, by an interval that "
            f"misses with a probability of about {percent(alpha)}; {len(audit):,} were audited and "
            f"{int(audit.wrong.sum()):,} of them were wrong."
        ),
        rests_on=FIXED_POOL + skipped_note(audit),
        details={"estimates": estimates.as_dict(), "rest": len(audit.order)},
    )
