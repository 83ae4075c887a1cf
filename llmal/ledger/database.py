"""The database under the ledger: connections, transactions, and the check that it is a ledger."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from llmal.errors import LedgerError
from llmal.ledger import schema
from llmal.ledger.copies import copy_with_log, keep_copy
from llmal.ledger.failures import explain, explain_os, not_a_ledger
from llmal.ledger.migrations import migrate

_log = logging.getLogger("llmal.ledger")

# Any number that nobody else uses: it keeps two processes from creating the tables at once.
_CREATION_LOCK = 0x6C6C6D616C


class Database:
    """Transactions on SQLite or PostgreSQL, with every failure told as a `LedgerError`.

    Args:
        place: Path of an SQLite file, or a URL.
        timeout: Seconds to wait for another process that writes.
        read_only: Create and write nothing. A file of an earlier version, and one in a directory
            where SQLite cannot put the files that it needs beside it, is read in a temporary copy.

    Raises:
        LedgerError: The place cannot be used, or holds something else than a ledger.
    """

    def __init__(self, place: str | Path, timeout: float, *, read_only: bool = False) -> None:
        url, path = _resolve(place)
        if path is not None and not read_only:
            _make_directory(path)
        if path is not None and read_only and not path.is_file():
            raise LedgerError("there is no ledger", where=str(path), fix="llmal run makes it")
        self.path = path
        self.where = str(path) if path else url.render_as_string(hide_password=True)
        self._timeout = timeout
        self._read_only = read_only
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._closed = False
        self._engine = self._connectable(url)
        try:
            self._prepare()
        except LedgerError:
            self._engine.dispose()
            if path is None or not read_only:
                raise
            self._read_a_copy(path)
        except BaseException:
            self._engine.dispose()
            raise

    def _read_a_copy(self, path: Path) -> None:
        """Go on with a copy, where SQLite has room for its index of the write-ahead log, and where
        the tables may be changed.
        """
        self._copy = tempfile.TemporaryDirectory(prefix="llmal-ledger-")
        place = Path(self._copy.name) / path.name
        try:
            copy_with_log(path, place)
            self._engine = self._connectable(sa.URL.create("sqlite", database=str(place)))
            self._prepare()
        except OSError as error:
            self.close()
            raise explain_os(error, self.where) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection. Closing twice does nothing."""
        self._closed = True
        self._engine.dispose()
        if self._copy is not None:
            self._copy.cleanup()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees the ledger as it is at one moment."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that is durable once the block has ended, or leaves no trace."""
        if self._read_only:
            raise LedgerError("the ledger was opened to be read alone", where=self.where)
        with self._transaction(writes=True) as connection:
            yield connection

    def keep_order(self, connection: sa.Connection) -> None:
        """Make the annotations and decisions that this transaction inserts visible in the order of
        their numbers.

        A reader that goes on after the highest number it has seen would else miss what a slower
        transaction of PostgreSQL was given a lower number for.
        """
        self.one_at_a_time(connection, schema.ANNOTATIONS)

    def one_at_a_time(self, connection: sa.Connection, table: sa.Table) -> None:
        """Keep other writers of a table out until this transaction ends; readers go on.

        SQLite has one writer at a time.
        """
        if self._is_postgresql:
            connection.exec_driver_sql(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")

    def insert_new(
        self, connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
    ) -> int:
        """Insert rows in their order, leaving out those whose key exists; how many were new."""
        if not rows:
            return 0
        insert = postgresql.insert if self._is_postgresql else sqlite.insert
        result = connection.execute(
            insert(table).on_conflict_do_nothing(),
            rows,
            execution_options={"preserve_rowcount": True},
        )
        return result.rowcount

    @property
    def _is_postgresql(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[sa.Connection]:
        if self._closed:
            raise LedgerError("the ledger is closed", where=self.where, fix="open it again")
        try:
            with (
                self._engine.connect().execution_options(ledger_writes=writes) as connection,
                connection.begin(),
            ):
                yield connection
        except (SQLAlchemyError, UnicodeEncodeError) as error:
            raise explain(error, self.where, self.path) from error

    def _connectable(self, url: sa.URL) -> sa.Engine:
        if url.get_backend_name() == "postgresql":
            try:
                engine = sa.create_engine(url, pool_pre_ping=True)
            except ImportError as error:
                raise LedgerError(
                    "the driver of PostgreSQL is not installed",
                    where=self.where,
                    fix="pip install 'llmal[postgres]'",
                ) from error
            sa.event.listen(engine, "connect", self._configure_postgresql)
            return engine
        engine = sa.create_engine(url, connect_args={"timeout": self._timeout})
        sa.event.listen(engine, "connect", _configure_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _configure_postgresql(self, connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {int(self._timeout * 1000)}")
        cursor.execute("SET synchronous_commit = on")
        cursor.close()
        connection.commit()

    def _prepare(self) -> None:
        with self.read() as connection:
            version = self._recognise(connection)
        outdated = version is not None and version < schema.SCHEMA_VERSION
        if outdated and self._read_only and self._copy is None:
            if self.path is None:
                raise LedgerError(
                    f"the ledger has version {version}, and has to be brought to version "
                    f"{schema.SCHEMA_VERSION} before it can be read",
                    where=self.where,
                    fix="llmal run does so",
                )
            self._engine.dispose()
            self._read_a_copy(self.path)
            return
        if self.path is not None:
            self._use_write_ahead_log()
        if version is None and self._read_only:
            raise not_a_ledger(self.where, "it is empty")
        if version is None or outdated:
            with self._transaction(writes=True) as connection:
                self._create_or_migrate(connection)

    def _create_or_migrate(self, connection: sa.Connection) -> None:
        if self._is_postgresql:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATION_LOCK)))
        # Another process may have done it since.
        version = self._recognise(connection)
        if version is None:
            schema.METADATA.create_all(connection, checkfirst=False)
            connection.execute(sa.insert(schema.VERSION), {"version": schema.SCHEMA_VERSION})
        elif version < schema.SCHEMA_VERSION:
            if self.path is not None and self._copy is None:
                # This transaction has written nothing yet, and keeps all others from writing.
                kept = keep_copy(self.path, version)
                _log.info("%s: version %d is kept as %s", self.where, version, kept)
            migrate(connection, version, schema.SCHEMA_VERSION)

    def _recognise(self, connection: sa.Connection) -> int | None:
        """The version of the tables; None where they may be created."""
        tables = set(sa.inspect(connection).get_table_names())
        if schema.VERSION.name not in tables:
            # A PostgreSQL database may serve others too, an SQLite file is the ledger's own.
            theirs = tables & set(schema.METADATA.tables) if self._is_postgresql else tables
            if theirs:
                raise not_a_ledger(
                    self.where, f"it has the table {min(theirs)!r} of something else"
                )
            return None
        version = connection.scalar(sa.select(sa.func.max(schema.VERSION.c.version)))
        if version is None:
            raise not_a_ledger(self.where, "it does not say which version it has")
        if version > schema.SCHEMA_VERSION:
            raise LedgerError(
                f"the ledger has version {version}, and this llmal knows versions up to "
                f"{schema.SCHEMA_VERSION}",
                where=self.where,
                fix="upgrade llmal: pip install --upgrade llmal",
            )
        return int(version)

    def _use_write_ahead_log(self) -> None:
        # SQLite does not wait for others when it changes the mode, so the waiting is done here.
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                mode = self._change_journal_mode()
            except (sqlite3.Error, SQLAlchemyError) as error:
                told = explain(error, self.where, self.path)
                if "locked" in told.what and time.monotonic() < deadline:
                    time.sleep(0.01)
                    continue
                raise told from error
            if mode != "wal":
                _log.warning(
                    "%s: this file system has no write-ahead log, so readers and writers of the "
                    "ledger wait for each other (journal mode %s)",
                    self.where,
                    mode,
                )
            return

    def _change_journal_mode(self) -> str:
        # Outside a transaction, where alone SQLite lets the mode be changed.
        with self._engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            (mode,) = driver.execute("PRAGMA journal_mode").fetchone()
            if mode != "wal":
                (mode,) = driver.execute("PRAGMA journal_mode = WAL").fetchone()
            return str(mode)


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions on its own, and only at the first write.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads before it writes must hold the write lock from the start: SQLite
    # cannot make a reader a writer once somebody else has written.
    writes = connection.get_execution_options().get("ledger_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _resolve(place: str | Path) -> tuple[sa.URL, Path | None]:
    """The URL to connect to, and the file where it is one."""
    text = str(place)
    if isinstance(place, Path) or "://" not in text:
        return _resolve_file(Path(place))
    try:
        url = sa.make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise LedgerError("the URL of the ledger cannot be read", fix=_URLS) from error
    if backend == "postgresql":
        # SQLAlchemy before 2.1 would take another driver than the one that llmal asks for.
        return url.set(drivername="postgresql+psycopg"), None
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return _resolve_file(Path(url.database))
    raise LedgerError(f"a ledger cannot be kept in {backend!r}", fix=_URLS)


_URLS = "give the path of a file, or a URL like postgresql+psycopg://user@host/database"


def _resolve_file(path: Path) -> tuple[sa.URL, Path]:
    if path.is_dir():
        raise LedgerError(
            "a ledger is a file, and this is a directory",
            where=str(path),
            fix=f"give a file in it, such as {path / 'ledger.sqlite'}",
        )
    return sa.URL.create("sqlite", database=str(path)), path


def _make_directory(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_os(error, str(path)) from error
