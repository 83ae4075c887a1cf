"""Which annotations of a campaign its prompts and models may see: the one place that decides it.

Everything in this room that feeds a prompt, a demonstration, a calibrator, a selector, a learner or
a generator reads labels and probabilities through these functions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from llmal.core.records import Annotation, Purpose
from llmal.ledger import Decided, Ledger

SEEN: frozenset[Purpose] = frozenset({"train", "review"})
"""What answers were asked for that prompts and models may see. An audit tells how good the labels
are only as long as nothing has learnt from it; what is kept to calibrate a promise is not trained
on either."""


def seen_labels(ledger: Ledger, *, before_round: int | None = None) -> dict[str, Decided]:
    """The labels that may be learnt from, by item.

    Args:
        ledger: Of the campaign.
        before_round: Only those of earlier rounds, and those that were given outside a round.
    """
    return ledger.labels(before_round, SEEN)


def seen_annotations(
    ledger: Ledger, *, annotator: str | None = None, after: int = 0
) -> Iterator[Annotation]:
    """The annotations whose probabilities may be used, in the order in which they came and as they
    read now; none that says nothing about the present task and pool.

    Args:
        ledger: Of the campaign.
        annotator: Only those of this one.
        after: Only those after this one, by number.
    """
    present = ledger.present(ledger.annotations(annotator=annotator, after=after))
    return (one for one in present if one.purpose in SEEN)


def audit_labels(ledger: Ledger) -> dict[str, Decided]:
    """What people have said in audits, by item. Nothing may learn from it."""
    return ledger.labels(purposes=["audit"])


def delivered_labels(ledger: Ledger) -> dict[str, Decided]:
    """The labels that a campaign leaves with: those that were learnt from, and in the place of a
    machine's what a person has said in an audit.
    """
    labels = ledger.labels(purposes=SEEN)
    for item_id, one in audit_labels(ledger).items():
        if item_id not in labels or labels[item_id].kind != "human":
            labels[item_id] = one
    return labels


def set_aside(ledger: Ledger, phases: Collection[str] = ()) -> set[str]:
    """The items with labels that may not be learnt from; they are not picked to be labelled.

    Args:
        ledger: Of the campaign.
        phases: Names of phases whose answers may not be learnt from: what their rounds ask about is
            among the items, answered or not.
    """
    kept: set[Purpose] = {"audit", "calibrate"}
    found = set(ledger.labels(purposes=kept))
    if phases:
        found.update(i for one in ledger.rounds() if one.phase in phases for i in one.item_ids)
    return found
