"""Reading annotations: one by one, of some items, and who has answered what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from llmal.core.records import Annotation, AnnotatorKind, Purpose
from llmal.ledger import schema
from llmal.ledger.database import Database
from llmal.ledger.decisions import outcome
from llmal.ledger.recording import superseded
from llmal.ledger.rows import annotation_of, round_to_store
from llmal.ledger.translation import Reading

_PAGE = 4096
_ITEMS_AT_ONCE = 1024


class Annotations:
    """Reads the annotations of a ledger.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def stream(
        self,
        round: int | None,
        annotator: str | None,
        kind: AnnotatorKind | None,
        purpose: Purpose | None,
        after: int,
    ) -> Iterator[Annotation]:
        """All annotations in order of insertion, or some; see `Ledger.annotations`."""
        query = sa.select(schema.ANNOTATIONS).where(_TABLE.id > after)
        if round is not None:
            query = query.where(_TABLE.round == round_to_store(round))
        if annotator is not None:
            query = query.where(_TABLE.annotator == annotator)
        if kind is not None:
            query = query.where(_TABLE.kind == kind)
        if purpose is not None:
            query = query.where(_TABLE.purpose == purpose)
        return map(annotation_of, self._pages(query.order_by(_TABLE.id).limit(_PAGE)))

    def last(self) -> int:
        """The number of the last annotation; see `Ledger.last_annotation`."""
        with self._database.read() as connection:
            return connection.scalar(_LAST) or 0

    def _pages(self, first: sa.Select[*tuple[Any, ...]]) -> Iterator[sa.Row[*tuple[Any, ...]]]:
        """The rows of a query, up to the last one there is now.

        Read page by page with a transaction each: a reader that stops half-way, or takes hours,
        holds no connection and keeps no write-ahead log from being folded in.
        """
        with self._database.read() as connection:
            last = connection.scalar(_LAST) or 0
            rows = connection.execute(first).all()
        while rows:
            yield from (row for row in rows if row.id <= last)
            if len(rows) < _PAGE:
                return
            page = first.where(_TABLE.id > rows[-1].id, _TABLE.id <= last)
            with self._database.read() as connection:
                rows = connection.execute(page).all()

    def of_items(self, item_ids: Sequence[str]) -> dict[str, list[Annotation]]:
        """All annotations of some items, by item; see `Ledger.annotations_of`."""
        found: dict[str, list[Annotation]] = {one: [] for one in item_ids}
        left = iter(found)
        while some := list(islice(left, _ITEMS_AT_ONCE)):
            with self._database.read() as connection:
                for row in connection.execute(_OF_ITEMS, {"item_ids": some}):
                    found[row.item_id].append(annotation_of(row))
        return found

    def say_more(self) -> bool:
        """Whether there is more than first answers; see `Ledger.has_more_than_first_answers`."""
        with self._database.read() as connection:
            return connection.execute(_NOT_PLAIN).first() is not None

    def annotated(self, stage: str, round: int | None) -> set[str]:
        """The items that were answered at a stage in a round."""
        return self._items(_ANNOTATED, stage, round)

    def workers(self, stage: str, round: int | None) -> dict[str, dict[str, bool]]:
        """Who has answered which items at a stage in a round; see `Ledger.workers`."""
        asked = {"stage": stage, "round": round_to_store(round)}
        found: dict[str, dict[str, bool]] = {}
        with self._database.read() as connection:
            # Of a worker's answers the last one stands.
            for item_id, worker, answer in connection.execute(_WORKERS, asked):
                found.setdefault(item_id, {})[worker] = answer is not None
        return found

    def abstained(self, stage: str, reading: Reading) -> set[str]:
        """The items for which somebody at a stage had no label, in whatever round."""
        with self._database.read() as connection:
            rows = connection.execute(_ABSTAINED, {"stage": stage}).all()
        answers = zip(rows, reading.answers(rows), strict=True)
        return {row.item_id for row, answer in answers if answer is None}

    def deferred(self, stage: str, round: int | None) -> set[str]:
        """The items that were answered at a stage in a round and that go to the next stage."""
        return self._items(_DEFERRED, stage, round)

    def _items(self, query: sa.Select[tuple[str]], stage: str, round: int | None) -> set[str]:
        asked = {"stage": stage, "round": round_to_store(round)}
        with self._database.read() as connection:
            return set(connection.scalars(query, asked))


_TABLE = schema.ANNOTATIONS.c
# Made once: to build a query takes longer than to run it.
_OF_ITEMS = (
    sa.select(schema.ANNOTATIONS)
    .where(_TABLE.item_id.in_(sa.bindparam("item_ids", expanding=True)))
    .order_by(_TABLE.id)
)
_LAST = sa.select(sa.func.max(_TABLE.id))
_AT_STAGE = sa.select(_TABLE.item_id).where(_TABLE.stage == sa.bindparam("stage"))
_ANNOTATED = _AT_STAGE.where(_TABLE.round == sa.bindparam("round"))
_WORKERS = (
    sa.select(_TABLE.item_id, _TABLE.annotator, _TABLE.answer)
    .where(_TABLE.stage == sa.bindparam("stage"), _TABLE.round == sa.bindparam("round"))
    .order_by(_TABLE.revision, _TABLE.id)
)
_ABSTAINED = sa.select(
    _TABLE.item_id, _TABLE.answer, _TABLE.kind, _TABLE.task_version, _TABLE.content
).where(_TABLE.stage == sa.bindparam("stage"), _TABLE.answer.is_(None), ~superseded())
_DEFERRED = _ANNOTATED.where(outcome() == "deferred", ~superseded())
_NOT_PLAIN = (
    sa.select(_TABLE.id)
    .where(
        sa.or_(
            _TABLE.stage != _TABLE.annotator,
            _TABLE.purpose != "train",
            _TABLE.task_version != 1,
            _TABLE.revision != 0,
        )
    )
    .limit(1)
)
