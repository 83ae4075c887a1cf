"""The label of each item, kept up to date by reading what was recorded since the last look."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from llmal.core.records import Answer, Purpose
from llmal.ledger import schema
from llmal.ledger.combining import Combined, Combines, MajorityVote, WorkerAnswer
from llmal.ledger.database import Database
from llmal.ledger.decisions import outcome
from llmal.ledger.entries import Decided
from llmal.ledger.recording import superseded
from llmal.ledger.rows import annotation_of, round_from_store
from llmal.ledger.translation import Reading, Void
from llmal.ledger.votes import Votes

_PAGE = 4096
_ITEMS_AT_ONCE = 500
_ALL_ROUNDS = 2**31 - 1


class Labels:
    """The labels that stand in a ledger.

    Annotations and decisions are only ever appended, so what was read once is not read again: a
    question costs the rows that are new since the last one, by whatever process they were written.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._reading: Reading | None = None
        self._all: dict[frozenset[Purpose], _Standing] = {}
        self._earlier: _Standing | None = None
        self._combines: Combines = MajorityVote()

    def combine_by(self, combines: Combines) -> None:
        """Combine the answers of several people so; see `Ledger.combine_by`."""
        with self._lock:
            self._combines = combines
            self._all, self._earlier = {}, None

    def standing(
        self, before_round: int | None, purposes: frozenset[Purpose], reading: Reading
    ) -> dict[str, Decided]:
        """The label of each item that has one; see `Ledger.labels`.

        Args:
            before_round: Only what earlier rounds have brought.
            purposes: What annotations were asked for.
            reading: What they say now.
        """
        with self._lock:
            return self._caught_up(before_round, purposes, reading).labels()

    def several_answers(
        self, before_round: int | None, purposes: frozenset[Purpose], reading: Reading
    ) -> dict[str, list[WorkerAnswer]]:
        """The answers of items that several people answered; see `Ledger.several_answers`."""
        with self._lock:
            return self._caught_up(before_round, purposes, reading).votes.of_several()

    def _caught_up(
        self, before_round: int | None, purposes: frozenset[Purpose], reading: Reading
    ) -> _Standing:
        if self._reading is not reading:
            self._reading, self._all, self._earlier = reading, {}, None
        how = (reading, self._combines)
        # Taken out while it is changed: one that an error has left half-way is made anew.
        latest = self._all.pop(purposes, None) or _Standing(purposes, None, *how)
        latest.catch_up(self._database)
        self._all[purposes] = latest
        if before_round is None or latest.last_round < before_round:
            return latest
        # Asked again and again while a round is under way, and always for the same round.
        asked, earlier = (purposes, before_round), self._earlier
        self._earlier = None
        if earlier is None or (earlier.purposes, earlier.before_round) != asked:
            earlier = _Standing(*asked, *how)
        earlier.catch_up(self._database)
        self._earlier = earlier
        return earlier


