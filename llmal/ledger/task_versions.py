"""The versions of the task of a run: what each annotation was an answer to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import TaskVersion


class TaskVersions:
    """Writes and reads the versions of the task.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def number(self, fingerprint: str, task: Mapping[str, Any], reason: str | None) -> int:
        """The number of a version, recorded if it is new; see `Ledger.task_version`."""
        table = schema.TASK_VERSIONS
        known = sa.select(table.c.version).where(table.c.fingerprint == fingerprint)
        with self._database.read() as connection:
            version = connection.scalar(known)
        if version is not None:
            return int(version)
        with self._database.write() as connection:
            self._database.keep_order(connection)
            version = connection.scalar(known)
            if version is None:
                version = (connection.scalar(sa.select(sa.func.max(table.c.version))) or 0) + 1
                row = {"version": version, "fingerprint": fingerprint, "task": task}
                row |= {"reason": reason, "time": time.time()}
                connection.execute(sa.insert(table), row)
        return int(version)

    def all(self) -> list[TaskVersion]:
        """All versions, the first one first."""
        table = schema.TASK_VERSIONS
        query = sa.select(table).order_by(table.c.version)
        with self._database.read() as connection:
            return [
                TaskVersion(row.version, row.fingerprint, row.task, row.reason, row.time)
                for row in connection.execute(query)
            ]
