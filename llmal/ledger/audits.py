"""What audits are of, and what they have shown."""

from __future__ import annotations

import time

import sqlalchemy as sa

from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.entries import FrozenLabels, RecordedCertificate
from llmal.ledger.rows import round_to_store


class Audits:
    """Writes and reads frozen labels and certificates; neither is ever changed.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # They never change, and none is put before another.
        self._frozen: list[FrozenLabels] = []

    def freeze(self, frozen: FrozenLabels) -> FrozenLabels:
        """Record frozen labels; see `Ledger.add_frozen`."""
        number = round_to_store(frozen.round)
        row = {**vars(frozen), "round": number, "time": time.time()}
        with self._database.write() as connection:
            self._database.insert_new(connection, schema.FROZEN_LABELS, [row])
            return _frozen_of(connection.execute(_OF_ROUND, {"number": number}).one())

    def frozen(self) -> list[FrozenLabels]:
        """All frozen labels in the order of their rounds."""
        known = self._frozen
        after = known[-1].round if known else schema.NO_ROUND
        with self._database.read() as connection:
            found = connection.execute(_FROZEN, {"after": after})
            self._frozen = [*known, *map(_frozen_of, found)]
        return [*self._frozen]

    def certify(self, one: RecordedCertificate) -> bool:
        """Record a certificate; see `Ledger.add_certificate`."""
        row = {**vars(one), "round": round_to_store(one.round), "time": time.time()}
        with self._database.write() as connection:
            self._database.one_at_a_time(connection, schema.CERTIFICATES)
            last = connection.execute(_LAST).first()
            new = last is None or (last.frozen, last.round, last.certificate) != (
                row["frozen"],
                row["round"],
                schema.as_read(one.certificate),
            )
            if new:
                connection.execute(sa.insert(schema.CERTIFICATES), row)
        return new

    def certificates(self) -> list[RecordedCertificate]:
        """All certificates, the first one first."""
        with self._database.read() as connection:
            return [
                RecordedCertificate(row.certificate, row.frozen, row.round, row.time)
                for row in connection.execute(_CERTIFICATES)
            ]


def _frozen_of(row: sa.Row[*tuple[object, ...]]) -> FrozenLabels:
    return FrozenLabels(
        row.round,
        row.fingerprint,
        row.labels,
        tuple(row.item_ids),
        tuple(row.contents),
        row.task_version,
        row.pool_version,
        row.time,
    )


_FROZEN = (
    sa.select(schema.FROZEN_LABELS)
    .where(schema.FROZEN_LABELS.c.round > sa.bindparam("after"))
    .order_by(schema.FROZEN_LABELS.c.round)
)
_OF_ROUND = sa.select(schema.FROZEN_LABELS).where(
    schema.FROZEN_LABELS.c.round == sa.bindparam("number")
)
_CERTIFICATES = sa.select(schema.CERTIFICATES).order_by(schema.CERTIFICATES.c.id)
_LAST = sa.select(schema.CERTIFICATES).order_by(schema.CERTIFICATES.c.id.desc()).limit(1)
