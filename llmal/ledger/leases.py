"""Leases: who is working at which item at the moment, so that nobody does it in vain."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from llmal.errors import LedgerError
from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import Lease
from llmal.ledger.rows import round_from_store, round_to_store

Clock = Callable[[], float]


class Leases:
    """Items that are kept for one worker for a while, at a stage of the router and in a round.

    A lease is a courtesy, not a right: an answer that comes after it has run out is recorded like
    any other. Who has answered is read from the annotations, so that answers that came without a
    lease count as well.

    Got from `Ledger.leases`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(
        self,
        stage: str,
        worker: str,
        wanted: Mapping[str, int],
        *,
        round: int | None,
        seconds: float,
        at_most: int | None = None,
        now: Clock = time.time,
    ) -> list[str]:
        """Keep items for a worker: first those that the worker has already, then others.

        An item is given to no more workers at once than answers of it are still wanted, by whatever
        number of processes, and never to a worker who has answered it.

        Args:
            stage: Where in the router they are answered.
            worker: Who takes them.
            wanted: For each item, in the order in which they are given out, how many different
                workers are to answer it in all.
            round: The round that asks; None outside a run.
            seconds: How long they are kept; those that the worker has already, from now on again.
            at_most: How many at most; by default all.
            now: The clock, in Unix seconds.

        Returns:
            The items, in the order of `wanted`.

        Raises:
            LedgerError: `seconds` is not positive.
        """
        if not seconds > 0:
            raise LedgerError(
                f"a lease of {seconds} seconds keeps nothing", fix="lease for longer than 0 seconds"
            )
        most = len(wanted) if at_most is None else min(at_most, len(wanted))
        if most < 1:
            return []
        asked = {"stage": stage, "round": round_to_store(round)}
        with self._database.write() as connection:
            self._database.one_at_a_time(connection, schema.LEASES)
            # Read once the lock is held: waiting for it must not eat from the lease.
            moment = now()
            answered = _workers(connection.execute(_ANSWERED, asked))
            holding = _workers(connection.execute(_HELD, {**asked, "moment": moment}))
            own: list[str] = []
            free: list[str] = []
            for item_id, count in wanted.items():
                done, held = answered[item_id], holding[item_id] - answered[item_id]
                if worker in done:
                    continue
                if worker in held:
                    own.append(item_id)
                elif len(done) + len(held) < count:
                    free.append(item_id)
            taken = {*own[:most], *free[: max(0, most - len(own))]}
            given = [one for one in wanted if one in taken]
            rows = [
                {**asked, "item_id": one, "worker": worker, "until": moment + seconds}
                for one in given
            ]
            if rows:
                connection.execute(_EXTEND, rows)
                self._database.insert_new(connection, schema.LEASES, rows)
        return given

    def release(
        self, stage: str, worker: str, item_ids: Sequence[str], *, round: int | None
    ) -> None:
        """Give items back before the lease has run out. Those of other workers are left alone."""
        if not item_ids:
            return
        asked = {"stage": stage, "round": round_to_store(round), "worker": worker}
        with self._database.write() as connection:
            connection.execute(_RELEASE, [{**asked, "item_id": one} for one in item_ids])

    def all(self) -> list[Lease]:
        """All leases, those that have run out among them, in the order of their ends."""
        table = schema.LEASES
        query = sa.select(table).order_by(table.c.until, table.c.item_id, table.c.worker)
        with self._database.read() as connection:
            return [
                Lease(row.stage, row.item_id, round_from_store(row.round), row.worker, row.until)
                for row in connection.execute(query)
            ]


def _workers(rows: Iterable[sa.Row[*tuple[Any, ...]]]) -> defaultdict[str, set[str]]:
    """The workers of each item."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for item_id, worker in rows:
        found[item_id].add(worker)
    return found


_LEASES, _ANNOTATIONS = schema.LEASES.c, schema.ANNOTATIONS.c
# Made once: to build a query takes longer than to run it.
_HELD = sa.select(_LEASES.item_id, _LEASES.worker).where(
    _LEASES.stage == sa.bindparam("stage"),
    _LEASES.round == sa.bindparam("round"),
    _LEASES.until > sa.bindparam("moment"),
)
_ANSWERED = sa.select(_ANNOTATIONS.item_id, _ANNOTATIONS.annotator).where(
    _ANNOTATIONS.stage == sa.bindparam("stage"), _ANNOTATIONS.round == sa.bindparam("round")
)
_EXTEND = sa.text(
    "UPDATE leases SET until = :until "
    "WHERE stage = :stage AND round = :round AND item_id = :item_id AND worker = :worker"
)
_RELEASE = sa.text(
    "DELETE FROM leases "
    "WHERE stage = :stage AND round = :round AND item_id = :item_id AND worker = :worker"
)
