"""How annotations are recorded: with what was decided about them, and with what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from llmal.core.records import Annotation
from llmal.errors import AnnotationError, LedgerError
from llmal.ledger import schema, totals
from llmal.ledger.database import Database
from llmal.ledger.rows import annotation_of, annotation_row
from llmal.ledger.translation import Reading, Void


def record(database: Database, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert annotations that are new, each with its decision, and add them to the totals.

    Returns:
        How many were new.
    """
    database.keep_order(connection)
    before = connection.scalar(_LAST) or 0
    new = database.insert_new(connection, schema.ANNOTATIONS, rows)
    if new:
        connection.execute(_DECIDE, {"rule": schema.ROUTER, "after": before})
        totals.add_annotations(connection, before)
    return new


def renew(
    database: Database,
    connection: sa.Connection,
    rows: Sequence[Mapping[str, Any]],
    reading: Reading,
) -> int:
    """Record answers whose keys have one that says nothing any more, as revisions of those.

    Returns:
        How many were recorded.
    """
    if reading.is_plain:
        return 0
    new = 0
    for row in rows:
        stored = connection.execute(_REVISIONS, {name: row[name] for name in _KEY[:-1]}).all()
        last = stored[-1]
        # The same answer told again is no answer to what has changed since.
        told_before = row["created"] in [one.created for one in stored]
        if not told_before and isinstance(reading.read(annotation_of(last)), Void):
            new += record(database, connection, [{**row, "revision": last.revision + 1}])
    return new


def refuse_other_answers(
    connection: sa.Connection, rows: Sequence[Mapping[str, Any]], reading: Reading
) -> None:
    """See that the answers of rows are those that are recorded under the same keys.

    Raises:
        AnnotationError: One is not.
    """
    for row in rows:
        stored = connection.execute(_OF_KEY, {name: row[name] for name in _KEY}).one()
        now = reading.read(annotation_of(stored))
        if now != row["answer"] and not isinstance(now, Void):
            raise AnnotationError(
                f"{row['annotator']!r} has answered {now!r} for item {row['item_id']!r} "
                f"before, and now {row['answer']!r}; nothing of this batch was recorded",
                fix="to change an answer, use Campaign.correct or llmal relabel",
            )


def revise(database: Database, annotations: Sequence[Annotation], reading: Reading) -> int:
    """Record answers that take the place of earlier ones; see `Ledger.revise`.

    Args:
        database: Where they are.
        annotations: What is recorded.
        reading: What the earlier ones say now.
    """
    new = 0
    with database.write() as connection:
        database.keep_order(connection)
        for one in annotations:
            asked = {"item_id": one.item_id, "annotator": one.annotator, "stage": one.stage}
            row = connection.execute(_EARLIER if one.stage else _EARLIER_ANYWHERE, asked).first()
            if row is None:
                raise LedgerError(
                    f"{one.annotator!r} has given no answer about item {one.item_id!r} that could "
                    "be revised; nothing of this batch was recorded",
                    where=database.where,
                    fix="append the answer instead",
                )
            earlier = annotation_of(row)
            if reading.read(earlier) == one.label:
                continue
            made = replace(
                one,
                round=earlier.round,
                stage=earlier.stage,
                purpose=earlier.purpose,
                revision=earlier.revision + 1,
            )
            new += record(database, connection, [annotation_row(made)])
    return new


def superseded(table: sa.FromClause = schema.ANNOTATIONS) -> sa.ColumnElement[bool]:
    """Whether the same worker has revised an annotation."""
    newer = schema.ANNOTATIONS.alias("newer")
    return (
        sa.exists()
        .where(
            newer.c.item_id == table.c.item_id,
            newer.c.stage == table.c.stage,
            newer.c.annotator == table.c.annotator,
            newer.c.round == table.c.round,
            newer.c.revision > table.c.revision,
        )
        .correlate(table)
    )


_TABLE = schema.ANNOTATIONS
_KEY = ("item_id", "stage", "annotator", "round", "revision")
_OF_KEY = sa.select(_TABLE).where(*(_TABLE.c[one] == sa.bindparam(one) for one in _KEY))
_REVISIONS = (
    sa.select(_TABLE)
    .where(*(_TABLE.c[one] == sa.bindparam(one) for one in _KEY[:-1]))
    .order_by(_TABLE.c.revision)
)
_LAST = sa.select(sa.func.max(_TABLE.c.id))
_DECIDE = sa.text(
    "INSERT INTO decisions (annotation, rule, outcome, round, time) "
    "SELECT id, :rule, decision, round, created FROM annotations WHERE id > :after ORDER BY id"
)
_EARLIER_ANYWHERE = (
    sa.select(_TABLE)
    .where(
        _TABLE.c.item_id == sa.bindparam("item_id"),
        _TABLE.c.annotator == sa.bindparam("annotator"),
        ~superseded(),
    )
    .order_by(_TABLE.c.id.desc())
    .limit(1)
)
_EARLIER = _EARLIER_ANYWHERE.where(_TABLE.c.stage == sa.bindparam("stage"))
