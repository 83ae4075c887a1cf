"""Answers on disk: durable, shared, and told apart by everything that they depend on."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from llmal.errors import LanguageModelError
from llmal.lm import ResponseCache
from llmal.lm.cache import cache_key


def test_answers_come_back_by_key(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "new" / "cache.sqlite")
    keys = [cache_key("model", "score", str(n)) for n in range(1200)]
    cache.put({key: key[:4] for key in keys})
    assert cache.get(keys) == {key: key[:4] for key in keys}
    assert cache.get([cache_key("model", "score", "another")]) == {}
    assert len(cache) == 1200


def test_parts_of_a_key_do_not_run_together() -> None:
    assert cache_key("ab", "c") != cache_key("a", "bc")
    assert cache_key("a", "b", "cd", "e") != cache_key("a", "b", "c", "de")
    assert len({cache_key("m", "score", "x"), cache_key("m", "generate", "x")}) == 2


def test_a_second_process_sees_what_the_first_has_put(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    first, second = ResponseCache(path), ResponseCache(path)
    first.put({b"key": b"value"})
    second.put({b"key": b"other", b"more": b"value"})
    assert second.get([b"key", b"more"]) == {b"key": b"value", b"more": b"value"}


def test_a_killed_writer_leaves_whole_batches_and_those_that_it_reported(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    program = (
        "import sys\nfrom llmal.lm import ResponseCache\n"
        f"cache = ResponseCache({str(path)!r})\n"
        "for batch in range(100000):\n"
        "    cache.put({f'{batch}-{n}'.encode(): b'x' * 500 for n in range(50)})\n"
        "    print(batch, flush=True)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(20):
        reported = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.wait()
    reported = int(rest[-1]) if rest else reported
    cache = ResponseCache(path)
    wanted = [f"{batch}-{n}".encode() for batch in range(reported + 1) for n in range(50)]
    assert len(cache.get(wanted)) == len(wanted)
    assert len(cache) % 50 == 0, "a batch is there whole or not at all"
    (state,) = sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone()
    assert state == "ok"
    cache.put({b"after": b"works"})


def test_a_file_that_is_no_cache_is_said(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_text("this is a letter, not a database " * 50)
    with pytest.raises(LanguageModelError, match="response cache cannot be opened") as caught:
        ResponseCache(path)
    assert str(path) in str(caught.value)


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "cache.sqlite")
    cache._db.execute("PRAGMA max_page_count = 20")  # SQLite's own way to a full disk
    with pytest.raises(LanguageModelError, match=r"100 answers could not be written.*full"):
        cache.put({f"{n}".encode(): b"x" * 5000 for n in range(100)})
    cache.put({b"small": b"x"})
    assert cache.get([b"small", b"0"]) == {b"small": b"x"}
