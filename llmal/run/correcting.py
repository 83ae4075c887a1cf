"""A person's later answer in place of an earlier one; both stay in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmal.core.records import Annotation
from llmal.errors import AnnotationError
from llmal.ledger import Ledger

_NOTHING = "nothing of what was corrected with it is recorded"


def correct(ledger: Ledger, corrections: Sequence[Annotation], first_of: Mapping[str, str]) -> int:
    """Record answers of people that take the place of earlier ones.

    One who answered before revises that answer. One who did not gives a new answer, which stands as
    the last one of a person.

    Args:
        ledger: Of the campaign.
        corrections: Answers with labels of the task, about items of the pool.
        first_of: For items that repeat the text of another, the item that was asked about.

    Returns:
        How many changed something.

    Raises:
        AnnotationError: One is not of a person, or about a copy. Nothing was recorded.
        LedgerError: The ledger cannot be written.
    """
    for one in corrections:
        if one.kind != "human":
            raise AnnotationError(
                f"the correction of item {one.item_id!r} is of {one.annotator!r}, who is no person "
                f"(kind {one.kind!r}), and {_NOTHING}",
                fix="people correct; machines are asked again by a run",
            )
        if one.item_id in first_of:
            raise AnnotationError(
                f"item {one.item_id!r} repeats the text of {first_of[one.item_id]!r}, which was "
                f"asked about for both, and {_NOTHING}",
                fix=f"correct {first_of[one.item_id]!r}",
            )
    answers = ledger.annotations_of([one.item_id for one in corrections])
    people = {
        (one.item_id, one.annotator)
        for given in answers.values()
        for one in given
        if one.kind == "human"
    }
    revised = [one for one in corrections if (one.item_id, one.annotator) in people]
    fresh = [one for one in corrections if (one.item_id, one.annotator) not in people]
    return ledger.append(fresh) + ledger.revise(revised)


def person_to_correct(ledger: Ledger, item_id: str) -> str | None:
    """The person whose answer about an item stands; None if nobody has answered."""
    standing = ledger.labels().get(item_id)
    return standing.annotator if standing is not None and standing.kind == "human" else None
