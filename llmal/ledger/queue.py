"""The queue of what people are asked."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from llmal.core.records import Annotation, Answer
from llmal.errors import LedgerError
from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import QueueEntry
from llmal.ledger.recording import record, superseded
from llmal.ledger.rows import annotation_row, round_from_store, round_to_store


class Queue:
    """Items that were written out for people, in named queues.

    An item may be asked about in several rounds. It is then in the queue once for each.

    Got from `Ledger.queue`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, queue: str, item_ids: Sequence[str], round: int | None) -> int:
        """Add items for a round, in this order; those already there for it are left as they are.

        Returns:
            How many were new.
        """
        stored = round_to_store(round)
        rows = [{"queue": queue, "item_id": one, "round": stored} for one in item_ids]
        with self._database.write() as connection:
            return self._database.insert_new(connection, schema.QUEUE, rows)

    def open(self, queue: str) -> list[str]:
        """The unanswered items in order of insertion, leased or not."""
        table = schema.QUEUE
        query = sa.select(table.c.item_id).where(_is_open(queue)).order_by(table.c.id)
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def entries(self, queue: str | None = None) -> list[QueueEntry]:
        """What was put into a queue, or into all, in order of insertion, answered or not."""
        table = schema.QUEUE
        query = sa.select(table).order_by(table.c.id)
        if queue is not None:
            query = query.where(table.c.queue == queue)
        with self._database.read() as connection:
            return [
                QueueEntry(
                    row.queue,
                    row.item_id,
                    round_from_store(row.round),
                    row.answered,
                )
                for row in connection.execute(query)
            ]

    def answers(self, stage: str, worker: str) -> dict[str, Answer | None]:
        """The last answer of a worker at a stage to each item that it answered, by item; None for
        one that was skipped.
        """
        table = schema.ANNOTATIONS
        query = sa.select(table.c.item_id, table.c.answer)
        query = query.where(table.c.stage == stage, table.c.annotator == worker, ~superseded())
        query = query.order_by(table.c.id)
        with self._database.read() as connection:
            return {row.item_id: row.answer for row in connection.execute(query)}

    def answer(self, queue: str, annotations: Sequence[Annotation]) -> int:
        """Record annotations and mark what they answer, all of it or, on any failure, nothing.

        An annotation answers the entry of its item and its round. A second answer to the same entry
        is recorded too where it comes from another annotator.

        Returns:
            How many annotations were new to the ledger.

        Raises:
            LedgerError: An item was never put into this queue for the round of its annotation.
        """
        if not annotations:
            return 0
        table = schema.QUEUE
        rows = [annotation_row(one) for one in annotations]
        with self._database.write() as connection:
            new = record(self._database, connection, rows)
            for row in rows:
                marked = connection.execute(
                    sa.update(table)
                    .where(
                        table.c.queue == queue,
                        table.c.item_id == row["item_id"],
                        table.c.round == row["round"],
                    )
                    .values(answered=sa.func.coalesce(table.c.answered, row["created"]))
                )
                if not marked.rowcount:
                    raise LedgerError(
                        f"item {row['item_id']!r} is not in the queue {queue!r} for round "
                        f"{row['round'] if row['round'] >= 0 else None}, and nothing of this "
                        "batch was recorded",
                        where=self._database.where,
                        fix="put it there first, and give its annotation the same round",
                    )
        return new


def _is_open(queue: str) -> sa.ColumnElement[bool]:
    """Unanswered, and the item's oldest such entry, so that its row stands for the item."""
    table = schema.QUEUE
    older = table.alias("older")
    earlier_round = sa.exists().where(
        older.c.queue == table.c.queue,
        older.c.item_id == table.c.item_id,
        older.c.answered.is_(None),
        # Not `older.id < id`: SQLite would then search the whole queue by id for every entry.
        table.c.id - older.c.id > 0,
    )
    return sa.and_(table.c.queue == queue, table.c.answered.is_(None), ~earlier_round)
