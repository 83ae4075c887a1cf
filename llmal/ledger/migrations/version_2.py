"""Stages, purposes, task versions and revisions of annotations; answers as JSON; decisions as rows;
running totals.

Annotations of version 1 were asked for at the stage of their annotator's name, to train on, about
the first version of the task, and none was revised. PostgreSQL keeps the old table, as
`annotations_v1`; of an SQLite file a copy was made before.
"""

from __future__ import annotations

import json
import time

import sqlalchemy as sa

_USAGE = (
    ("requests", "BIGINT"),
    ("prompt_tokens", "BIGINT"),
    ("completion_tokens", "BIGINT"),
    ("cached_tokens", "BIGINT"),
    ("seconds", "{double}"),
    ("money", "{double}"),
    ("human_labels", "BIGINT"),
)
_USAGE_COLUMNS = ",\n".join(f"{name} {type} NOT NULL" for name, type in _USAGE)
_USAGE_NAMES = ", ".join(name for name, _ in _USAGE)
_USAGE_SUMS = ", ".join(f"sum({name})" for name, _ in _USAGE)

_TABLES = (
    """
    CREATE TABLE task_versions (
        version INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        task TEXT,
        reason TEXT,
        time {double} NOT NULL,
        PRIMARY KEY (version),
        UNIQUE (fingerprint)
    )
    """,
    f"""
    CREATE TABLE annotations (
        id {{serial}} NOT NULL,
        item_id TEXT NOT NULL,
        stage TEXT NOT NULL,
        annotator TEXT NOT NULL,
        round INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        kind TEXT NOT NULL,
        purpose TEXT NOT NULL,
        task_version INTEGER NOT NULL,
        answer TEXT,
        confidence {{double}},
        probabilities TEXT,
        exact BOOLEAN NOT NULL,
        decision TEXT NOT NULL,
        rationale TEXT,
        reason TEXT,
        provenance TEXT NOT NULL,
        flags TEXT NOT NULL,
        created {{double}} NOT NULL,
        {_USAGE_COLUMNS},
        PRIMARY KEY (id),
        CONSTRAINT annotations_key UNIQUE (item_id, stage, annotator, round, revision)
    )
    """,
    """
    CREATE TABLE decisions (
        id {serial} NOT NULL,
        annotation BIGINT NOT NULL,
        rule TEXT NOT NULL,
        outcome TEXT NOT NULL,
        round INTEGER NOT NULL,
        time {double} NOT NULL,
        PRIMARY KEY (id)
    )
    """,
    f"""
    CREATE TABLE totals (
        name TEXT NOT NULL,
        purpose TEXT NOT NULL,
        annotations BIGINT NOT NULL,
        {_USAGE_COLUMNS},
        PRIMARY KEY (name, purpose)
    )
    """,
)

_FILL = (
    f"""
    INSERT INTO annotations (
        id, item_id, stage, annotator, round, revision, kind, purpose, task_version, answer,
        confidence, probabilities, exact, decision, rationale, reason, provenance, flags, created,
        {_USAGE_NAMES}
    )
    SELECT
        id, item_id, annotator, annotator, round, 0, kind, 'train', 1, migrated_answers.answer,
        confidence, probabilities, exact, decision, rationale, NULL, provenance, flags, created,
        {_USAGE_NAMES}
    FROM annotations_v1 LEFT JOIN migrated_answers ON migrated_answers.label = annotations_v1.label
    ORDER BY id
    """,
    """
    INSERT INTO decisions (annotation, rule, outcome, round, time)
    SELECT id, 'router', decision, round, created FROM annotations ORDER BY id
    """,
    f"""
    INSERT INTO totals (name, purpose, annotations, {_USAGE_NAMES})
    SELECT annotator, 'train', count(*), {_USAGE_SUMS} FROM annotations GROUP BY annotator
    """,
    f"""
    INSERT INTO totals (name, purpose, annotations, {_USAGE_NAMES})
    SELECT purpose, '', 0, {_USAGE_SUMS} FROM spending GROUP BY purpose
    """,
    "CREATE INDEX annotations_by_stage ON annotations (stage, round)",
    "CREATE INDEX decisions_later ON decisions (annotation, id) WHERE rule != 'router'",
    "DROP TABLE migrated_answers",
)


def to_version_2(connection: sa.Connection) -> None:
    """From version 1."""
    postgresql = connection.dialect.name == "postgresql"
    types = {
        "serial": "BIGSERIAL" if postgresql else "INTEGER",
        "double": "DOUBLE PRECISION" if postgresql else "DOUBLE",
    }
    connection.exec_driver_sql("ALTER TABLE annotations RENAME TO annotations_v1")
    connection.exec_driver_sql("DROP INDEX annotations_by_annotator")
    if postgresql:
        connection.exec_driver_sql("ALTER TABLE annotations_v1 DROP CONSTRAINT annotations_key")
    for statement in _TABLES:
        connection.exec_driver_sql(statement.format(**types))
    _encode_answers(connection)
    for statement in _FILL:
        connection.exec_driver_sql(statement)
    if postgresql:
        connection.exec_driver_sql(
            "SELECT setval(pg_get_serial_sequence('annotations', 'id'), max(id)) "
            "FROM annotations HAVING max(id) IS NOT NULL"
        )
    else:
        connection.exec_driver_sql("DROP TABLE annotations_v1")
    connection.execute(
        sa.text(
            "INSERT INTO task_versions (version, fingerprint, task, reason, time) "
            "SELECT 1, value, NULL, NULL, :now FROM identity WHERE field = 'task'"
        ),
        {"now": time.time()},
    )


def _encode_answers(connection: sa.Connection) -> None:
    """Every label as JSON, the same on both databases."""
    connection.exec_driver_sql(
        "CREATE TEMPORARY TABLE migrated_answers (label TEXT PRIMARY KEY, answer TEXT NOT NULL)"
    )
    labels = connection.exec_driver_sql(
        "SELECT DISTINCT label FROM annotations_v1 WHERE label IS NOT NULL"
    ).scalars()
    rows = [{"label": one, "answer": json.dumps(one)} for one in labels]
    if rows:
        connection.execute(sa.text("INSERT INTO migrated_answers VALUES (:label, :answer)"), rows)
