"""The durable record of a run."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from llmal.core.closing import Closing
from llmal.core.records import (
    Annotation,
    AnnotatorKind,
    Outcome,
    Purpose,
    SyntheticItem,
    Usage,
)
from llmal.errors import LedgerError
from llmal.ledger import schema
from llmal.ledger.annotations import Annotations
from llmal.ledger.audits import Audits
from llmal.ledger.combining import Combines, WorkerAnswer
from llmal.ledger.database import Database
from llmal.ledger.decisions import Decisions
from llmal.ledger.entries import (
    Decided,
    Expense,
    FrozenLabels,
    LoggedEvent,
    PoolVersion,
    RecordedCertificate,
    RecordedDecision,
    Round,
    TaskVersion,
)
from llmal.ledger.labels import Labels
from llmal.ledger.leases import Leases
from llmal.ledger.queue import Queue
from llmal.ledger.recording import record, refuse_other_answers, renew, revise
from llmal.ledger.rounds import Rounds
from llmal.ledger.rows import (
    annotation_row,
    synthetic_of,
    synthetic_row,
    usage_of,
    usage_row,
)
from llmal.ledger.totals import Totals, add_expense
from llmal.ledger.translation import Contents, Reading
from llmal.ledger.versions import Versions


class Ledger(Closing):
    """Everything of a run that cost money or attention, kept before anything depends on it.

    What is written is durable when the call returns: SQLite runs with a write-ahead log and
    `synchronous=FULL`, PostgreSQL with `synchronous_commit=on`. Each call is one transaction, so
    a process that is killed leaves all of it or nothing. Nothing is changed once written, but for
    the state of the queue, the leases and the running totals. Several processes and threads may use
    one ledger at once.

    Every method raises `LedgerError` where the database refuses: a full disk, a read-only place, a
    lock held for longer than the timeout, a damaged file, a server that cannot be reached. After
    such an error the ledger can go on being used.

    Open one with `Ledger.open`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._annotations = Annotations(database)
        self._labels = Labels(database)
        self._decisions = Decisions(database)
        self._versions = Versions(database)
        self._contents: Contents | None = None
        self._reading: Reading | None = None
        self._changes: tuple[Sequence[int], Sequence[int]] = (), ()
        self._totals = Totals(database)
        self._rounds = Rounds(database)
        self._audits = Audits(database)
        self.queue = Queue(database)
        self.leases = Leases(database)

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

        A ledger that an older llmal wrote is brought to the present version, in one transaction; an
        SQLite file is copied first (`ledger.v1.sqlite`). Opened to be read alone, it is left as it
        is, and a temporary copy is read.
        """
        return cls(Database(path_or_url, timeout, read_only=read_only))

    def close(self) -> None:
        """Close the ledger. Closing twice does nothing."""
        self._database.close()

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

    def task_version(
        self,
        fingerprint: str,
        task: Mapping[str, Any],
        *,
        reason: str | None = None,
        origins: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> int:
        """The number of the latest version of the task with a fingerprint; one whose fingerprint is
        new becomes the next.

        Args:
            fingerprint: Of the task.
            task: The task as plain data.
            reason: Why it takes the place of the version before.
            origins: For its labels, which earlier ones they are said to be.
        """
        number = self._versions.number(fingerprint, task, reason, dict(origins))
        self._reading = None
        return number

    def task_versions(self) -> list[TaskVersion]:
        """All versions of the task that were recorded, the first one first."""
        return self._versions.of_task()

    def pool_versions(self) -> list[PoolVersion]:
        """All versions of the pool that were recorded, the first one first."""
        return self._versions.of_pool()

    def rounds_at_last_change(self, *, of_pool_alone: bool = False) -> int | None:
        """How many rounds had begun when task or pool last changed; None if they never did.

        Args:
            of_pool_alone: Look at changes of the pool alone.
        """
        _ = self.reading
        of_task, of_pool = self._changes
        return max(of_pool if of_pool_alone else [*of_task, *of_pool], default=None)

    def keep_words(self, version: int, task: Mapping[str, Any]) -> None:
        """Keep the words of a version of the task that an earlier llmal did not keep."""
        self._versions.keep_words(version, task)
        self._reading = None

    def keep_pool(self, pool: PoolVersion) -> None:
        """Keep the first version of the pool; or what an earlier llmal did not keep of the last."""
        self._versions.keep_pool(pool)

    def change(self, task: TaskVersion | None, pool: PoolVersion | None, message: str = "") -> None:
        """Record that task, pool or both have changed, in one transaction.

        Args:
            task: The next version of the task, with its number.
            pool: The next version of the pool, with its number.
            message: What is told of it as an event; nothing if it is empty.
        """
        self._versions.record(task, pool, message)
        self._reading = None

    def read_as(self, contents: Contents) -> None:
        """Read answers as what they say about the items of a pool: none about one that is gone, or
        whose text was another.

        Where neither task nor pool has ever changed, they are read as they were given.
        """
        self._contents = contents
        self._reading = None

    @property
    def reading(self) -> Reading:
        """How annotations read under the last version of the task and the pool that was named by
        `read_as`. Versions that another process records are seen when the ledger is opened again.
        """
        if self._reading is None:
            pools, tasks = self.pool_versions(), self.task_versions()
            changed = self._contents is not None and len(pools) > 1
            self._changes = [one.rounds for one in tasks[1:]], [one.rounds for one in pools[1:]]
            self._reading = Reading(tasks, self._contents if changed else None)
        return self._reading

    def present(self, annotations: Iterable[Annotation]) -> Iterator[Annotation]:
        """Those of some annotations that say something under the present task and pool, as they
        read now; see `Reading.present`.
        """
        reading = self.reading
        return iter(annotations) if reading.is_plain else reading.present(annotations)

    def _belongs_elsewhere(self, name: str, was: str, now: str) -> LedgerError:
        path = self._database.path
        what = f"run directory {path.parent}" if path else f"ledger {self._database.where}"
        other = name.removesuffix("_fingerprint").replace("_", " ")
        return LedgerError(
            f"{what} belongs to another {other} ({name} was {was}, is {now})",
            fix=f"choose another {'directory' if path else 'database'}",
        )

    def append(self, annotations: Sequence[Annotation], *, unchanged: bool = False) -> int:
        """Record annotations, in one transaction that is durable when this returns.

        Item, stage, annotator, round and revision are the key of an annotation. One that exists is
        left as it is, so a batch that may have been recorded before can be appended again. Each is
        recorded with the router's decision about it, and with what it cost. Where the one that
        exists says nothing since task or pool have changed, a new answer is recorded as a revision.

        Args:
            annotations: What is recorded.
            unchanged: Refuse the batch if it has another answer than is recorded under the same
                key, or two of them.

        Returns:
            How many were new.

        Raises:
            AnnotationError: An annotation has probabilities, and none for its own label, a
                purpose that there is not, or another answer, if that is refused.
            LedgerError: Nothing of the batch was recorded; see the class.
        """
        rows = [annotation_row(one) for one in annotations]
        if not rows:
            return 0
        with self._database.write() as connection:
            new = record(self._database, connection, rows)
            if new < len(rows):
                if unchanged:
                    refuse_other_answers(connection, rows, self.reading)
                new += renew(self._database, connection, rows, self.reading)
            return new

    def revise(self, annotations: Sequence[Annotation]) -> int:
        """Record answers that take the place of earlier ones of the same workers, in one
        transaction.

        Each revises the last answer of its annotator about its item (at its stage, if it names
        one): it gets that one's round, stage and purpose, and the next revision. Both stay in the
        ledger. An answer that is the same as the one that stands changes nothing, so that a batch
        can be revised again.

        Returns:
            How many were new.

        Raises:
            AnnotationError: See `append`.
            LedgerError: The annotator has given no answer about the item.
        """
        return revise(self._database, annotations, self.reading)

    def decide(
        self,
        rule: str,
        outcomes: Sequence[tuple[Annotation, Outcome]],
        *,
        round: int | None = None,
    ) -> int:
        """Record what a rule decides about annotations, in one transaction.

        Every annotation comes with the decision of the router. The latest decision counts; none is
        ever changed. The same decision of the same rule twice in a row is recorded once.

        Args:
            rule: Name of what decides, other than "router".
            outcomes: Annotations of this ledger, and what becomes of each. An overruled one stands
                for nothing, not even one of a person.
            round: The round that decides; it does not count in labels of before that round.

        Returns:
            How many were new.

        Raises:
            LedgerError: An annotation is not in the ledger, or the rule is called "router", and
                nothing was recorded.
        """
        return self._decisions.add(rule, outcomes, round)

    def decisions(self) -> Iterator[RecordedDecision]:
        """All decisions in the order in which they were made, streamed in bounded memory."""
        return self._decisions.all()

    def annotations(
        self,
        *,
        round: int | None = None,
        annotator: str | None = None,
        kind: AnnotatorKind | None = None,
        purpose: Purpose | None = None,
        after: int = 0,
    ) -> Iterator[Annotation]:
        """All annotations in order of insertion, or those of a round, an annotator, a kind or a
        purpose, or after what was the last one before; those that were revised among them.

        They are streamed in bounded memory; those appended once the iteration has begun are not
        in it.
        """
        return self._annotations.stream(round, annotator, kind, purpose, after)

    def last_annotation(self) -> int:
        """The number of the last annotation that there is; 0 without any. Numbers rise."""
        return self._annotations.last()

    def annotations_of(self, item_ids: Sequence[str]) -> dict[str, list[Annotation]]:
        """All annotations of some items, by item, in order of insertion.

        Args:
            item_ids: The items, however many; they are looked up part by part.
        """
        return self._annotations.of_items(item_ids)

    def annotation_count(self) -> int:
        """How many annotations there are."""
        return self._totals.annotations()

    def has_more_than_first_answers(self) -> bool:
        """Whether stage, purpose, task version or revision say anything about some annotation: not
        all are first answers to train on, about version 1 of the task, each at the stage of its
        annotator's name.
        """
        return self._annotations.say_more()

    def annotated(self, stage: str, round: int | None) -> set[str]:
        """The items that were answered at a stage in a round; None means outside a run."""
        return self._annotations.annotated(stage, round)

    def workers(self, stage: str, round: int | None) -> dict[str, dict[str, bool]]:
        """Who has answered which items at a stage in a round.

        Returns:
            By item and worker, whether the answer that stands is one: False for who has skipped.
        """
        return self._annotations.workers(stage, round)

    def abstained(self, stage: str) -> set[str]:
        """The items for which somebody at a stage had no label, in whatever round.

        Only what still counts: not of a machine that is asked again, nor about another text.
        """
        return self._annotations.abstained(stage, self.reading)

    def deferred(self, stage: str, round: int | None) -> set[str]:
        """The items that were answered at a stage in a round and that go to the next stage."""
        return self._annotations.deferred(stage, round)

    def labels(
        self,
        before_round: int | None = None,
        purposes: Collection[Purpose] = ("train", "review"),
        *,
        reading: Reading | None = None,
    ) -> dict[str, Decided]:
        """The label of each item that has one, as the aggregate of its annotations.

        It is that of a person, whatever the router decided, else that of the last annotation whose
        latest decision is "accepted". What its worker has revised, what was overruled and
        abstentions count for nothing. Last means last recorded. Where several people have answered,
        the last answer of each is a vote, and `combine_by` says what becomes of them: the majority,
        and of equally many votes the latest one. Answers to earlier versions of the task are read
        as `reading` says; an item whose last answer, or that of most people, has no label now has
        none.

        Args:
            before_round: Count only annotations and decisions of earlier rounds, and those outside
                a run. A round that is repeated after a kill then sees what it saw the first time.
                A revision belongs to the round of the answer that it revises.
            purposes: Count only annotations that were asked for one of these. By default audits are
                not among them, so that nothing learns from them.
            reading: What answers say; by default what they say now.

        Returns:
            By item id, in the order in which the items first got a label.
        """
        return self._labels.standing(before_round, frozenset(purposes), reading or self.reading)

    def combine_by(self, combines: Combines) -> None:
        """Say how the answers of several people to one item become its label, from now on.

        Args:
            combines: By default the majority. It is not recorded: whoever opens the ledger says it.
        """
        self._labels.combine_by(combines)

    def several_answers(
        self,
        before_round: int | None = None,
        purposes: Collection[Purpose] = ("train", "review"),
    ) -> dict[str, list[WorkerAnswer]]:
        """The answers of each item that several people have answered, by item id, in the order of
        the ids; those that count in `labels`, one of each person.

        Args:
            before_round: As for `labels`.
            purposes: As for `labels`.
        """
        return self._labels.several_answers(before_round, frozenset(purposes), self.reading)

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

    def add_frozen(self, frozen: FrozenLabels) -> FrozenLabels:
        """Record the labels and their order as they are when an audit begins, before anybody is
        asked about it.

        A round has one at most. Where it has one already, as after a kill, that stays.

        Returns:
            What the ledger has of this round.
        """
        return self._audits.freeze(frozen)

    def frozen(self) -> list[FrozenLabels]:
        """The labels that audits were drawn from, in the order of their rounds."""
        return self._audits.frozen()

    def add_certificate(self, certificate: RecordedCertificate) -> bool:
        """Record what an audit has shown. The same as the last one is not recorded again.

        Returns:
            Whether it was new.
        """
        return self._audits.certify(certificate)

    def certificates(self) -> list[RecordedCertificate]:
        """All certificates that were recorded, the first one first. Whether the last one still
        stands is said by `Campaign.certificate`.
        """
        return self._audits.certificates()

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
            for row in costs:
                self._spend(connection, row)
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
            self._spend(connection, row)

    def _spend(self, connection: sa.Connection, row: Mapping[str, Any]) -> None:
        if self._database.insert_new(connection, schema.SPENDING, [row]):
            add_expense(connection, row)

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
        return self._totals.usage()

    def annotation_usage(self) -> dict[str, Usage]:
        """What annotations cost, by annotator."""
        return self._totals.annotation_usage()

    def total_usage(self) -> Usage:
        """The sum of `usage`."""
        return _sum(self.usage().values())


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


def _sum(usages: Iterable[Usage]) -> Usage:
    return sum(usages, start=Usage())
