"""A cache of model answers on disk: what was paid for once is never asked again."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from llmal.core.fingerprint import digest
from llmal.errors import LanguageModelError


def cache_key(fingerprint: str, kind: str, *parts: bytes | str) -> bytes:
    """A 32-byte key over all that an answer depends on."""
    raw = [one.encode() if isinstance(one, str) else one for one in (fingerprint, kind, *parts)]
    return digest(b"".join(len(one).to_bytes(8, "little") + one for one in raw), 32)


class Caching(Protocol):
    """A model that keeps its answers in a response cache."""

    cache: ResponseCache | None


@contextlib.contextmanager
def kept_answers(models: Iterable[Caching], path: Path) -> Iterator[None]:
    """Keep the answers of models that have no cache of their own in a file, for a while."""
    without = [model for model in models if model.cache is None]
    if not without:
        yield
        return
    cache = ResponseCache(path)
    for one in without:
        one.cache = cache
    try:
        yield
    finally:
        for one in without:
            one.cache = None
        cache.close()


class ResponseCache:
    """Answers by key, in one SQLite file that several processes may share.

    A batch is on the disk when `put` returns.

    Args:
        path: The file; made with its folder if it is not there.

    Raises:
        LanguageModelError: The file cannot be used as a cache, or the disk is full.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=30, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS responses "
                "(key BLOB PRIMARY KEY, value BLOB NOT NULL, created REAL NOT NULL) WITHOUT ROWID"
            )
            self._db.commit()
        except (OSError, sqlite3.Error) as error:
            raise LanguageModelError(
                f"the response cache cannot be opened ({error})",
                where=str(self.path),
                fix="check the folder's rights and free space, or delete the file",
            ) from error

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The answers that are there, by key.

        Raises:
            LanguageModelError: The file cannot be read.
        """
        wanted = list(keys)
        found: dict[bytes, bytes] = {}
        try:
            with self._lock:
                for start in range(0, len(wanted), 500):
                    part = wanted[start : start + 500]
                    marks = ",".join("?" * len(part))
                    found.update(
                        self._db.execute(
                            f"SELECT key, value FROM responses WHERE key IN ({marks})", part
                        )
                    )
        except sqlite3.Error as error:
            raise LanguageModelError(
                f"the response cache cannot be read ({error})",
                where=str(self.path),
                fix="delete the file: what it holds will be asked again",
            ) from error
        return found

    def put(self, answers: Mapping[bytes, bytes]) -> None:
        """Keep answers; they are durable when this returns."""
        now = time.time()
        try:
            with self._lock, self._db:
                self._db.executemany(
                    "INSERT OR IGNORE INTO responses VALUES (?, ?, ?)",
                    [(key, value, now) for key, value in answers.items()],
                )
        except sqlite3.Error as error:
            raise LanguageModelError(
                f"{len(answers)} answers could not be written to the response cache ({error})",
                where=str(self.path),
                fix="free some space and run again: what was written before is kept",
            ) from error

    def __len__(self) -> int:
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM responses").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
