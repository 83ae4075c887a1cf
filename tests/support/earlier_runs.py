"""Run directories as llmal wrote them when its ledger had version 1, 2 or 3.

`version_1/NAME.sql` is the ledger of a run that was made by that llmal and written out as SQL,
`NAME.yaml` the configuration in its directory, and `exports.json` says what that llmal exported.

- model: objective `model`, similarity and people from the gold column, finished.
- labels: objective `labels`, the same, finished.
- waiting: objective `labels`, in a review, people have answered 4 of 6 in the file.
- generator: objective `model`, a language model, synthetic items, finished.
- killed: objective `model`, killed in round 1 when the machine had answered.

`version_2/corrected.sql` is that of a campaign of `told_answers`, objective `labels`, in a review,
two answers of people corrected; `version_2/leased.sql` is one with leases, made by hand.

`version_3/audited.sql` is that of a campaign of `told_answers`, objective `labels`, with an audit
of 4 items at the beginning, in a review, two answers of people corrected.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

FOLDER = Path(__file__).resolve().parent / "version_1"
NAMES = ("generator", "killed", "labels", "model", "waiting")
EXPORTS: dict[str, dict[str, dict[str, Any]]] = json.loads((FOLDER / "exports.json").read_text())


def ledger_in_memory(name: str) -> sqlite3.Connection:
    """The ledger of a run."""
    connection = sqlite3.connect(":memory:")
    [file] = FOLDER.parent.glob(f"version_*/{name}.sql")
    connection.executescript(file.read_text(encoding="utf-8"))
    connection.row_factory = sqlite3.Row
    return connection


def rows_of(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """A table in order of insertion."""
    return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid")]


def write_ledger(name: str, place: str) -> None:
    """Put the ledger of a run into a file that is not there, or into an empty database."""
    with contextlib.closing(ledger_in_memory(name)) as source:
        if "://" not in place:
            with contextlib.closing(sqlite3.connect(place)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode = WAL")
            return
        engine = sa.create_engine(place)
        tables = "SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL"
        with engine.begin() as connection:
            for table, sql in source.execute(tables, ["table"]).fetchall():
                connection.exec_driver_sql(_of_postgresql(sql))
                for row in rows_of(source, table):
                    for key in ("exact", "accepted", "asks_again"):
                        if key in row:
                            row[key] = bool(row[key])
                    names = ", ".join(f":{name}" for name in row)
                    connection.execute(sa.text(f"INSERT INTO {table} VALUES ({names})"), row)
            for _, sql in source.execute(tables, ["index"]).fetchall():
                connection.exec_driver_sql(sql)
            names = {name for name, _ in source.execute(tables, ["table"])}
            for table, key in _SERIALS:
                if table not in names:
                    continue
                sequence = f"pg_get_serial_sequence('{table}', '{key.strip(chr(34))}')"
                connection.exec_driver_sql(
                    f"SELECT setval({sequence}, max({key})) FROM {table} "
                    f"HAVING max({key}) IS NOT NULL"
                )
        engine.dispose()


_SERIALS = (
    ("annotations", "id"),
    ("synthetic", '"row"'),
    ("queue", "id"),
    ("decisions", "id"),
    ("events", "id"),
)


def _of_postgresql(sql: str) -> str:
    sql = sql.replace(" DOUBLE", " DOUBLE PRECISION").replace(" BLOB", " BYTEA")
    for key in ("id", '"row"', "row"):
        sql = sql.replace(f"\t{key} INTEGER NOT NULL", f"\t{key} BIGSERIAL NOT NULL")
    return sql
