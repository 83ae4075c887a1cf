"""The tables of the ledger. Nothing in them is changed once written, but for queue, leases and
totals.

The same tables serve SQLite and PostgreSQL. They have no foreign keys: the order in which the
ledger is written already says what depends on what, and an append stays one index look-up.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.types import TypeDecorator

from llmal.core.json_form import json_form
from llmal.core.records import Answer

SCHEMA_VERSION = 4
"""Raise it with every change of the tables, and say in `migrations` how the ledgers of the version
before become those of the new one. A ledger of a newer version is refused."""

NO_ROUND = -1
"""How "outside a run" is stored: two NULLs differ in SQL, so a key with one is never unique."""


# Made once: building them anew for every value takes as long as their work.
_encode = json.JSONEncoder(default=json_form).encode
_decode = json.JSONDecoder().decode


def as_read(value: Any) -> Any:
    """Plain data as they are read back from JSON: tuples as lists, keys as texts."""
    return _decode(_encode(value))


class JsonText(TypeDecorator[Any]):
    """JSON kept as the text that Python wrote.

    PostgreSQL's own JSON types would reorder keys or refuse NaN; as text, what is read back is what
    was written, to the last bit of every float, on both databases.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else _encode(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else _decode(value)


class AnswerText(TypeDecorator[Answer]):
    """An answer as JSON; a list of labels is read as a tuple."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Answer | None, dialect: Dialect) -> str | None:
        return None if value is None else _answer_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Answer | None:
        return None if value is None else _answer(value)


@functools.lru_cache(maxsize=4096)
def _answer_text(answer: Answer) -> str:
    return _encode(answer)


@functools.lru_cache(maxsize=4096)
def _answer(text: str) -> Answer:
    """The answer in a text; the same few come again and again."""
    value = _decode(text)
    return tuple(value) if isinstance(value, list) else str(value)


# SQLite numbers rows by itself only in a column of exactly the type INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")


def _usage() -> list[Column[Any]]:
    return [
        Column("requests", BigInteger, nullable=False),
        Column("prompt_tokens", BigInteger, nullable=False),
        Column("completion_tokens", BigInteger, nullable=False),
        Column("cached_tokens", BigInteger, nullable=False),
        Column("seconds", Double, nullable=False),
        Column("money", Double, nullable=False),
        Column("human_labels", BigInteger, nullable=False),
    ]


METADATA = MetaData()

VERSION = Table(
    "llmal_ledger",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
)

IDENTITY = Table(
    "identity",
    METADATA,
    Column("field", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

TASK_VERSIONS = Table(
    "task_versions",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    # Not unique: a task may be changed back.
    Column("fingerprint", Text, nullable=False),
    # NULL for the task of a ledger that did not keep it.
    Column("task", JsonText),
    Column("reason", Text),
    Column("time", Double, nullable=False),
    # What labels of the version before are in this one; NULL in the first.
    Column("label_map", JsonText),
    # What each label was said to have been, as the task had it.
    Column("origins", JsonText),
    Column("asks_again", Boolean, nullable=False),
    # Rounds that had begun when it was recorded.
    Column("rounds", Integer, nullable=False),
)

POOL_VERSIONS = Table(
    "pool_versions",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", Text, nullable=False),
    # NULL for the pool of a ledger that kept its fingerprint alone, as the next two.
    Column("items", Integer),
    Column("columns", JsonText),
    # Hashes of the ids in their order, eight bytes each.
    Column("ids", LargeBinary),
    Column("reason", Text),
    Column("time", Double, nullable=False),
    Column("rounds", Integer, nullable=False),
)

ANNOTATIONS = Table(
    "annotations",
    METADATA,
    Column("id", _Serial, primary_key=True),
    Column("item_id", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("annotator", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("task_version", Integer, nullable=False),
    Column("answer", AnswerText),
    # Derived from probabilities, so that reading the labels of a whole pool parses no JSON.
    Column("confidence", Double),
    Column("probabilities", JsonText),
    Column("exact", Boolean, nullable=False),
    Column("decision", Text, nullable=False),
    Column("rationale", Text),
    Column("reason", Text),
    Column("provenance", JsonText, nullable=False),
    Column("flags", JsonText, nullable=False),
    Column("created", Double, nullable=False),
    *_usage(),
    # Hashes of the texts that it is about, as `content_of` has them; NULL where nobody said so.
    Column("content", Text),
    # It leads with item_id and so is the index for looking up an item too.
    UniqueConstraint("item_id", "stage", "annotator", "round", "revision", name="annotations_key"),
    Index("annotations_by_stage", "stage", "round"),
)

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("id", _Serial, primary_key=True),
    Column("annotation", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("time", Double, nullable=False),
)

ROUTER = "router"
"""The rule of the decision that an annotation comes with."""

LATER_DECISION = DECISIONS.c.rule != literal_column(f"'{ROUTER}'")
"""A decision that takes the place of the one that its annotation came with. Not a parameter: the
databases use the index below for this condition alone."""

# Nearly all decisions are those that annotations come with, and stand in the annotations too.
Index(
    "decisions_later",
    DECISIONS.c.annotation,
    DECISIONS.c.id,
    sqlite_where=LATER_DECISION,
    postgresql_where=LATER_DECISION,
)

TOTALS = Table(
    "totals",
    METADATA,
    # An annotator, or what `spend` was called with; the purpose is empty for the latter.
    Column("name", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("annotations", BigInteger, nullable=False),
    *_usage(),
)

ROUNDS = Table(
    "rounds",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("phase", Text, nullable=False),
    Column("selector", Text, nullable=False),
    Column("started", Double, nullable=False),
)

PICKS = Table(
    "picks",
    METADATA,
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("item_id", Text, nullable=False),
    # NULL is NaN: SQLite has no NaN.
    Column("score", Double),
    Column("why", Text, nullable=False),
)

ROUND_ENDS = Table(
    "round_ends",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("finished", Double, nullable=False),
    Column("metrics", JsonText, nullable=False),
)

EVENTS = Table(
    "events",
    METADATA,
    Column("id", _Serial, primary_key=True),
    Column("time", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("data", JsonText, nullable=False),
)

SYNTHETIC = Table(
    "synthetic",
    METADATA,
    Column("row", _Serial, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("generator", Text, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("refused_by", Text),
    Column("reason", Text),
    Column("provenance", JsonText, nullable=False),
    *_usage(),
)

SPENDING = Table(
    "spending",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("time", Double, nullable=False),
    *_usage(),
)

QUEUE = Table(
    "queue",
    METADATA,
    Column("id", _Serial, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("item_id", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("answered", Double),
    UniqueConstraint("queue", "item_id", "round", name="queue_key"),
)

Index(
    "queue_open",
    QUEUE.c.queue,
    QUEUE.c.id,
    sqlite_where=QUEUE.c.answered.is_(None),
    postgresql_where=QUEUE.c.answered.is_(None),
)

LEASES = Table(
    "leases",
    METADATA,
    Column("stage", Text, primary_key=True),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("item_id", Text, primary_key=True),
    Column("worker", Text, primary_key=True),
    Column("until", Double, nullable=False),
)

FROZEN_LABELS = Table(
    "frozen_labels",
    METADATA,
    # The round in which people were first asked about the audit.
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("fingerprint", Text, nullable=False),
    # Labels, order and plan as plain data; positions in it are those of the next two.
    Column("labels", JsonText, nullable=False),
    Column("item_ids", JsonText, nullable=False),
    # Hashes of the texts, as `content_of` has them.
    Column("contents", JsonText, nullable=False),
    Column("task_version", Integer, nullable=False),
    Column("pool_version", Integer, nullable=False),
    Column("time", Double, nullable=False),
)

CERTIFICATES = Table(
    "certificates",
    METADATA,
    Column("id", _Serial, primary_key=True),
    # The fingerprint of the labels that were audited, and the round of the last answer.
    Column("frozen", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("certificate", JsonText, nullable=False),
    Column("time", Double, nullable=False),
)
