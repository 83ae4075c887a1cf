"""What the ledger says, and keeps, when the place that it is in fails."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from earlier_runs import write_ledger

from llmal.core.records import Annotation
from llmal.errors import LedgerError
from llmal.ledger import Ledger

_NOBODY = 65534


def _batch(number: int, size: int = 50) -> list[Annotation]:
    return [
        Annotation(f"{number}-{i}", "yes", "lm", "llm", rationale="x" * 500, round=0)
        for i in range(size)
    ]


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    """Run the block without the powers of root, which no permission stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other users can reach; pytest's own are closed to them."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o777)
    yield made
    made.chmod(0o777)
    shutil.rmtree(made)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow mounting a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _append_until_refused(ledger: Ledger) -> tuple[int, LedgerError]:
    for number in range(1000):
        try:
            ledger.append(_batch(number))
        except LedgerError as error:
            return number, error
    raise AssertionError("the disk never filled up")


def test_full_disk_loses_only_the_batch_that_did_not_fit(small_disk: Path) -> None:
    path = small_disk / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        fitted, error = _append_until_refused(ledger)
        assert "the disk is full: nothing of this batch was recorded; free some" in str(error)
        assert str(path) in str(error)
        assert fitted > 0
        kept = [one for number in range(fitted) for one in _batch(number)]
        assert [one.item_id for one in ledger.annotations()] == [one.item_id for one in kept]
        subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
        assert ledger.append(_batch(fitted)) == 50
    with Ledger.open(path) as ledger:
        assert len(list(ledger.annotations())) == 50 * (fitted + 1)


def test_full_database_loses_only_the_batch_that_did_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"

    def limit(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 60")

    Ledger.open(path).close()
    sa.event.listen(sa.Engine, "connect", limit)
    try:
        with Ledger.open(path) as ledger:
            fitted, error = _append_until_refused(ledger)
    finally:
        sa.event.remove(sa.Engine, "connect", limit)
    assert "the disk is full: nothing of this batch was recorded; free some" in str(error)
    assert fitted > 0
    with Ledger.open(path) as ledger:
        assert len(list(ledger.annotations())) == 50 * fitted
        assert ledger.append(_batch(fitted)) == 50
        assert len(list(ledger.annotations())) == 50 * (fitted + 1)


def _version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT max(version) FROM llmal_ledger").fetchone()[0])


def test_full_disk_leaves_an_old_ledger_as_it_is(small_disk: Path) -> None:
    path = small_disk / "ledger.sqlite"
    write_ledger("model", str(path))
    left = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(b"x" * (left - 60_000))
    with pytest.raises(LedgerError, match=r"ledger\.v1\.sqlite: the disk is full"):
        Ledger.open(path)
    assert _version(path) == 1
    assert {one.name for one in small_disk.iterdir()} == {"ledger.sqlite", "ballast"}
    (small_disk / "ballast").unlink()
    with Ledger.open(path) as ledger:
        assert ledger.annotation_count() == 90


def test_without_room_for_the_new_tables_an_old_ledger_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    write_ledger("model", str(path))

    def limit(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 30")

    sa.event.listen(sa.Engine, "connect", limit)
    try:
        with pytest.raises(LedgerError, match="the disk is full"):
            Ledger.open(path)
    finally:
        sa.event.remove(sa.Engine, "connect", limit)
    assert _version(path) == 1
    with Ledger.open(path) as ledger:
        assert ledger.annotation_count() == 90


def test_an_old_ledger_is_read_in_a_read_only_directory(open_directory: Path) -> None:
    path = open_directory / "ledger.sqlite"
    write_ledger("labels", str(path))
    _read_only(open_directory)
    before = path.read_bytes()
    with _unprivileged():
        with pytest.raises(LedgerError, match="read-only"):
            Ledger.open(path)
        with Ledger.open(path, read_only=True) as ledger:
            assert ledger.annotation_count() == 102
    assert path.read_bytes() == before
    assert [one.name for one in open_directory.iterdir()] == ["ledger.sqlite"]


def test_lock_held_for_too_long(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path, timeout=0.05) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"is locked by another process; nothing of this"):
            ledger.append(_batch(0))
        assert list(ledger.annotations()) == []
        other.execute("ROLLBACK")
        other.close()
        assert ledger.append(_batch(0)) == 50


def test_read_only_file(open_directory: Path) -> None:
    path = open_directory / "ledger.sqlite"
    with _unprivileged():
        Ledger.open(path).close()
        path.chmod(0o444)
        with (
            Ledger.open(path) as ledger,
            pytest.raises(LedgerError, match="read-only; nothing of this batch was recorded"),
        ):
            ledger.append(_batch(0))


def test_read_only_directory(open_directory: Path) -> None:
    closed = open_directory / "closed"
    with _unprivileged():
        closed.mkdir(mode=0o555)
        with pytest.raises(LedgerError, match="cannot be opened; see that it is a file, and that"):
            Ledger.open(closed / "ledger.sqlite")
        with pytest.raises(LedgerError, match=r"made or read \(permission denied\); choose a dir"):
            Ledger.open(closed / "run" / "ledger.sqlite")


def test_missing_directories_are_made(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "trec" / "ledger.sqlite"
    Ledger.open(path).close()
    assert path.is_file()


def test_directory_under_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(LedgerError, match=r"cannot be made or read \(.*\); choose a directory"):
        Ledger.open(tmp_path / "file" / "ledger.sqlite")


def test_directory_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="a ledger is a file, and this is a directory; give"):
        Ledger.open(tmp_path)


def test_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text,label\n" * 500)
    with pytest.raises(LedgerError, match=r"no ledger of llmal: it is not a database; choose"):
        Ledger.open(path)
    assert path.read_text() == "text,label\n" * 500


def test_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE invoices (id)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="it has the table 'invoices' of something else"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        for number in range(20):
            ledger.append(_batch(number))
    with path.open("r+b") as file:
        file.seek(4096 * 40)
        file.write(b"\xff" * 4096 * 60)
    with Ledger.open(path) as ledger, pytest.raises(LedgerError, match="the ledger is damaged"):
        list(ledger.annotations())


def test_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.touch()
    with Ledger.open(path) as ledger:
        assert ledger.append(_batch(0)) == 50


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/database", "cannot be kept in 'mysql'; give the path of a file, or a URL"),
        ("sqlite://", "cannot be kept in 'sqlite'; give the path of a file, or a URL"),
        ("nonsense://x", "cannot be kept in 'nonsense'; give the path of a file, or a URL"),
        ("://x", "URL of the ledger cannot be read; give the path of a file, or a URL"),
        ("postgresql://me:secret@127.0.0.1:1/db", "the database cannot be reached"),
    ],
)
def test_url_that_cannot_be_used(url: str, said: str) -> None:
    with pytest.raises(LedgerError) as raised:
        Ledger.open(url)
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)