class _Standing:
    """The labels as of the last annotation and the last decision that were read."""

    def __init__(
        self,
        purposes: frozenset[Purpose],
        before_round: int | None,
        reading: Reading,
        combines: Combines,
    ) -> None:
        self._reading = reading
        self._combines = combines
        self.purposes = purposes
        self.before_round = before_round
        self.last_round = schema.NO_ROUND
        self._asked = {
            "purposes": sorted(purposes),
            "before_round": _ALL_ROUNDS if before_round is None else before_round,
        }
        self._decided: dict[str, Decided] = {}
        # By item, the number of the first annotation that gave it a label that counts.
        self._first: dict[str, int] = {}
        self._in_order = True
        self._revised: set[str] = set()
        # Items that more than one person has answered: all that was said of one is read together.
        self._several: set[str] = set()
        self.votes = Votes()
        # Who gave the answer of an item that the task cannot say any more.
        self._unsaid_by: dict[str, str] = {}
        self._last_annotation = 0
        self._last_decision = 0

    def labels(self) -> dict[str, Decided]:
        if not self._in_order:
            ids = sorted(self._decided, key=self._first.__getitem__)
            self._decided = {item_id: self._decided[item_id] for item_id in ids}
            self._in_order = True
        return dict(self._decided)

    def catch_up(self, database: Database) -> None:
        changed = self._decided_anew(database)
        if changed is None:
            return
        for page in self._new_annotations(database):
            # Which of a worker's answers stands, is seen only from all of them.
            self._revised.update(row.item_id for row in page if row.revision)
            changed.update(row.item_id for row in page if row.item_id in self._revised)
            self._take(page)
            changed.update(row.item_id for row in page if row.item_id in self._several)
            if page:
                self._last_annotation = page[-1].id
                self.last_round = max(self.last_round, *(row.round for row in page))
        known = set(self._several)
        self._read_anew(database, sorted(changed))
        # Only now it is seen that several people count: another's answer is not overruled any more.
        self._read_anew(database, sorted(self._several - known))
        self._combine(database, sorted(changed & self._several))

    def _take(self, rows: Sequence[sa.Row[*tuple[Any, ...]]]) -> None:
        """Let annotations count in the order in which they were recorded."""
        for row, answer in zip(rows, self._reading.answers(rows), strict=True):
            # Read at once: each access by name takes as long as the rest.
            number, item_id, _, kind, annotator, confidence, round, *_, decision = row
            human = kind == "human"
            if answer is None or (decision == "overruled" if human else decision != "accepted"):
                continue
            if isinstance(answer, Void) and answer is not Void.UNMAPPED:
                continue
            standing = self._decided.get(item_id)
            if standing is not None and not human and standing.kind == "human":
                continue
            if human and (
                standing is not None or item_id in self._several or item_id in self._unsaid_by
            ):
                self._hear(row, answer, standing)
            if isinstance(answer, Void):
                # The last word about the item, which the task cannot say any more: not the one
                # before it.
                self._decided.pop(item_id, None)
                if human:
                    self._unsaid_by[item_id] = annotator
                continue
            if standing is None:
                self._first[item_id] = number
            self._decided[item_id] = Decided(
                answer, kind, annotator, confidence, round_from_store(round)
            )

    def _hear(
        self, row: sa.Row[*tuple[Any, ...]], answer: Answer | Void, standing: Decided | None
    ) -> None:
        """Keep a vote, if others have said something about its item too."""
        before = self._unsaid_by.get(row.item_id, row.annotator)
        if standing is not None and standing.kind == "human":
            before = standing.annotator
        if before != row.annotator:
            self._several.add(row.item_id)
        if row.item_id not in self._several:
            return
        if isinstance(answer, Void):
            self.votes.unsay(row.item_id, row.annotator, row.created, row.task_version)
        else:
            vote = WorkerAnswer(row.annotator, answer, row.created, round_from_store(row.round))
            self.votes.say(row.item_id, vote, row.task_version)

    def _combine(self, database: Database, changed: Collection[str]) -> None:
        """Let the combined answer of several people stand."""
        if not changed:
            return
        several: dict[str, Sequence[WorkerAnswer]] = {}
        for item_id in changed:
            answers = self.votes.of(item_id)
            if len(answers) > 1:
                several[item_id] = answers
            elif answers:
                (one,) = answers
                self._decided[item_id] = Decided(one.answer, "human", one.worker, None, one.round)
            elif item_id in self._decided and self._decided[item_id].kind == "human":
                del self._decided[item_id]
        if not self._combines.by_item:
            several.update(self.votes.of_several())
        beliefs = self._beliefs(database, list(several)) if self._combines.reads_beliefs else {}
        for item_id, combined in self._combines.combine(several, beliefs).items():
            self._decided[item_id] = self._combined(several[item_id], combined)

    def _combined(self, answers: Sequence[WorkerAnswer], one: Combined) -> Decided:
        given = [answer for answer in answers if answer.answer == one.answer]
        return Decided(
            one.answer,
            "human",
            given[-1].worker if given else self._combines.name,
            one.confidence,
            (given or answers)[-1].round,
            answers=len(answers),
            distribution=one.distribution,
        )

    def _beliefs(
        self, database: Database, item_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, float]]:
        """The probabilities that a machine gave last for each item, for those that have any."""
        found: dict[str, Mapping[str, float]] = {}
        for start in range(0, len(item_ids), _ITEMS_AT_ONCE):
            some = item_ids[start : start + _ITEMS_AT_ONCE]
            with database.read() as connection:
                rows = connection.execute(_BELIEFS, {**self._asked, "item_ids": some}).all()
            present = self._reading.present(annotation_of(row) for row in rows)
            found.update((one.item_id, one.probabilities) for one in present if one.probabilities)
        return found

    def _decided_anew(self, database: Database) -> set[str] | None:
        """The items about whose annotations, of those that were read, something was decided.

        None if there is no new decision at all: then there is no new annotation either, as each
        comes with one.
        """
        asked = {"after": self._last_decision}
        with database.read() as connection:
            last, last_round = connection.execute(_LAST_DECISION, asked).one()
            if last is None:
                return None
            asked |= {"last": last, "read": self._last_annotation}
            items = connection.scalars(_DECIDED_ANEW, asked) if self._last_annotation else ()
            self._last_decision = last
            self.last_round = max(self.last_round, last_round)
            return set(items)

    def _new_annotations(self, database: Database) -> Iterator[Sequence[sa.Row[*tuple[Any, ...]]]]:
        while True:
            asked = {**self._asked, "after": self._last_annotation}
            with database.read() as connection:
                rows = connection.execute(_NEW, asked).all()
            yield rows
            if len(rows) < _PAGE:
                return

    def _read_anew(self, database: Database, item_ids: Sequence[str]) -> None:
        for start in range(0, len(item_ids), _ITEMS_AT_ONCE):
            some = item_ids[start : start + _ITEMS_AT_ONCE]
            with database.read() as connection:
                rows = connection.execute(_OF_ITEMS, {**self._asked, "item_ids": some}).all()
            for item_id in some:
                self._decided.pop(item_id, None)
                self._unsaid_by.pop(item_id, None)
            self.votes.forget(some)
            self._take(rows)
            self._in_order = False


