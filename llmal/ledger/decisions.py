"""What rules have decided about annotations; a later decision takes the place of an earlier one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from llmal.core.records import Annotation, Outcome
from llmal.errors import LedgerError
from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import RecordedDecision
from llmal.ledger.rows import annotation_row, round_from_store, round_to_store

_AT_ONCE = 4096


class Decisions:
    """Writes and reads the decisions of a ledger.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, rule: str, outcomes: Sequence[tuple[Annotation, Outcome]], round: int | None
    ) -> int:
        """Record what a rule decides; see `Ledger.decide`."""
        if rule == schema.ROUTER:
            raise LedgerError(
                f"{rule!r} decides when an annotation is recorded, and never again",
                where=self._database.where,
                fix="give the rule another name",
            )
        stored, now = round_to_store(round), time.time()
        with self._database.write() as connection:
            self._database.keep_order(connection)
            rows = []
            for one, outcome in outcomes:
                key = {name: value for name, value in annotation_row(one).items() if name in _KEY}
                latest = connection.execute(_LATEST, key).first()
                if latest is None:
                    raise LedgerError(
                        f"the annotation of item {one.item_id!r} by {one.annotator!r} is not in "
                        "the ledger, and nothing of this batch was recorded",
                        where=self._database.where,
                        fix="append it first",
                    )
                if (latest.rule, latest.outcome) == (rule, outcome):
                    continue
                rows.append(
                    {
                        "annotation": latest.id,
                        "rule": rule,
                        "outcome": outcome,
                        "round": stored,
                        "time": now,
                    }
                )
            if rows:
                connection.execute(sa.insert(schema.DECISIONS), rows)
        return len(rows)

    def all(self) -> Iterator[RecordedDecision]:
        """All decisions in the order in which they were made, read page by page."""
        after = 0
        while True:
            with self._database.read() as connection:
                rows = connection.execute(_PAGE, {"after": after}).all()
            for row in rows:
                yield RecordedDecision(
                    item_id=row.item_id,
                    stage=row.stage,
                    annotator=row.annotator,
                    annotation_round=round_from_store(row.annotation_round),
                    revision=row.revision,
                    rule=row.rule,
                    outcome=row.outcome,
                    round=round_from_store(row.round),
                    time=row.time,
                )
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].id


def outcome(before_round: sa.BindParameter[Any] | None = None) -> sa.ColumnElement[Any]:
    """The latest decision about a row of the annotations.

    Args:
        before_round: Leave out decisions of this round and later ones.
    """
    table, annotations = schema.DECISIONS, schema.ANNOTATIONS
    query = sa.select(table.c.outcome).where(
        table.c.annotation == annotations.c.id, schema.LATER_DECISION
    )
    if before_round is not None:
        query = query.where(table.c.round < before_round)
    later = query.order_by(table.c.id.desc()).limit(1).correlate(annotations).scalar_subquery()
    return sa.func.coalesce(later, annotations.c.decision)


_KEY = ("item_id", "stage", "annotator", "round", "revision")
_TABLE = schema.ANNOTATIONS
# Made once: to build a query takes longer than to run it.
_LATEST = (
    sa.select(_TABLE.c.id, schema.DECISIONS.c.rule, schema.DECISIONS.c.outcome)
    .join_from(
        _TABLE,
        schema.DECISIONS,
        sa.and_(schema.DECISIONS.c.annotation == _TABLE.c.id, schema.LATER_DECISION),
        isouter=True,
    )
    .where(*(_TABLE.c[name] == sa.bindparam(name) for name in _KEY))
    .order_by(schema.DECISIONS.c.id.desc())
    .limit(1)
)
_PAGE = (
    sa.select(
        schema.DECISIONS,
        _TABLE.c.item_id,
        _TABLE.c.stage,
        _TABLE.c.annotator,
        _TABLE.c.round.label("annotation_round"),
        _TABLE.c.revision,
    )
    .join_from(schema.DECISIONS, _TABLE, schema.DECISIONS.c.annotation == _TABLE.c.id)
    .where(schema.DECISIONS.c.id > sa.bindparam("after"))
    .order_by(schema.DECISIONS.c.id)
    .limit(_AT_ONCE)
)
