"""Running totals of what was spent, kept in the transaction that records what it bought."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from llmal.core.records import Usage
from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.rows import USAGE_FIELDS, usage_of

NO_PURPOSE = ""
"""What the totals of `Ledger.spend` have in place of the purpose of an annotation."""


class Totals:
    """What annotators and other purposes have cost so far, and how many annotations there are.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def usage(self) -> dict[str, Usage]:
        """Costs by annotator and by purpose of `spend`."""
        return self._by_name(_USAGE)

    def annotation_usage(self) -> dict[str, Usage]:
        """What annotations cost, by annotator."""
        return self._by_name(_ANNOTATION_USAGE)

    def annotations(self) -> int:
        """How many annotations there are."""
        with self._database.read() as connection:
            return int(connection.scalar(_COUNT) or 0)

    def _by_name(self, query: sa.Select[*tuple[Any, ...]]) -> dict[str, Usage]:
        total: defaultdict[str, Usage] = defaultdict(Usage)
        with self._database.read() as connection:
            for row in connection.execute(query):
                total[row.name] += usage_of(row)
        return dict(total)


def add_annotations(connection: sa.Connection, after: int) -> None:
    """Add what the annotations cost whose numbers are higher than one."""
    connection.execute(_ADD_ANNOTATIONS, {"after": after})


def add_expense(connection: sa.Connection, row: Mapping[str, Any]) -> None:
    """Add a row of `spending`."""
    connection.execute(_ADD_EXPENSE, row)


_TOTALS = schema.TOTALS
# Made once: to build a query takes longer than to run it.
_USAGE = sa.select(_TOTALS).order_by(_TOTALS.c.purpose == NO_PURPOSE, _TOTALS.c.name)
_ANNOTATION_USAGE = (
    sa.select(_TOTALS).where(_TOTALS.c.purpose != NO_PURPOSE).order_by(_TOTALS.c.name)
)
_COUNT = sa.select(sa.func.sum(_TOTALS.c.annotations))

_COLUMNS = ", ".join(USAGE_FIELDS)
_SUMS = ", ".join(f"sum({one})" for one in USAGE_FIELDS)
_UPDATE = "ON CONFLICT (name, purpose) DO UPDATE SET " + ", ".join(
    f"{one} = totals.{one} + excluded.{one}" for one in ("annotations", *USAGE_FIELDS)
)
_ADD_ANNOTATIONS = sa.text(
    f"INSERT INTO totals (name, purpose, annotations, {_COLUMNS}) "
    f"SELECT annotator, purpose, count(*), {_SUMS} FROM annotations WHERE id > :after "
    f"GROUP BY annotator, purpose ORDER BY annotator, purpose {_UPDATE}"
)
_VALUES = ", ".join(f":{one}" for one in USAGE_FIELDS)
_ADD_EXPENSE = sa.text(
    f"INSERT INTO totals (name, purpose, annotations, {_COLUMNS}) "
    f"VALUES (:purpose, '{NO_PURPOSE}', 0, {_VALUES}) {_UPDATE}"
)
