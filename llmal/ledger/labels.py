"""The label of each item, kept up to date by reading what was recorded since the last look."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from llmal.core.records import Purpose
from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.decisions import outcome
from llmal.ledger.entries import Decided
from llmal.ledger.recording import superseded
from llmal.ledger.rows import round_from_store

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
        self._all: dict[frozenset[Purpose], _Standing] = {}
        self._earlier: _Standing | None = None

    def standing(
        self, before_round: int | None, purposes: frozenset[Purpose]
    ) -> dict[str, Decided]:
        """The label of each item that has one; see `Ledger.labels`."""
        with self._lock:
            latest = self._all.setdefault(purposes, _Standing(purposes, None))
            latest.catch_up(self._database)
            if before_round is None or latest.last_round < before_round:
                return latest.labels()
            # Asked again and again while a round is under way, and always for the same round.
            asked, earlier = (purposes, before_round), self._earlier
            if earlier is None or (earlier.purposes, earlier.before_round) != asked:
                earlier = self._earlier = _Standing(*asked)
            earlier.catch_up(self._database)
            return earlier.labels()


@dataclass
class _Label:
    first: int
    """The number of the first annotation that gave the item a label that counts."""
    decided: Decided


class _Standing:
    """The labels as of the last annotation and the last decision that were read."""

    def __init__(self, purposes: frozenset[Purpose], before_round: int | None) -> None:
        self.purposes = purposes
        self.before_round = before_round
        self.last_round = schema.NO_ROUND
        self._asked = {
            "purposes": sorted(purposes),
            "before_round": _ALL_ROUNDS if before_round is None else before_round,
        }
        self._labels: dict[str, _Label] = {}
        self._in_order = True
        self._revised: set[str] = set()
        self._last_annotation = 0
        self._last_decision = 0

    def labels(self) -> dict[str, Decided]:
        if not self._in_order:
            self._labels = dict(sorted(self._labels.items(), key=lambda one: one[1].first))
            self._in_order = True
        return {item_id: one.decided for item_id, one in self._labels.items()}

    def catch_up(self, database: Database) -> None:
        changed = self._decided_anew(database)
        if changed is None:
            return
        for page in self._new_annotations(database):
            for row in page:
                self._last_annotation = row.id
                self.last_round = max(self.last_round, row.round)
                if row.revision or row.item_id in self._revised:
                    # Which of a worker's answers stands, is seen only from all of them.
                    self._revised.add(row.item_id)
                    changed.add(row.item_id)
                elif _counts(row):
                    self._take(self._labels, row)
        self._read_anew(database, sorted(changed))

    def _take(self, labels: dict[str, _Label], row: sa.Row[*tuple[Any, ...]]) -> None:
        standing = labels.get(row.item_id)
        if standing is None:
            labels[row.item_id] = _Label(row.id, _decided(row))
        elif row.kind == "human" or standing.decided.kind != "human":
            standing.decided = _decided(row)

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
            labels: dict[str, _Label] = {}
            with database.read() as connection:
                rows = connection.execute(_OF_ITEMS, {**self._asked, "item_ids": some}).all()
            for row in rows:
                if _counts(row):
                    self._take(labels, row)
            for item_id in some:
                self._labels.pop(item_id, None)
            self._labels.update(labels)
            self._in_order = False


def _counts(row: sa.Row[*tuple[Any, ...]]) -> bool:
    if row.answer is None or row.outcome == "overruled":
        return False
    return bool(row.kind == "human" or row.outcome == "accepted")


def _decided(row: sa.Row[*tuple[Any, ...]]) -> Decided:
    return Decided(row.answer, row.kind, row.annotator, row.confidence, round_from_store(row.round))


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
