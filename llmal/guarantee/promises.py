"""The sentences that promises about labels have in common."""

from __future__ import annotations

from llmal.guarantee.audit import Audit

PLAIN = (
    "The audited items were drawn uniformly without replacement from the items that no person had "
    "labelled, after labels, score and order were frozen.",
    "No label of the audit was used for prompts, demonstrations, calibration, training or the "
    "score.",
    "Neither labels nor order have changed since the audit was drawn.",
    "Labels by people are right by definition; the audit was labelled as the people of record "
    "would label any item.",
)
"""What a promise about a finite pool rests on."""


def percent(share: float) -> str:
    """A share as people read it: 0.05 is 5 %."""
    return f"{100 * share:.4g} %"


def about_people(count: int) -> str:
    """The condition under which the promise is kept."""
    if not count:
        return ""
    return f", once people have labelled the {count:,} items that are named for them"


def skipped_note(audit: Audit) -> tuple[str, ...]:
    """What is said where audited items were skipped."""
    skipped = int(audit.skipped.sum())
    if not skipped:
        return ()
    return (f"{skipped:,} audited items were skipped; they count as wrong and still go to people.",)


def wrong_and_chance(audit: Audit, alpha: float) -> str:
    """What "wrong" means, what is random, what the promise is no promise about, what voids it."""
    return (
        f"The procedure that says so breaks its word with a probability of at most "
        f"{percent(alpha)}. A label is wrong if it is not the one that the people of record would "
        "give; a label by a person is right by definition. The items, their labels and what people "
        "would say are taken as fixed: the one thing that is random is which "
        f"{len(audit):,} of the {len(audit.order):,} items that no person had labelled were drawn "
        f"for the audit ({int(audit.wrong.sum()):,} of them were wrong and have been put right). "
        "It is a count over all labels delivered, not a promise about a single item, a class or "
        "items that come later. It is void if the audit was not a uniform draw made after labels "
        "and order were frozen, if audited labels were used to make either, or if a label or the "
        "order changes afterwards other than by a person's label."
    )
