"""Labels that an audit was drawn from, and what it has shown: two tables, empty at first."""

from __future__ import annotations

import sqlalchemy as sa

_STATEMENTS = (
    """
    CREATE TABLE frozen_labels (
        round INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        labels TEXT NOT NULL,
        item_ids TEXT NOT NULL,
        contents TEXT NOT NULL,
        task_version INTEGER NOT NULL,
        pool_version INTEGER NOT NULL,
        time {double} NOT NULL,
        PRIMARY KEY (round)
    )
    """,
    """
    CREATE TABLE certificates (
        id {serial} NOT NULL,
        frozen TEXT NOT NULL,
        round INTEGER NOT NULL,
        certificate TEXT NOT NULL,
        time {double} NOT NULL,
        PRIMARY KEY (id)
    )
    """,
)


def to_version_4(connection: sa.Connection) -> None:
    """From version 3."""
    postgresql = connection.dialect.name == "postgresql"
    types = {
        "double": "DOUBLE PRECISION" if postgresql else "DOUBLE",
        "serial": "BIGSERIAL" if postgresql else "INTEGER",
    }
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement.format(**types))
