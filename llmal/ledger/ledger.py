"""The durable record of a run."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa

from llmal.core.records import Annotation, AnnotatorKind, SyntheticItem, Usage
from llmal.errors import LedgerError
from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import Decided, Expense, LoggedEvent, Round
from llmal.ledger.labels import Labels
from llmal.ledger.queue import Queue
from llmal.ledger.rounds import Rounds
from llmal.ledger.rows import (
    USAGE_FIELDS,
    annotation_of,
    annotation_row,
    round_to_store,
    synthetic_of,
    synthetic_row,
    usage_of,
    usage_row,
)

_PAGE = 4096


class Ledger:
    """Everything of a run that cost money or attention, kept before anything depends on it.

    What is written is durable when the call returns: SQLite runs with a write-ahead log and
    `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`. Each call is one transaction, so
    a process that is killed leaves all of it or nothing. Nothing is changed once written, but for
    the state of the queue. Several processes and threads may use one ledger at once.

    Every method raises `LedgerError` where the database refuses: a full disk, a read-only place, a
    lock held for longer than the timeout, a damaged file, a server that cannot be reached. After
    such an error the ledger can go on being used.

    Open one with `Ledger.open`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._labels = Labels(database)
        self._rounds = Rounds(database)
        self.queue = Queue(database)

    @classmethod
    def open(
        cls, path_or_url: str | Path, *, timeout: float = 30.0, read_only: bool = False
    ) -> Ledger:
        """Open a ledger, creating it and its directory where there is none.

        Args:
            path_or_url: Path of an SQLite file, or the URL of a PostgreSQL database
                ("postgresql+psycopg://user@host/database"). A database holds one ledger; several
                fit in schemas of their own ("?options=-csearch_path%3Dname").
            timeout: Seconds to wait for another process that writes.
            read_only: Create nothing and refuse to write. The directory may be read-only then.

        Raises:
            LedgerError: The place cannot be used, holds something else, or was written by a newer
                llmal.
        """
        return cls(Database(path_or_url, timeout, read_only=read_only))

    def close(self) -> None:
        """Close the ledger. Closing twice does nothing."""
        self._database.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def identity(self) -> dict[str, str]:
        """What the ledger was bound to; empty before the first `bind`."""
        with self._database.read() as connection:
            return _identity(connection)

    def bind(self, **identity: str) -> None:
        """Tie the ledger to what it is a record of, such as the fingerprint of the task.

        Fields that are new are stored, those that are stored are compared. A mismatch stores
        nothing.

        Raises:
            LedgerError: A field differs from what was stored; the message names it.
        """
        rows = [{"field": name, "value": value} for name, value in identity.items()]
        with self._database.write() as connection:
            # Stored first and compared after: of two processes that bind at once, the second finds
            # what the first one stored.
            self._database.insert_new(connection, schema.IDENTITY, rows)
            stored = _identity(connection)
            for name, value in identity.items():
                if stored[name] != value:
                    raise self._belongs_elsewhere(name, stored[name], value)

    def _belongs_elsewhere(self, name: str, was: str, now: str) -> LedgerError:
        path = self._database.path
        what = f"run directory {path.parent}" if path else f"ledger {self._database.where}"
        other = name.removesuffix("_fingerprint").replace("_", " ")
        return LedgerError(
            f"{what} belongs to another {other} ({name} was {was}, is {now})",
            fix=f"choose another {'directory' if path else 'database'}",
        )

    def append(self, annotations: Sequence[Annotation]) -> int:
        """Record annotations, in one transaction that is durable when this returns.

        Item, annotator and round are the key of an annotation. One that exists is left as it is, so
        a batch that may have been recorded before can be appended again.

        Returns:
            How many were new.

        Raises:
            AnnotationError: An annotation has probabilities, and none for its own label.
            LedgerError: Nothing of the batch was recorded; see the class.
        """
        rows = [annotation_row(one) for one in annotations]
        if not rows:
            return 0
        with self._database.write() as connection:
            self._database.keep_order(connection, schema.ANNOTATIONS)
            return self._database.insert_new(connection, schema.ANNOTATIONS, rows)

    def annotations(
        self,
        *,
        round: int | None = None,
        annotator: str | None = None,
        kind: AnnotatorKind | None = None,
    ) -> Iterator[Annotation]:
        """All annotations in order of insertion, or those of a round, an annotator or a kind.

        They are streamed in bounded memory; those appended once the iteration has begun are not
        in it.
        """
        table = schema.ANNOTATIONS
        query = sa.select(table)
        if round is not None:
            query = query.where(table.c.round == round_to_store(round))
        if annotator is not None:
            query = query.where(table.c.annotator == annotator)
        if kind is not None:
            query = query.where(table.c.kind == kind)
        return map(annotation_of, self._stream(query, table.c.id))

    def annotations_of(self, item_ids: Sequence[str]) -> dict[str, list[Annotation]]:
        """All annotations of some items, by item, in order of insertion.

        Args:
            item_ids: The items, a few thousand at most.
        """
        table = schema.ANNOTATIONS
        query = sa.select(table).where(table.c.item_id.in_(item_ids)).order_by(table.c.id)
        found: dict[str, list[Annotation]] = {one: [] for one in item_ids}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found[row.item_id].append(annotation_of(row))
        return found

    def annotation_count(self) -> int:
        """How many annotations there are."""
        with self._database.read() as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(schema.ANNOTATIONS))
        return int(count or 0)

    def annotated(self, annotator: str, round: int | None) -> set[str]:
        """The items that an annotator has answered in a round; None means outside a run."""
        table = schema.ANNOTATIONS
        query = sa.select(table.c.item_id).where(
            table.c.annotator == annotator, table.c.round == round_to_store(round)
        )
        with self._database.read() as connection:
            return set(connection.scalars(query))

    def abstained(self, annotator: str) -> set[str]:
        """The items for which an annotator had no label, in whatever round."""
        table = schema.ANNOTATIONS
        query = sa.select(table.c.item_id).where(
            table.c.annotator == annotator, table.c.label.is_(None)
        )
        with self._database.read() as connection:
            return set(connection.scalars(query))

    def deferred(self, annotator: str, round: int | None) -> set[str]:
        """The items that an annotator answered in a round and that go to the next one."""
        table = schema.ANNOTATIONS
        query = sa.select(table.c.item_id).where(
            table.c.annotator == annotator,
            table.c.round == round_to_store(round),
            table.c.decision == "deferred",
        )
        with self._database.read() as connection:
            return set(connection.scalars(query))

    def labels(self, before_round: int | None = None) -> dict[str, Decided]:
        """The label of each item that has one, as the aggregate of its annotations.

        It is that of the last human annotation, whatever the router decided, else that of the last
        accepted one. Abstentions count for nothing. Last means last recorded.

        Args:
            before_round: Count only annotations of earlier rounds, and those outside a run. A
                round that is repeated after a kill then sees what it saw the first time.

        Returns:
            By item id, in the order in which the items first got a label.
        """
        return self._labels.standing(before_round)

    def start_round(
        self,
        number: int,
        *,
        phase: str,
        selector: str,
        item_ids: Sequence[str],
        scores: Sequence[float],
        why: Sequence[str],
    ) -> None:
        """Record what a round is going to ask, before any of it is asked.

        Raises:
            LedgerError: The round exists, or the three sequences differ in length.
        """
        self._rounds.start(
            number, phase=phase, selector=selector, item_ids=item_ids, scores=scores, why=why
        )

    def finish_round(self, number: int, metrics: Mapping[str, Any]) -> None:
        """Record that a round has ended, and the figures that it ended with.

        Raises:
            LedgerError: The round was never started, or is finished already.
        """
        self._rounds.finish(number, metrics)

    def rounds(self) -> list[Round]:
        """All rounds by number, each with what it picked."""
        return self._rounds.all()

    def event(self, kind: str, message: str, data: Mapping[str, Any] | None = None) -> None:
        """Record something that a reader of the report should know."""
        row = {"time": time.time(), "kind": kind, "message": message, "data": data or {}}
        with self._database.write() as connection:
            connection.execute(sa.insert(schema.EVENTS), row)

    def events(self) -> list[LoggedEvent]:
        """All events in the order in which they were recorded."""
        table = schema.EVENTS
        query = sa.select(table).order_by(table.c.id)
        with self._database.read() as connection:
            return [
                LoggedEvent(row.time, row.kind, row.message, row.data)
                for row in connection.execute(query)
            ]

    def add_synthetic(
        self, items: Sequence[SyntheticItem], *, expense: Expense | None = None
    ) -> int:
        """Record generated items, and what they cost in the same transaction; an item whose id
        exists is left as it is, and so is an expense whose key exists.

        Returns:
            How many items were new.
        """
        rows = [synthetic_row(one) for one in items]
        costs = [] if expense is None else [_spending_row(expense)]
        if not rows and not costs:
            return 0
        with self._database.write() as connection:
            new = self._database.insert_new(connection, schema.SYNTHETIC, rows) if rows else 0
            if costs:
                self._database.insert_new(connection, schema.SPENDING, costs)
            return new

    def synthetic(self, accepted: bool | None = None) -> list[SyntheticItem]:
        """Generated items in order of insertion: all, or those accepted, or those refused."""
        table = schema.SYNTHETIC
        query = sa.select(table).order_by(table.c.row)
        if accepted is not None:
            query = query.where(table.c.accepted.is_(accepted))
        with self._database.read() as connection:
            return [synthetic_of(row) for row in connection.execute(query)]

    def spend(self, purpose: str, usage: Usage, key: str) -> None:
        """Record a cost that belongs to no annotation, such as generation or calibration.

        Args:
            purpose: What it was spent on; the name in `usage`.
            usage: The cost.
            key: Names this one expense. A key that exists is left as it is, so work that is
                repeated after a kill is not counted twice.
        """
        row = _spending_row(Expense(key, purpose, time.time(), usage))
        with self._database.write() as connection:
            self._database.insert_new(connection, schema.SPENDING, [row])

    def expenses(self) -> list[Expense]:
        """What `spend` has recorded, in order of time."""
        table = schema.SPENDING
        query = sa.select(table).order_by(table.c.time, table.c.key)
        with self._database.read() as connection:
            return [
                Expense(row.key, row.purpose, row.time, usage_of(row))
                for row in connection.execute(query)
            ]

    def has_spent(self, key: str) -> bool:
        """Whether `spend` has recorded an expense under a key."""
        query = sa.select(schema.SPENDING.c.key).where(schema.SPENDING.c.key == key)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def usage(self) -> dict[str, Usage]:
        """Costs by annotator and by purpose of `spend`.

        The usage that synthetic items carry is not in it: what they cost is recorded with `spend`.
        """
        total: defaultdict[str, Usage] = defaultdict(Usage)
        with self._database.read() as connection:
            for query in (_ANNOTATION_USAGE, _SPENDING_USAGE):
                for row in connection.execute(query):
                    total[row.name] += usage_of(row)
        return dict(total)

    def annotation_usage(self) -> dict[str, Usage]:
        """What annotations cost, by annotator."""
        with self._database.read() as connection:
            return {row.name: usage_of(row) for row in connection.execute(_ANNOTATION_USAGE)}

    def total_usage(self) -> Usage:
        """The sum of `usage`."""
        return _sum(self.usage().values())

    def _stream(
        self, query: sa.Select[*tuple[Any, ...]], key: sa.Column[Any]
    ) -> Iterator[sa.Row[*tuple[Any, ...]]]:
        """The rows of a query by ascending key, up to the last one there is now.

        Read page by page with a transaction each: a reader that stops half-way, or takes hours,
        holds no connection and keeps no write-ahead log from being folded in.
        """
        first = query.order_by(key).limit(_PAGE)
        with self._database.read() as connection:
            last = connection.scalar(sa.select(sa.func.max(key))) or 0
            rows = connection.execute(first).all()
        while rows:
            yield from (row for row in rows if row.id <= last)
            if len(rows) < _PAGE:
                return
            with self._database.read() as connection:
                rows = connection.execute(first.where(key > rows[-1].id, key <= last)).all()


def _identity(connection: sa.Connection) -> dict[str, str]:
    table = schema.IDENTITY
    query = sa.select(table.c.field, table.c.value).order_by(table.c.field)
    return {row.field: row.value for row in connection.execute(query)}


def _spending_row(expense: Expense) -> dict[str, Any]:
    return {
        "key": expense.key,
        "purpose": expense.purpose,
        "time": expense.time,
        **usage_row(expense.usage),
    }


def _usage_by(name: sa.Column[Any]) -> sa.Select[*tuple[Any, ...]]:
    sums = (sa.func.sum(name.table.c[one]).label(one) for one in USAGE_FIELDS)
    return sa.select(name.label("name"), *sums).group_by(name).order_by(name)


# Made once: to build a query takes longer than to run it over a few hundred annotations.
_ANNOTATION_USAGE = _usage_by(schema.ANNOTATIONS.c.annotator)
_SPENDING_USAGE = _usage_by(schema.SPENDING.c.purpose)


def _sum(usages: Iterable[Usage]) -> Usage:
    return sum(usages, start=Usage())
