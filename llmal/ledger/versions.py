"""The versions of the task and of the pool of a run: what each annotation was an answer to."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import PoolVersion, TaskVersion


class Versions:
    """Writes and reads the versions of task and pool.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def number(
        self,
        fingerprint: str,
        task: Mapping[str, Any],
        reason: str | None,
        origins: Mapping[str, Sequence[str]],
    ) -> int:
        """The number of the latest version with a fingerprint, recorded if there is none; see
        `Ledger.task_version`.
        """
        table = schema.TASK_VERSIONS
        known = sa.select(sa.func.max(table.c.version)).where(table.c.fingerprint == fingerprint)
        with self._database.read() as connection:
            version = connection.scalar(known)
        if version is not None:
            return int(version)
        with self._database.write() as connection:
            self._database.keep_order(connection)
            version = connection.scalar(known)
            if version is None:
                first = TaskVersion(0, fingerprint, task, reason, 0.0, origins=origins)
                version = _add_task(connection, first)
        return int(version)

    def keep_words(self, version: int, task: Mapping[str, Any]) -> None:
        """Keep the task of a version whose fingerprint alone was kept."""
        table = schema.TASK_VERSIONS
        with self._database.write() as connection:
            connection.execute(
                sa.update(table)
                .where(table.c.version == version, table.c.task.is_(None))
                .values(task=task)
            )

    def record(self, task: TaskVersion | None, pool: PoolVersion | None, message: str) -> None:
        """Record the next version of the task, of the pool or of both, in one transaction.

        A version whose predecessor is no longer the last one is left out: another process has
        recorded it meanwhile.

        Args:
            task: With the number that it is to have.
            pool: The same.
            message: What is told of it as an event; nothing if it is empty.
        """
        with self._database.write() as connection:
            self._database.keep_order(connection)
            added = 0
            if task is not None and _last(connection, schema.TASK_VERSIONS) == task.version - 1:
                _add_task(connection, task)
                added += 1
            if pool is not None and _last(connection, schema.POOL_VERSIONS) == pool.version - 1:
                _add_pool(connection, pool)
                added += 1
            if added and message:
                row = {"time": time.time(), "kind": "changed", "message": message, "data": {}}
                connection.execute(sa.insert(schema.EVENTS), row)

    def keep_pool(self, pool: PoolVersion) -> None:
        """Keep the first version of a pool, or what an earlier llmal did not keep of it."""
        table = schema.POOL_VERSIONS
        with self._database.write() as connection:
            last = _last(connection, table)
            if not last:
                _add_pool(connection, pool)
                return
            connection.execute(
                sa.update(table)
                .where(
                    table.c.version == last,
                    table.c.fingerprint == pool.fingerprint,
                    table.c.ids.is_(None),
                )
                .values(items=pool.items, columns=pool.columns, ids=pool.ids)
            )

    def of_task(self) -> list[TaskVersion]:
        """All versions of the task, the first one first."""
        table = schema.TASK_VERSIONS
        query = sa.select(table).order_by(table.c.version)
        with self._database.read() as connection:
            return [
                TaskVersion(
                    row.version,
                    row.fingerprint,
                    row.task,
                    row.reason,
                    row.time,
                    row.label_map or {},
                    row.origins or {},
                    row.asks_again,
                    row.rounds,
                )
                for row in connection.execute(query)
            ]

    def of_pool(self) -> list[PoolVersion]:
        """All versions of the pool, the first one first."""
        table = schema.POOL_VERSIONS
        query = sa.select(table).order_by(table.c.version)
        with self._database.read() as connection:
            return [
                PoolVersion(
                    row.version,
                    row.fingerprint,
                    row.items,
                    None if row.columns is None else tuple(row.columns),
                    row.ids,
                    row.reason,
                    row.time,
                    row.rounds,
                )
                for row in connection.execute(query)
            ]


def _last(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.scalar(sa.select(sa.func.max(table.c.version))) or 0)


def _add_task(connection: sa.Connection, one: TaskVersion) -> int:
    version = _last(connection, schema.TASK_VERSIONS) + 1
    row = {**vars(replace(one, version=version)), "time": time.time()}
    connection.execute(sa.insert(schema.TASK_VERSIONS), row)
    return version


def _add_pool(connection: sa.Connection, one: PoolVersion) -> None:
    version = _last(connection, schema.POOL_VERSIONS) + 1
    row = {**vars(replace(one, version=version)), "time": time.time()}
    connection.execute(sa.insert(schema.POOL_VERSIONS), row)
