"""The rounds of a run: what each picked, and how it ended."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from llmal.errors import LedgerError
from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import Round
from llmal.ledger.rows import round_to_store, score_from_store, score_to_store


class Rounds:
    """Writes and reads the rounds of a ledger.

    A finished round never changes, so it is read once; a look at the rounds costs those that were
    not finished at the last one.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._finished: list[Round] = []

    def start(
        self,
        number: int,
        *,
        phase: str,
        selector: str,
        item_ids: Sequence[str],
        scores: Sequence[float],
        why: Sequence[str],
    ) -> None:
        """Record what a round is going to ask; see `Ledger.start_round`."""
        if not len(item_ids) == len(scores) == len(why):
            raise LedgerError(
                f"round {number} has {len(item_ids)} items, {len(scores)} scores and {len(why)} "
                "reasons",
                where=self._database.where,
                fix="give one score and one reason for each item",
            )
        stored = round_to_store(number)
        row = {"number": stored, "phase": phase, "selector": selector, "started": time.time()}
        picks = [
            {
                "round": stored,
                "position": position,
                "item_id": item_id,
                "score": score_to_store(score),
                "why": reason,
            }
            for position, (item_id, score, reason) in enumerate(
                zip(item_ids, scores, why, strict=True)
            )
        ]
        with self._database.write() as connection:
            if not self._database.insert_new(connection, schema.ROUNDS, [row]):
                raise LedgerError(
                    f"round {number} was started before",
                    where=self._database.where,
                    fix="go on with it, or start the next number",
                )
            if picks:
                connection.execute(sa.insert(schema.PICKS), picks)

    def finish(self, number: int, metrics: Mapping[str, Any]) -> None:
        """Record that a round has ended; see `Ledger.finish_round`."""
        stored = round_to_store(number)
        row = {"number": stored, "finished": time.time(), "metrics": metrics}
        started = sa.select(schema.ROUNDS.c.number).where(schema.ROUNDS.c.number == stored)
        with self._database.write() as connection:
            if connection.scalar(started) is None:
                raise LedgerError(
                    f"round {number} cannot be finished, it was never started",
                    where=self._database.where,
                )
            if not self._database.insert_new(connection, schema.ROUND_ENDS, [row]):
                raise LedgerError(
                    f"round {number} was finished before, and its figures stay as they are",
                    where=self._database.where,
                )

    def all(self) -> list[Round]:
        """All rounds by number, each with what it picked."""
        with self._lock:
            known = len(self._finished)
            # Only a beginning without gaps is kept: a lower number may still be started.
            new = self._read(known)
            for number, one in enumerate(new, start=known):
                if one.number != number or one.finished is None:
                    break
                self._finished.append(one)
            return [*self._finished[:known], *new]

    def _read(self, first: int) -> list[Round]:
        """The rounds from a number on."""
        columns: dict[int, tuple[list[str], list[float], list[str]]] = defaultdict(
            lambda: ([], [], [])
        )
        with self._database.read() as connection:
            started = connection.execute(_ROUNDS, {"first": first}).all()
            picks = connection.execute(_PICKS, {"first": first}) if started else ()
            for number, _, item_id, score, reason in picks:
                item_ids, scores, why = columns[number]
                item_ids.append(item_id)
                scores.append(score_from_store(score))
                why.append(reason)
        return [
            Round(
                number=row.number,
                phase=row.phase,
                selector=row.selector,
                item_ids=tuple(columns[row.number][0]),
                scores=tuple(columns[row.number][1]),
                why=tuple(columns[row.number][2]),
                started=row.started,
                finished=row.finished,
                metrics={} if row.metrics is None else row.metrics,
            )
            for row in started
        ]


# Made once: to build a query takes longer than to find that nothing is new.
_ROUNDS = (
    sa.select(schema.ROUNDS, schema.ROUND_ENDS.c.finished, schema.ROUND_ENDS.c.metrics)
    .join_from(
        schema.ROUNDS,
        schema.ROUND_ENDS,
        schema.ROUNDS.c.number == schema.ROUND_ENDS.c.number,
        isouter=True,
    )
    .where(schema.ROUNDS.c.number >= sa.bindparam("first"))
    .order_by(schema.ROUNDS.c.number)
)
_PICKS = (
    sa.select(schema.PICKS)
    .where(schema.PICKS.c.round >= sa.bindparam("first"))
    .order_by(schema.PICKS.c.round, schema.PICKS.c.position)
)
