"""A person's later answer in place of an earlier one; both stay in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from llmal.core.records import Annotation, Outcome
from llmal.errors import AnnotationError
from llmal.ledger import Ledger
from llmal.ledger.translation import Void

RULE = "correction"
"""What overrules the answers of others about an item that is corrected, in decisions."""

_NOTHING = "nothing of what was corrected with it is recorded"


def correct(
    ledger: Ledger,
    corrections: Sequence[Annotation],
    first_of: Mapping[str, str],
    place: Callable[[Annotation], Annotation],
) -> int:
    """Record answers of people that take the place of earlier ones.

    One who answered before revises that answer. One who did not gives a new answer, for the purpose
    of the one that it corrects. What is corrected stands, whatever others have said: their answers
    for the same purpose are overruled. One whose answer says nothing any more, as task or text have
    changed, gives a new one too.

    Args:
        ledger: Of the campaign.
        corrections: Answers with labels of the task, about items of the pool.
        first_of: For items that repeat the text of another, the item that was asked about.
        place: Gives a new answer the round and the stage that wait for it, if any do.

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
    of_people = {
        item_id: [one for one in given if one.kind == "human"] for item_id, given in answers.items()
    }
    revised: list[Annotation] = []
    fresh: list[Annotation] = []
    outcomes: list[tuple[Annotation, Outcome]] = []
    for one in corrections:
        before = of_people[one.item_id]
        own = [
            answer
            for answer in before
            if answer.annotator == one.annotator
            and not isinstance(ledger.reading.read(answer), Void)
        ]
        corrected = (own or before)[-1:]
        if own:
            revised.append(one)
        else:
            fresh.append(place(replace(one, purpose=corrected[0].purpose) if corrected else one))
        outcomes += [
            (answer, "overruled")
            for answer in before
            if answer.annotator != one.annotator and answer.purpose == corrected[0].purpose
        ]
        if own and own[-1].label == one.label and _is_overruled(ledger, own[-1]):
            outcomes.append((own[-1], "accepted"))
    changed = ledger.append(fresh) + ledger.revise(revised)
    decided = ledger.decide(RULE, outcomes)
    return max(changed, len({one.item_id for one, _ in outcomes}) if decided else 0)


def _is_overruled(ledger: Ledger, answer: Annotation) -> bool:
    standing = ledger.labels(purposes=[answer.purpose]).get(answer.item_id)
    return standing is None or standing.label != answer.label


def person_to_correct(ledger: Ledger, item_id: str) -> str | None:
    """The person whose answer about an item stands; None if nobody has answered."""
    standing = ledger.labels().get(item_id)
    return standing.annotator if standing is not None and standing.kind == "human" else None
