"""What holds on PostgreSQL only. The other tests run on it too where it is there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from llmal.errors import LedgerError
from llmal.ledger import Ledger


def test_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"not installed; pip install 'llmal\[postgres\]'"):
        Ledger.open("postgresql://me@127.0.0.1:1/database")


@pytest.mark.skipif(
    "LLMAL_TEST_POSTGRES" not in os.environ,
    reason="LLMAL_TEST_POSTGRES holds no URL of a PostgreSQL database, so no test ran on one",
)
def test_database_may_serve_others_but_not_under_the_names_of_the_ledger(
    place: str, tmp_path: Path
) -> None:
    if tmp_path.as_posix() in place:
        pytest.skip("an SQLite file is the ledger's own")
    engine = sa.create_engine(place)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE invoices (id int)")
    Ledger.open(place).close()
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE llmal_ledger")
    engine.dispose()
    with pytest.raises(LedgerError, match="it has the table 'annotations' of something else"):
        Ledger.open(place)
