"""Ledgers of earlier versions: opened, read as they are, and never lost."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from earlier_runs import NAMES, ledger_in_memory, rows_of, write_ledger

from llmal.core.records import Annotation, Usage
from llmal.errors import LedgerError
from llmal.ledger import Decided, FrozenLabels, Lease, Ledger, RecordedCertificate
from llmal.ledger.schema import SCHEMA_VERSION

_USAGE = (
    *("requests", "prompt_tokens", "completion_tokens", "cached_tokens", "seconds", "money"),
    "human_labels",
)


def _annotation(row: dict[str, Any]) -> Annotation:
    return Annotation(
        item_id=row["item_id"],
        label=row["label"],
        annotator=row["annotator"],
        kind=row["kind"],
        probabilities=None if row["probabilities"] is None else json.loads(row["probabilities"]),
        exact=bool(row["exact"]),
        decision=row["decision"],
        rationale=row["rationale"],
        usage=Usage(*(row[name] for name in _USAGE)),
        provenance=json.loads(row["provenance"]),
        flags=tuple(json.loads(row["flags"])),
        round=None if row["round"] == -1 else row["round"],
        created=row["created"],
    )


def _labels(rows: list[dict[str, Any]]) -> dict[str, Decided]:
    """As version 1 had them."""
    decided: dict[str, Decided] = {}
    for row in rows:
        if row["label"] is None or (row["kind"] != "human" and row["decision"] != "accepted"):
            continue
        standing = decided.get(row["item_id"])
        if standing is None or row["kind"] == "human" or standing.kind != "human":
            decided[row["item_id"]] = Decided(
                row["label"], row["kind"], row["annotator"], row["confidence"], row["round"]
            )
    return decided


def _dump(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_there(place: str, name: str) -> None:
    write_ledger(name, place)
    with contextlib.closing(ledger_in_memory(name)) as source:
        tables = {
            table: rows_of(source, table)
            for table in ("annotations", "identity", "rounds", "events", "synthetic", "queue")
        }
        spending = rows_of(source, "spending")
    annotations = tables["annotations"]
    with Ledger.open(place) as ledger:
        assert list(ledger.annotations()) == [_annotation(row) for row in annotations]
        assert list(ledger.labels().items()) == list(_labels(annotations).items())
        assert ledger.annotation_count() == len(annotations)
        assert ledger.identity == {row["field"]: row["value"] for row in tables["identity"]}
        assert [one.number for one in ledger.rounds()] == [
            row["number"] for row in tables["rounds"]
        ]
        assert [one.message for one in ledger.events()] == [
            row["message"] for row in tables["events"]
        ]
        assert [one.text for one in ledger.synthetic()] == [
            row["text"] for row in tables["synthetic"]
        ]
        assert [one.item_id for one in ledger.queue.entries()] == [
            row["item_id"] for row in tables["queue"]
        ]
        assert [(one.item_id, one.rule, one.outcome) for one in ledger.decisions()] == [
            (row["item_id"], "router", row["decision"]) for row in annotations
        ]
        assert [one.fingerprint for one in ledger.task_versions()] == [ledger.identity["task"]]
        for figure in _USAGE:
            expected = sum(row[figure] for row in [*annotations, *spending])
            assert getattr(ledger.total_usage(), figure) == pytest.approx(expected)
        for annotator in {row["annotator"] for row in annotations}:
            own = [row["requests"] for row in annotations if row["annotator"] == annotator]
            assert ledger.annotation_usage()[annotator].requests == sum(own)
        # It can be written to as one that was new.
        again = _annotation(annotations[0])
        assert ledger.append([again]) == 0
        assert ledger.append([Annotation("new", "sport", "anna", "human", round=0)]) == 1
        assert ledger.labels()["new"].label == "sport"
        assert ledger.annotation_count() == len(annotations) + 1


def test_of_version_2_leases_are_kept_in_a_table_of_their_own(place: str) -> None:
    write_ledger("leased", place)
    with Ledger.open(place) as ledger:
        assert ledger.leases.all() == [
            Lease("human", "a", 0, "anna", 1060.0),
            Lease("human", "b", 0, "anna", 1060.0),
            Lease("human", "c", 0, "ben", 1090.0),
        ]
        assert [(one.item_id, one.answered) for one in ledger.queue.entries()] == [
            ("a", 1001.0),
            ("b", None),
            ("c", None),
            ("d", None),
        ]
        assert ledger.workers("human", 0) == {
            "a": {"anna": True, "ben": True},
            "d": {"eve": True},
        }
        assert {id: one.label for id, one in ledger.labels().items()} == {"a": "cow", "b": "dog"}
        assert ledger.total_usage().human_labels == 3
        taken = ledger.leases.take(
            "human", "eve", dict.fromkeys("bcd", 1), round=0, seconds=60, now=lambda: 1070.0
        )
        assert taken == ["b"]


@pytest.mark.parametrize("name", ["killed", "corrected", "audited"])
def test_tables_are_those_of_a_new_ledger(place: str, tmp_path: Path, name: str) -> None:
    write_ledger(name, place)
    Ledger.open(place).close()
    if "://" in place:
        pytest.skip("the types are compared on SQLite")
    Ledger.open(tmp_path / "new.sqlite").close()
    found = []
    for path in (place, str(tmp_path / "new.sqlite")):
        engine = sa.create_engine(f"sqlite:///{path}")
        inspector = sa.inspect(engine)
        found.append(
            {
                table: (
                    [{**one, "type": str(one["type"])} for one in inspector.get_columns(table)],
                    inspector.get_pk_constraint(table),
                    sorted(inspector.get_unique_constraints(table), key=str),
                    sorted((one["name"], one["column_names"], one["unique"]) for one in indexes),
                )
                for table in sorted(inspector.get_table_names())
                for indexes in [inspector.get_indexes(table)]
            }
        )
        engine.dispose()
    assert found[0] == found[1]


def test_the_old_file_is_kept(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    write_ledger("model", str(place))
    before = _dump(place)
    Ledger.open(place).close()
    assert _dump(tmp_path / "ledger.v1.sqlite") == before
    Ledger.open(place).close()
    assert {one.name for one in tmp_path.iterdir()} == {"ledger.sqlite", "ledger.v1.sqlite"}


def test_read_alone_it_is_left_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    write_ledger("model", str(place))
    before = place.read_bytes()
    with Ledger.open(place, read_only=True) as ledger:
        assert ledger.annotation_count() == 90
        with pytest.raises(LedgerError, match="read alone"):
            ledger.event("a", "b")
    assert place.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.sqlite"]


def test_a_server_is_not_changed_by_who_only_reads(place: str) -> None:
    if "://" not in place:
        pytest.skip("a file is read in a copy")
    write_ledger("model", place)
    with pytest.raises(LedgerError, match=rf"has version 1.*brought to version {SCHEMA_VERSION}"):
        Ledger.open(place, read_only=True)
    Ledger.open(place).close()
    Ledger.open(place, read_only=True).close()


def test_without_room_for_a_copy_nothing_is_changed(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    write_ledger("model", str(place))
    before = _dump(place)
    (tmp_path / "ledger.v1.sqlite").mkdir()
    with pytest.raises(LedgerError, match=r"ledger\.v1\.sqlite"):
        Ledger.open(place)
    assert _dump(place) == before
    (tmp_path / "ledger.v1.sqlite").rmdir()
    Ledger.open(place).close()
    assert _dump(tmp_path / "ledger.v1.sqlite") == before


def _opened_and_killed(place: str, statement: int) -> bool:
    """Open in a process of its own that ends at one of its statements; whether it came so far."""
    child = os.fork()
    if not child:
        count = 0

        def end(*_: object) -> None:
            nonlocal count
            count += 1
            if count == statement:
                os.kill(os.getpid(), 9)

        sa.event.listen(sa.Engine, "before_cursor_execute", end)
        sa.event.listen(sa.Engine, "commit", end)
        try:
            Ledger.open(place).close()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9


def _raw(place: str, query: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(place if "://" in place else f"sqlite:///{place}")
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql(query)]
    engine.dispose()
    return rows


def test_killed_at_every_statement_the_old_one_is_whole(place: str) -> None:
    write_ledger("killed", place)
    query = "SELECT id, item_id, label, decision, created, provenance FROM annotations ORDER BY id"
    before = _raw(place, query)
    assert len(before) == 27
    statement = 1
    while _opened_and_killed(place, statement):
        assert _raw(place, "SELECT max(version) FROM llmal_ledger") == [(1,)]
        assert _raw(place, query) == before
        statement += 1
    assert statement > 20
    assert _raw(place, "SELECT max(version) FROM llmal_ledger") == [(SCHEMA_VERSION,)]
    with Ledger.open(place) as ledger:
        assert ledger.annotation_count() == 27
        assert [one.item_id for one in ledger.annotations()] == [row[1] for row in before]


def test_opened_by_many_at_once_it_is_migrated_once(place: str) -> None:
    write_ledger("labels", place)
    counts: list[int] = []

    def read() -> None:
        with Ledger.open(place) as ledger:
            counts.append(len(list(ledger.decisions())))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert counts == [102] * 8


def test_of_version_2_everything_is_there_and_answers_read_as_before(place: str) -> None:
    write_ledger("corrected", place)
    with contextlib.closing(ledger_in_memory("corrected")) as source:
        rows = rows_of(source, "annotations")
        identity = {row["field"]: row["value"] for row in rows_of(source, "identity")}
        words = json.loads(rows_of(source, "task_versions")[0]["task"])
    with Ledger.open(place) as ledger:
        found = list(ledger.annotations())
        assert [(one.item_id, one.label, one.revision, one.reason) for one in found] == [
            (
                row["item_id"],
                None if row["answer"] is None else json.loads(row["answer"]),
                row["revision"],
                row["reason"],
            )
            for row in rows
        ]
        assert all(one.content is None for one in found)
        [task], [pool] = ledger.task_versions(), ledger.pool_versions()
        assert (task.fingerprint, task.task) == (identity["task"], words)
        assert (task.label_map, task.asks_again, task.rounds) == ({}, False, 0)
        assert (pool.version, pool.fingerprint, pool.ids) == (1, identity["pool"], None)
        assert len(ledger.labels()) == 13
        assert sum(one.reason == "typed wrongly" for one in found) == 2


def test_of_version_3_everything_is_there_and_there_is_room_for_certificates(place: str) -> None:
    write_ledger("audited", place)
    with contextlib.closing(ledger_in_memory("audited")) as source:
        rows = rows_of(source, "annotations")
        [words] = [json.loads(one["task"]) for one in rows_of(source, "task_versions")]
        [pool] = rows_of(source, "pool_versions")
    with Ledger.open(place) as ledger:
        assert [
            (one.item_id, one.purpose, one.revision, one.content) for one in ledger.annotations()
        ] == [(row["item_id"], row["purpose"], row["revision"], row["content"]) for row in rows]
        assert [one.task for one in ledger.task_versions()] == [words]
        assert [(one.fingerprint, one.ids) for one in ledger.pool_versions()] == [
            (pool["fingerprint"], pool["ids"])
        ]
        assert len(ledger.labels(purposes=["audit"])) == 4
        assert (ledger.frozen(), ledger.certificates()) == ([], [])
        frozen = FrozenLabels(5, "f", {"seed": 1}, ("a",), ("x",), 1, 1)
        assert ledger.add_frozen(frozen).labels == {"seed": 1}
        assert ledger.add_certificate(RecordedCertificate({"holds": True}, "f", 6))


@pytest.mark.parametrize("name", ["corrected", "audited"])
def test_killed_at_every_statement_later_versions_are_whole_too(place: str, name: str) -> None:
    write_ledger(name, place)
    query = "SELECT id, item_id, answer, created, provenance FROM annotations ORDER BY id"
    before = _raw(place, query)
    version = _raw(place, "SELECT max(version) FROM llmal_ledger")
    statement = 1
    while _opened_and_killed(place, statement):
        assert _raw(place, "SELECT max(version) FROM llmal_ledger") == version
        assert _raw(place, query) == before
        statement += 1
    assert statement > 5
    assert _raw(place, "SELECT max(version) FROM llmal_ledger") == [(SCHEMA_VERSION,)]
    assert _raw(place, query) == before
