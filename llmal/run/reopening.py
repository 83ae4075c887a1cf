"""Which items have to be asked about again, after task or pool have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from llmal.core.records import Annotation, Answer
from llmal.ledger import Ledger, Round
from llmal.ledger.translation import Reading, Void
from llmal.run.items import RunItems
from llmal.run.known_labels import STAGE, are_trusted, is_checked
from llmal.run.phases import Reopened
from llmal.run.purposes import seen_labels

_SWEEP = "sweep"

Who = Literal["people", "machines"]


@dataclass(frozen=True)
class _Voided:
    """Answers that say nothing under the present task, by item, in the order in which they came."""

    people: Mapping[str, Annotation]
    machines: Mapping[str, Annotation]


class Reopening:
    """Finds what has to be asked about again.

    What an earlier version of the task made of answers is looked at once for each version.

    Args:
        items: The items of the campaign.
    """

    def __init__(self, items: RunItems) -> None:
        self._items = items
        self._of: Reading | None = None
        self._voided = _Voided({}, {})
        self._all_swept = False

    def find(self, ledger: Ledger, rounds: Sequence[Round], passed_over: Iterable[str]) -> Reopened:
        """What has to be asked about again.

        Args:
            ledger: Of the campaign.
            rounds: All rounds so far, finished.
            passed_over: Items that are not to be picked.
        """
        reading = ledger.reading
        if reading.is_plain:
            return Reopened()
        if reading is not self._of:
            self._of, self._voided = reading, _voided(ledger, reading)
            self._all_swept = False
        out = {*passed_over}
        return Reopened(
            self._open(ledger, reading, "people", out),
            self._open(ledger, reading, "machines", out),
            self._unswept(ledger, rounds),
        )

    def _open(self, ledger: Ledger, reading: Reading, who: Who, out: set[str]) -> dict[str, str]:
        """Items without a label whose last answer is void, with what it was."""
        voided = self._voided.people if who == "people" else self._voided.machines
        if not voided:
            return {}
        labels = self._items.with_copies(seen_labels(ledger))
        left = self._items.pool.held([id for id in voided if id not in labels and id not in out])
        found: dict[str, str] = {}
        for id, answers in ledger.annotations_of(left).items():
            theirs = [one for one in answers if who == "machines" or one.kind == "human"]
            # Since it was voided somebody may have had no answer, and is not asked once more.
            if isinstance(reading.read(theirs[-1]), Void):
                found[id] = _reason(voided[id].label)
        return found

    def _unswept(self, ledger: Ledger, rounds: Sequence[Round]) -> bool:
        changed = ledger.rounds_at_last_change()
        swept = [one.number for one in rounds if one.phase == _SWEEP]
        if changed is None or not swept or swept[-1] >= changed or self._all_swept:
            return False
        self._all_swept = not to_sweep(ledger, self._items, len(rounds))
        return not self._all_swept


def to_sweep(ledger: Ledger, items: RunItems, number: int) -> list[str]:
    """The items that a sweep goes over: those that no person has labelled before it, and that no
    machine has answered in an earlier one in a way that still counts.

    Args:
        ledger: Of the campaign.
        items: Of the campaign.
        number: Of the round.
    """
    labels = items.with_copies(seen_labels(ledger, before_round=number))
    done = {id for id, label in labels.items() if label.kind == "human"}
    if not ledger.reading.is_plain:
        done |= {
            one.item_id
            for one in ledger.present(ledger.annotations())
            if one.kind != "human" and one.round is not None and one.round < number
        }
    return [id for id in items.distinct.ids() if id not in done]


def earlier_answers(ledger: Ledger, item_ids: Sequence[str]) -> dict[str, Answer]:
    """What people last said about items, in the labels that the task had then."""
    found: dict[str, Answer] = {}
    for id, answers in ledger.annotations_of(item_ids).items():
        for one in answers:
            if one.kind == "human" and one.label is not None:
                found[id] = one.label
    return found


def _voided(ledger: Ledger, reading: Reading) -> _Voided:
    # Of labels that were found not good enough nobody is asked again.
    trusted = are_trusted(ledger) or not is_checked(ledger)
    people: dict[str, Annotation] = {}
    machines: dict[str, Annotation] = {}
    for one in ledger.annotations():
        if one.stage == STAGE and not trusted:
            continue
        if reading.read(one) in (Void.UNMAPPED, Void.ASKED_AGAIN):
            (people if one.kind == "human" else machines)[one.item_id] = one
    return _Voided(people, machines)


def _reason(label: Answer | None) -> str:
    if label is None:
        return "asked again, as the task has changed"
    shown = label if isinstance(label, str) else " | ".join(label)
    return f"was {shown!r} before the task changed"
