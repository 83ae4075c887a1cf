"""A place for a ledger on each of the two databases, so that one test speaks for both."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from llmal.ledger import Ledger

_POSTGRESQL = os.environ.get("LLMAL_TEST_POSTGRES")


@pytest.fixture(params=["sqlite", "postgresql"] if _POSTGRESQL else ["sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a ledger can be opened: a path, or a URL with an empty schema of its own."""
    if request.param == "sqlite":
        yield str(tmp_path / "ledger.sqlite")
        return
    assert _POSTGRESQL
    url = sa.make_url(_POSTGRESQL).set(drivername="postgresql+psycopg")
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


@pytest.fixture
def ledger(place: str) -> Iterator[Ledger]:
    with Ledger.open(place) as opened:
        yield opened
