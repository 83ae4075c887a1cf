"""Which annotations of a campaign its prompts and models may see: the one place that decides it.

Everything in this room that feeds a prompt, a demonstration, a calibrator, a selector, a learner or
a generator reads labels and probabilities through these functions.
"""

from __future__ import annotations

from collections.abc import Iterator

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


def seen_annotations(ledger: Ledger, *, annotator: str | None = None) -> Iterator[Annotation]:
    """The annotations whose probabilities may be used, in the order in which they came and as they
    read now; none that says nothing about the present task and pool.

    Args:
        ledger: Of the campaign.
        annotator: Only those of this one.
    """
    present = ledger.present(ledger.annotations(annotator=annotator))
    return (one for one in present if one.purpose in SEEN)


def set_aside(ledger: Ledger) -> set[str]:
    """The items with labels that may not be learnt from; they are not picked to be labelled."""
    kept: set[Purpose] = {"audit", "calibrate"}
    return set(ledger.labels(purposes=kept))
