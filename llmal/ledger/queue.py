"""The queue of what people are asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from llmal.core.records import Annotation
from llmal.errors import LedgerError
from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import QueueCounts, QueueEntry
from llmal.ledger.recording import record, superseded
from llmal.ledger.rows import annotation_row, round_from_store, round_to_store

Clock = Callable[[], float]


class Queue:
    """Items that wait for people, in named queues, with leases.

    A lease keeps an item for one worker until it runs out, so that several people can label from
    one queue without doing the same work twice. It is a courtesy, not a right: an answer that comes
    after the lease has run out is recorded like any other.

    An item may be asked about in several rounds. It is then in the queue once for each, and the
    earlier round has to be answered before the later one is given out.

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
                    row.worker,
                    row.leased_until,
                    row.answered,
                )
                for row in connection.execute(query)
            ]

    def answers(self, queue: str) -> dict[str, str | None]:
        """The last answer to each item that was answered, by item; None for one that was skipped.

        Those of the annotator that is called like the queue.
        """
        table = schema.ANNOTATIONS
        query = sa.select(table.c.item_id, table.c.answer)
        query = query.where(table.c.annotator == queue, ~superseded()).order_by(table.c.id)
        with self._database.read() as connection:
            return {row.item_id: row.answer for row in connection.execute(query)}

    def lease(
        self, queue: str, worker: str, n: int, seconds: float, now: Clock = time.time
    ) -> list[str]:
        """Take up to n items that nobody has, in order of insertion.

        No item is given to two workers at once, by whatever number of processes. What a worker
        holds already is not given again before its lease has run out.

        Args:
            queue: Name of the queue.
            worker: Who takes them.
            n: How many at most.
            seconds: How long they are kept for this worker.
            now: The clock, in Unix seconds.

        Raises:
            LedgerError: `seconds` is not positive.
        """
        if not seconds > 0:
            raise LedgerError(
                f"a lease of {seconds} seconds keeps nothing", fix="lease for longer than 0 seconds"
            )
        if n < 1:
            return []
        table = schema.QUEUE
        with self._database.write() as connection:
            # Read once the write lock is held: waiting for it must not eat from the lease.
            moment = now()
            query = (
                sa.select(table.c.id, table.c.item_id)
                .where(_is_open(queue), _is_free(moment))
                .order_by(table.c.id)
                .limit(n)
                # PostgreSQL: rows that another worker is taking right now are passed over. SQLite
                # has no such clause and needs none, its transaction excludes other writers.
                .with_for_update(skip_locked=True, of=table)
            )
            taken = connection.execute(query).all()
            if taken:
                connection.execute(
                    sa.update(table)
                    .where(table.c.id == sa.bindparam("taken"))
                    .values(worker=worker, leased_until=moment + seconds),
                    [{"taken": row.id} for row in taken],
                )
        return [row.item_id for row in taken]

    def release(self, queue: str, worker: str, item_ids: Sequence[str]) -> None:
        """Give items back before the lease has run out. Those of other workers are left alone."""
        if not item_ids:
            return
        table = schema.QUEUE
        with self._database.write() as connection:
            connection.execute(
                sa.update(table)
                .where(
                    table.c.queue == queue,
                    table.c.worker == worker,
                    table.c.item_id == sa.bindparam("given_back"),
                    table.c.answered.is_(None),
                )
                .values(worker=None, leased_until=None),
                [{"given_back": one} for one in item_ids],
            )

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

    def counts(self, queue: str, now: Clock = time.time) -> QueueCounts:
        """How many entries of a queue are free, leased and answered."""
        table = schema.QUEUE
        answered = table.c.answered.is_not(None)
        free = table.c.answered.is_(None) & _is_free(now())
        query = sa.select(
            sa.func.count(),
            sa.func.count(sa.case((answered, 1))),
            sa.func.count(sa.case((free, 1))),
        ).where(table.c.queue == queue)
        with self._database.read() as connection:
            total, done, waiting = connection.execute(query).one()
        return QueueCounts(free=waiting, leased=total - done - waiting, answered=done)


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


def _is_free(moment: float) -> sa.ColumnElement[bool]:
    until = schema.QUEUE.c.leased_until
    return sa.or_(until.is_(None), until <= moment)
