"""Where people sit: items go out to many at once, and answers come in, whatever else goes on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from llmal.core.records import Annotation, Answer, Item
from llmal.core.words import counted
from llmal.errors import AnnotationError, DataError, LlmalError
from llmal.run.campaign import Campaign
from llmal.run.orchestrator import Orchestrator
from llmal.run.workers import check_worker

log = logging.getLogger("llmal.web")

Suggestions = Literal["after", "before", "never"]
"""When the label that a machine gave is shown."""

LEASE = 900.0
"""Seconds for which an item is kept for a person who does not answer it."""
_BUFFER = 10
"""Items that one person has at hand at most: what is kept for one, no other can answer."""
_LEAST = 3
_LOW = 6
_ACTIVE = 60.0
_PAUSE = 1.0
_RETRY = 5.0

State = Literal["work", "picking", "waiting", "finished", "failed"]
"""There is work; it is being picked or learnt; others are waited for; all is done; it broke."""


@dataclass(frozen=True)
class Handed:
    """What a person gets.

    Attributes:
        items: To label, in order.
        state: Whether there is more.
        message: Why there is not, for people.
    """

    items: Sequence[Item]
    state: State
    message: str = ""


@dataclass(frozen=True)
class Given:
    """An answer as a page sends it.

    Attributes:
        item_id: What it is about.
        label: The label; None for an item that is skipped.
        note: What the person wrote besides.
        flags: "unclear" for an item that cannot be told, "guideline" for a guideline that cannot.
        seconds: How long it took.
        again: Whether it takes the place of an earlier answer of this person.
        saw_suggestion: Whether the machine's label was on the page.
    """

    item_id: str
    label: Answer | None
    note: str = ""
    flags: tuple[str, ...] = ()
    seconds: float | None = None
    again: bool = False
    saw_suggestion: bool = False


@dataclass(frozen=True)
class Receipt:
    """What became of an answer.

    Attributes:
        item_id: What it is about.
        kept: Whether it is in the ledger.
        problem: Why it is not; a sentence for the person.
        suggestion: What a machine had said, for a page that shows it now.
    """

    item_id: str
    kept: bool
    problem: str = ""
    suggestion: Mapping[str, Any] | None = None


@dataclass
class _Seat:
    """A person at work."""

    items: dict[str, Item] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    state: State = "picking"
    message: str = ""
    wants: bool = True
    asked: float = 0.0
    seen: float = 0.0
    attempts: int = 0


class Desk:
    """Hands out the items of a campaign and takes answers.

    One thread of its own asks the campaign, which may train a learner for minutes, and has
    machines label what is theirs; answers are kept by another campaign object meanwhile. What is in
    the ledger is all there is: killed and started again, it goes on.

    Args:
        make: Makes the run; called twice.
        suggestions: When the label that a machine gave is shown.
    """

    def __init__(
        self, make: Callable[[], Orchestrator], *, suggestions: Suggestions = "after"
    ) -> None:
        self._orchestrator = make()
        self._asking = self._orchestrator.campaign
        self._telling = make().campaign
        self._suggestions = suggestions
        self._seats: dict[str, _Seat] = {}
        self._why: dict[str, str] = {}
        self._changed = threading.Condition()
        self._keeping = threading.Lock()
        self._closing = False
        self._corrected = False
        self._thread = threading.Thread(target=self._serve, name="llmal-desk", daemon=True)

    @property
    def campaign(self) -> Campaign:
        """The campaign that answers are told to."""
        return self._telling

    @property
    def shows_why(self) -> bool:
        """Whether people may be told why an item was picked: where no item is picked to test what
        a machine said, for then they could tell which.
        """
        campaign = self._telling
        return campaign.guarantee is None and not any(
            one.purpose == "audit" for one in campaign.phases
        )

    @property
    def suggests_before(self) -> bool:
        """Whether a machine's label is shown with the item."""
        return self._suggestions == "before"

    def start(self) -> None:
        """Open the ledger and begin to pick.

        Raises:
            LlmalError: The run cannot be opened.
        """
        self._telling.open()
        self._asking.open()
        self._thread.start()

    def close(self) -> None:
        """End, after what is under way."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._asking.interruption.wanted = True
        if self._thread.is_alive():
            self._thread.join(timeout=30)
        with self._keeping:
            self._telling.close()
        self._asking.close()

    # What people get

    def hand_out(self, worker: str, have: Sequence[str] = (), *, wait: float = 0.0) -> Handed:
        """The next items of a person, those left out that the page has already.

        Args:
            worker: Who asks.
            have: Ids of the items that the page has and that are not answered yet.
            wait: Seconds to wait for work that is being picked.
        """
        end = time.monotonic() + wait
        with self._changed:
            seat = self._seats.setdefault(worker, _Seat())
            seat.seen = time.monotonic()
            before = seat.attempts
            while True:
                held = set(have)
                fresh = [item for id, item in seat.items.items() if id not in held]
                if len(fresh) < _LOW and seat.state != "finished" and not seat.wants:
                    seat.wants = True
                    self._changed.notify_all()
                # Of what others have, or what is broken, there is news when it was tried again.
                tried = seat.state in ("waiting", "failed") and seat.attempts > before
                left = end - time.monotonic()
                if fresh or held or tried or seat.state == "finished" or left <= 0 or self._closing:
                    break
                self._changed.wait(left)
            return Handed(fresh, "work" if fresh else seat.state, seat.message)

    def suggestion(self, item_id: str) -> dict[str, Any] | None:
        """The label that a machine gave an item, and how sure it was; None if none did."""
        ledger = self._telling.open()
        found = [*ledger.present(ledger.annotations_of([item_id]).get(item_id, []))]
        by_machine = [one for one in found if one.kind != "human" and one.label is not None]
        if not by_machine:
            return None
        last = by_machine[-1]
        sure = None if last.probabilities is None else last.confidence
        return {"label": last.label, "by": last.annotator, "confidence": sure}

    def why(self, item_id: str) -> str:
        """Why an item was picked; empty where that is not to be told."""
        return self._why.get(item_id, "") if self.shows_why else ""

    def check_worker(self, name: str) -> None:
        """See that somebody may be called so.

        Raises:
            ConfigError: A machine of the run is called so.
        """
        check_worker(name, self._telling.router)

    def progress(self) -> str:
        """How far people are, in words."""
        given = self._telling.open().total_usage().human_labels
        limit = self._telling.budget.human_labels
        if limit is None:
            return counted(given, "label by people", "labels by people")
        return f"{given:,} of {counted(limit, 'label by people', 'labels by people')}"

    # What people give

    def take(self, worker: str, answers: Sequence[Given]) -> list[Receipt]:
        """Keep answers, one by one: what is wrong with one stops no other."""
        return [self._take(worker, one) for one in answers]

    def _take(self, worker: str, given: Given) -> Receipt:
        try:
            annotation = self._annotation(worker, given)
            with self._keeping:
                if given.again:
                    # Who waits for a page does not wait for a learner.
                    changed = replace(annotation, reason="changed on the page")
                    self._corrected |= bool(self._telling.correct([changed], learn=False))
                else:
                    self._telling.tell([annotation])
        except (AnnotationError, DataError) as error:
            return Receipt(given.item_id, False, str(error))
        with self._changed:
            seat = self._seats.setdefault(worker, _Seat())
            seat.items.pop(given.item_id, None)
            seat.done.add(given.item_id)
            if not seat.items and seat.state == "work":
                seat.state, seat.message = "picking", ""
            self._changed.notify_all()
        shown = self.suggestion(given.item_id) if self._suggestions == "after" else None
        return Receipt(given.item_id, True, suggestion=shown)

    def _annotation(self, worker: str, given: Given) -> Annotation:
        task = self._telling.task
        label = None if given.label is None else task.match(_plain(given.label))
        if given.label is not None and label is None:
            raise DataError("no label was given", fix="choose one, or skip the item")
        provenance: dict[str, Any] = {
            "page": 1,
            "suggestion": "shown" if given.saw_suggestion else "hidden",
        }
        if given.seconds is not None:
            provenance["seconds"] = round(given.seconds, 2)
        return Annotation(
            given.item_id,
            label,
            annotator=worker,
            kind="human",
            rationale=given.note.strip() or None,
            flags=given.flags,
            provenance=provenance,
        )

    # The thread that asks

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._closing and not self._due():
                    self._changed.wait(_PAUSE)
                if self._closing:
                    return
                due = [name for name, seat in self._seats.items() if self._is_due(seat)]
            for name in due:
                self._fill(name)

    def _due(self) -> bool:
        return any(self._is_due(seat) for seat in self._seats.values())

    def _is_due(self, seat: _Seat) -> bool:
        if not seat.wants or len(seat.items) >= _LOW:
            return False
        patience = {"failed": _RETRY, "waiting": _PAUSE}.get(seat.state, 0.0)
        return time.monotonic() - seat.asked >= patience

    def _fill(self, worker: str) -> None:
        """Get more work for a person."""
        with self._changed:
            seat = self._seats[worker]
            seat.asked = time.monotonic()
        try:
            items, state, message = self._ask(worker)
        except LlmalError as error:
            log.warning("%s", error)
            items, state, message = [], "failed", str(error)
        except Exception as error:
            # Whatever it is, people must not sit in front of a page that says nothing.
            log.exception("the labelling page cannot get more work")
            items, state, message = [], "failed", f"{type(error).__name__}: {error}"
        with self._changed:
            for item in items:
                # What was answered while the campaign was asked is not handed out again.
                if item.id not in seat.done:
                    seat.items.setdefault(item.id, item)
            seat.state, seat.message = state, message
            seat.attempts += 1
            seat.wants = state in ("waiting", "failed") or (state == "work" and not seat.items)
            self._changed.notify_all()

    def _ask(self, worker: str) -> tuple[Sequence[Item], State, str]:
        if self._closing:
            return [], "waiting", ""
        most = self._fair_share()
        order = self._asking.ask(worker=worker, at_most=most, seconds=LEASE)
        if order is None and self._asking.reason is None and self._has_machines:
            # Something is to be done that is not for people.
            self._orchestrator.run()
            order = self._asking.ask(worker=worker, at_most=most, seconds=LEASE)
        if order is not None:
            items = [*order.items]
            self._why |= {item.id: why for item, why in zip(items, order.why, strict=True)}
            return items, "work", ""
        if self._asking.reason is not None:
            self._learn_at_last()
            return [], "finished", self._asking.reason
        return [], "waiting", "others have the rest of this round; more comes when they are done"

    def _learn_at_last(self) -> None:
        """Have the learner know what was changed after its last round."""
        rounds = self._asking.rounds
        if self._corrected and rounds:
            self._corrected = False
            self._asking.learning.catch_up(self._asking.open(), rounds[-1].number)

    def _fair_share(self) -> int:
        """Items that one person is given at hand: fewer where several are at work."""
        with self._changed:
            now = time.monotonic()
            active = sum(now - one.seen < _ACTIVE for one in self._seats.values())
        return max(_LEAST, _BUFFER // max(1, active))

    @property
    def _has_machines(self) -> bool:
        return any(stage.annotator.kind != "human" for stage in self._asking.router.stages)


def _plain(label: Answer | None) -> Any:
    return list(label) if isinstance(label, tuple) else label
