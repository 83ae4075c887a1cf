"""What changed in a project on its way: maps of labels, versions of the pool, which texts answers
are about. Leases in a table of their own, one for each worker: an item may want several answers.

Of the pool a ledger of version 2 knows the fingerprint alone, and of its answers not which texts
they were about: they are taken to be about the texts of that pool.
"""

from __future__ import annotations

import time

import sqlalchemy as sa

_STATEMENTS = (
    "ALTER TABLE task_versions RENAME TO task_versions_v2",
    """
    CREATE TABLE task_versions (
        version INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        task TEXT,
        reason TEXT,
        time {double} NOT NULL,
        label_map TEXT,
        origins TEXT,
        asks_again BOOLEAN NOT NULL,
        rounds INTEGER NOT NULL,
        PRIMARY KEY (version)
    )
    """,
    """
    INSERT INTO task_versions
    SELECT version, fingerprint, task, reason, time, NULL, NULL, {false}, 0 FROM task_versions_v2
    ORDER BY version
    """,
    "DROP TABLE task_versions_v2",
    """
    CREATE TABLE pool_versions (
        version INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        items INTEGER,
        columns TEXT,
        ids {bytes},
        reason TEXT,
        time {double} NOT NULL,
        rounds INTEGER NOT NULL,
        PRIMARY KEY (version)
    )
    """,
    "ALTER TABLE annotations ADD COLUMN content TEXT",
    """
    CREATE TABLE leases (
        stage TEXT NOT NULL,
        round INTEGER NOT NULL,
        item_id TEXT NOT NULL,
        worker TEXT NOT NULL,
        until {double} NOT NULL,
        PRIMARY KEY (stage, round, item_id, worker)
    )
    """,
    """
    INSERT INTO leases (stage, round, item_id, worker, until)
    SELECT queue, round, item_id, worker, leased_until FROM queue
    WHERE worker IS NOT NULL AND leased_until IS NOT NULL
    """,
    "ALTER TABLE queue DROP COLUMN worker",
    "ALTER TABLE queue DROP COLUMN leased_until",
)


def to_version_3(connection: sa.Connection) -> None:
    """From version 2."""
    postgresql = connection.dialect.name == "postgresql"
    types = {
        "double": "DOUBLE PRECISION" if postgresql else "DOUBLE",
        "bytes": "BYTEA" if postgresql else "BLOB",
        "false": "FALSE" if postgresql else "0",
    }
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement.format(**types))
    connection.execute(
        sa.text(
            "INSERT INTO pool_versions (version, fingerprint, time, rounds) "
            "SELECT 1, value, :now, 0 FROM identity WHERE field = 'pool'"
        ),
        {"now": time.time()},
    )
