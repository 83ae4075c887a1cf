"""How ledgers of earlier versions become those of the present one, a step for each version.

A step is plain SQL that serves SQLite and PostgreSQL. It knows the tables as they were, not those
of `schema.py`, which may have changed since. All steps run in the transaction that is given, so a
process that is killed in one leaves the ledger as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from llmal.ledger.migrations.version_2 import to_version_2
from llmal.ledger.migrations.version_3 import to_version_3
from llmal.ledger.migrations.version_4 import to_version_4

Step = Callable[[sa.Connection], None]

STEPS: Mapping[int, Step] = {2: to_version_2, 3: to_version_3, 4: to_version_4}
"""By the version that a step leads to, from the one before it."""


def migrate(connection: sa.Connection, version: int, wanted: int) -> None:
    """Bring a ledger from one version to a later one."""
    for number in range(version + 1, wanted + 1):
        STEPS[number](connection)
        connection.execute(
            sa.text("INSERT INTO llmal_ledger (version) VALUES (:number)"), {"number": number}
        )
