"""The sentences that promises about labels have in common."""

from __future__ import annotations

from llmal.core.words import counted
from llmal.guarantee.audit import Audit

FIXED_POOL = (
    "The audited items were drawn uniformly without replacement from the items that no person had "
    "labelled, after labels, score and order were frozen.",
    "No label of the audit was used for prompts, demonstrations, calibration, training or the "
    "score.",
    "Neither labels nor order have changed since the audit was drawn.",
    "Labels by people are right by definition; the audit was labelled as the people of record "
    "would label any item.",
)
"""What a promise about a finite pool rests on."""

PLANNED_LOOKS = (
    "The sizes of all looks were fixed before the first audited label was seen, and each look adds "
    "to the one before it.",
)


def percent(share: float) -> str:
    """A share as people read it: 0.05 is 5 %."""
    return f"{100 * share:.4g} %"


def condition_on_people(count: int) -> str:
    """The condition under which a promise is kept; "" where it waits for nobody."""
    if not count:
        return ""
    items = counted(count, "item that is", "items that are")
    return f"once people have labelled the {items} named for them"


def skipped_note(audit: Audit) -> tuple[str, ...]:
    """What is said where audited items were skipped."""
    skipped = int(audit.skipped.sum())
    if not skipped:
        return ()
    return (f"{skipped:,} audited items were skipped; they count as wrong and still go to people.",)


def nothing_promised(aim: str, audit: Audit, needed: int) -> str:
    """Why nothing is promised, and how large the audit would have to be; without a full stop."""
    return (
        f"Nothing is promised: {aim}, an audit of the {len(audit.order):,} {audit.unit} that no "
        f"person has labelled takes at least {needed:,} of them, and {len(audit):,} were audited"
    )


def chance(audit: Audit, alpha: float) -> str:
    """How often the promise may be broken, and over what."""
    return (
        f"The procedure that says so breaks its word with a probability of at most "
        f"{percent(alpha)}. The items, their labels, their order and what people would say are "
        f"taken as fixed: the one thing that is random is which {len(audit):,} of the "
        f"{len(audit.order):,} {audit.unit} that no person had labelled were drawn for the audit "
        f"({int(audit.wrong.sum()):,} of them were wrong)."
    )


def wrong_and_chance(audit: Audit, alpha: float) -> str:
    """What "wrong" means, what is random, what the promise is no promise about, what voids it."""
    return (
        "A label is wrong if it is not the one that the people of record would give; a label by a "
        f"person is right by definition, so what the audit showed to be wrong has been put right. "
        f"{chance(audit, alpha)} It is a count over all these labels together, no promise about a "
        f"single item, about a class or about items that come later. {VOID}"
    )


VOID = (
    "It is void if the audit was not drawn uniformly after labels and order were frozen, if "
    "audited labels were used to make either, or if a label or the order changes afterwards other "
    "than by a person's label."
)
"""What makes a promise about a finite pool void."""
