"""Where a ledger can be: a file, and a PostgreSQL server if there is one."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

POSTGRESQL = os.environ.get("LLMAL_TEST_POSTGRES")
KINDS = ["sqlite", "postgresql"] if POSTGRESQL else ["sqlite"]


@contextlib.contextmanager
def ledger_place(kind: str, folder: Path) -> Iterator[str]:
    """The path of a ledger that is not there yet, or the URL of an empty schema of its own."""
    if kind == "sqlite":
        yield str(folder / "ledger.sqlite")
        return
    assert POSTGRESQL
    url = sa.make_url(POSTGRESQL).set(drivername="postgresql+psycopg")
    schema = f"llmal_test_{uuid.uuid4().hex}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    try:
        own = url.update_query_dict({"options": f"-csearch_path={schema}"})
        yield own.render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
        engine.dispose()