_TABLE = schema.ANNOTATIONS.c
# Made once: to build a query takes longer than to find that nothing is new.
_READ = sa.select(
    _TABLE.id,
    _TABLE.item_id,
    _TABLE.answer,
    _TABLE.kind,
    _TABLE.annotator,
    _TABLE.confidence,
    _TABLE.round,
    _TABLE.revision,
    _TABLE.task_version,
    _TABLE.content,
    _TABLE.created,
    outcome(sa.bindparam("before_round")).label("outcome"),
).where(_TABLE.round < sa.bindparam("before_round"))
_OF_PURPOSES = _TABLE.purpose.in_(sa.bindparam("purposes", expanding=True))
_NEW = (
    _READ.where(
        _TABLE.id > sa.bindparam("after"),
        # A revision may take a label away, so those without an answer are read too.
        sa.or_(_TABLE.revision > 0, sa.and_(_OF_PURPOSES, _TABLE.answer.is_not(None))),
    )
    .order_by(_TABLE.id)
    .limit(_PAGE)
)
_OF_ITEMS = _READ.where(
    _TABLE.item_id.in_(sa.bindparam("item_ids", expanding=True)), _OF_PURPOSES, ~superseded()
).order_by(_TABLE.id)
_BELIEFS = (
    sa.select(schema.ANNOTATIONS)
    .where(
        _TABLE.item_id.in_(sa.bindparam("item_ids", expanding=True)),
        _TABLE.round < sa.bindparam("before_round"),
        _TABLE.kind != "human",
        _TABLE.probabilities.is_not(None),
        _OF_PURPOSES,
        ~superseded(),
    )
    .order_by(_TABLE.id)
)
_DECISIONS = schema.DECISIONS.c
_LAST_DECISION = sa.select(sa.func.max(_DECISIONS.id), sa.func.max(_DECISIONS.round)).where(
    _DECISIONS.id > sa.bindparam("after")
)
_DECIDED_ANEW = (
    sa.select(_TABLE.item_id)
    .join_from(schema.DECISIONS, schema.ANNOTATIONS, _DECISIONS.annotation == _TABLE.id)
    .where(
        _DECISIONS.id > sa.bindparam("after"),
        _DECISIONS.id <= sa.bindparam("last"),
        _TABLE.id <= sa.bindparam("read"),
    )
    .distinct()
)