def test_url_of_an_sqlite_file(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        ledger.append(_batch(0))
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert len(list(ledger.annotations())) == 50


def test_run_directory_of_another_task_is_named(tmp_path: Path) -> None:
    directory = tmp_path / "runs" / "trec"
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        ledger.bind(task_fingerprint="abc")
        with pytest.raises(LedgerError) as raised:
            ledger.bind(task_fingerprint="def")
    assert str(raised.value) == (
        f"run directory {directory} belongs to another task (task_fingerprint was abc, is def); "
        "choose another directory"
    )


def test_sqlite_is_durable_and_readable_while_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "ledger.sqlite"
    settings: list[int] = []

    def look(connection: sa.Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        settings.extend(driver.execute("PRAGMA synchronous").fetchone())

    sa.event.listen(sa.Engine, "commit", look)
    try:
        with caplog.at_level(logging.WARNING, "llmal"), Ledger.open(path) as ledger:
            ledger.append(_batch(0))
    finally:
        sa.event.remove(sa.Engine, "commit", look)
    full = 2
    assert settings
    assert set(settings) == {full}
    assert caplog.records == []
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def _read_only(directory: Path) -> None:
    for one in (*directory.iterdir(), directory):
        one.chmod(one.stat().st_mode & 0o555 | 0o444)


def test_a_ledger_is_read_in_a_read_only_directory(open_directory: Path) -> None:
    path = open_directory / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        ledger.append(_batch(0))
    _read_only(open_directory)
    with _unprivileged():
        with pytest.raises(LedgerError, match="is read-only"):
            Ledger.open(path)
        with Ledger.open(path, read_only=True) as ledger:
            assert len(list(ledger.annotations())) == 50
            with pytest.raises(LedgerError, match="opened to be read alone"):
                ledger.append(_batch(1))
    assert {one.name for one in open_directory.iterdir()} == {"ledger.sqlite"}


def test_what_a_killed_run_left_in_the_log_is_read_in_a_read_only_directory(
    open_directory: Path,
) -> None:
    with Ledger.open(open_directory / "first.sqlite") as ledger:
        ledger.append(_batch(0))
        # As after a kill: the last annotations stand in the write-ahead log alone.
        for name in ("first.sqlite", "first.sqlite-wal"):
            shutil.copy(open_directory / name, open_directory / name.replace("first", "killed"))
    for left in open_directory.glob("first*"):
        left.unlink()
    _read_only(open_directory)
    with (
        _unprivileged(),
        Ledger.open(open_directory / "killed.sqlite", read_only=True) as ledger,
    ):
        assert len(list(ledger.annotations())) == 50


def test_reading_creates_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger"):
        Ledger.open(tmp_path / "new" / "ledger.sqlite", read_only=True)
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(LedgerError, match="it is empty"):
        Ledger.open(tmp_path / "empty.sqlite", read_only=True)
    assert [one.name for one in tmp_path.iterdir()] == ["empty.sqlite"]
