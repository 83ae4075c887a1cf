"""The label of each item, kept up to date by reading what was recorded since the last look."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import Decided
from llmal.ledger.rows import round_from_store

_PAGE = 4096


class Labels:
    """The labels that stand in a ledger.

    Annotations are only ever appended, so what was read once is not read again: a question costs
    the rows that are new since the last one, by whatever process they were written.

    Args:
        database: Where the annotations are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._all = _Standing(None)
        self._earlier: _Standing | None = None

    def standing(self, before_round: int | None) -> dict[str, Decided]:
        """The label of each item that has one; see `Ledger.labels`."""
        with self._lock:
            self._all.catch_up(self._database)
            if before_round is None or self._all.last_round < before_round:
                return dict(self._all.decided)
            # Asked again and again while a round is under way, and always for the same round.
            if self._earlier is None or self._earlier.before_round != before_round:
                self._earlier = _Standing(before_round)
            self._earlier.catch_up(self._database)
            return dict(self._earlier.decided)


class _Standing:
    """The labels as of the last annotation that was read."""

    def __init__(self, before_round: int | None) -> None:
        self.before_round = before_round
        self.decided: dict[str, Decided] = {}
        self.last_round = schema.NO_ROUND
        self._last_id = 0

    def catch_up(self, database: Database) -> None:
        for row in self._new_rows(database):
            self._last_id = row.id
            self.last_round = max(self.last_round, row.round)
            before = self.decided.get(row.item_id)
            if before is None or row.kind == "human" or before.kind != "human":
                self.decided[row.item_id] = Decided(
                    row.label,
                    row.kind,
                    row.annotator,
                    row.confidence,
                    round_from_store(row.round),
                )

    def _new_rows(self, database: Database) -> Iterator[sa.Row[*tuple[Any, ...]]]:
        query = _NEW if self.before_round is None else _NEW_OF_EARLIER_ROUNDS
        while True:
            asked = {"after": self._last_id, "before_round": self.before_round}
            with database.read() as connection:
                rows = connection.execute(query, asked).all()
            yield from rows
            if len(rows) < _PAGE:
                return


_TABLE = schema.ANNOTATIONS.c
# Made once: to build a query takes longer than to find that nothing is new.
_NEW = (
    sa.select(
        _TABLE.id,
        _TABLE.item_id,
        _TABLE.label,
        _TABLE.kind,
        _TABLE.annotator,
        _TABLE.confidence,
        _TABLE.round,
    )
    .where(
        _TABLE.label.is_not(None),
        sa.or_(_TABLE.kind == "human", _TABLE.decision == "accepted"),
        _TABLE.id > sa.bindparam("after"),
    )
    .order_by(_TABLE.id)
    .limit(_PAGE)
)
_NEW_OF_EARLIER_ROUNDS = _NEW.where(_TABLE.round < sa.bindparam("before_round"))
