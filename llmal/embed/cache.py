"""Vectors on disk, found again by model and text."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmal.core.cache_folder import cache_folder
from llmal.core.files import write_json
from llmal.core.fingerprint import digest
from llmal.errors import DataError

logger = logging.getLogger("llmal.embed")

Keys = NDArray[np.bytes_]
KEY_BYTES = 16
LOCK_SECONDS = 60.0


def text_keys(texts: Sequence[str]) -> Keys:
    """A 16-byte blake2b hash of each text, shape (n,), dtype S16.

    Raises:
        DataError: Something among the texts is not a string.
    """
    digests = bytearray()
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(
                f"text {position} is a {type(text).__name__}, not a string",
                fix="embed strings only",
            )
        digests += digest(text, KEY_BYTES)
    return np.frombuffer(bytes(digests), dtype=f"S{KEY_BYTES}")


def default_directory() -> Path:
    """Where vectors are kept: `embeddings/` under LLMAL_CACHE, or under ~/.cache/llmal."""
    return cache_folder() / "embeddings"


# One for the process: shelves are small work, and threads that embed wait for the model anyway.
_turn = threading.RLock()


class EmbeddingCache:
    """Vectors of texts on disk, one shelf for each model.

    A shelf is two append-only files, `vectors.f32` and `keys.bin`. Vectors reach the disk before
    their keys, so a process that is killed leaves a consistent prefix, and what it had half
    written is cut off by the next writer. Writers of several processes take turns by a lock file;
    readers need none.

    Args:
        directory: Where the shelves stand; `default_directory()` if None.
    """

    def __init__(self, directory: str | Path | None = None) -> None:
        self.directory = Path(directory) if directory is not None else default_directory()
        self._shelves: dict[str, _Shelf] = {}

    def dimensions(self, fingerprint: str) -> int | None:
        """Length of the vectors that are kept for a model; None if there are none."""
        with _turn:
            return self._shelf(fingerprint).dimensions

    def lookup(self, fingerprint: str, keys: Keys) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """The kept vectors among those asked for.

        Args:
            fingerprint: The model.
            keys: Shape (n,), from `text_keys`.

        Returns:
            A mask of shape (n,), true where a vector is kept, and those vectors in the same order.
        """
        with _turn:
            return self._shelf(fingerprint).lookup(keys)

    def append(self, fingerprint: str, keys: Keys, vectors: NDArray[np.float32]) -> None:
        """Keep vectors, shape (n, d), under their keys; those already kept are left out.

        A cache that cannot be written (a full or read-only disk) is a warning, not an error.

        Raises:
            DataError: The shelf of this model holds vectors of another length.
        """
        from filelock import Timeout

        try:
            with _turn:
                self._shelf(fingerprint).append(keys, vectors)
        except (OSError, Timeout) as error:
            logger.warning(
                "embeddings are not kept: %s cannot be written (%s)", self.directory, error
            )

    def _shelf(self, fingerprint: str) -> _Shelf:
        if fingerprint not in self._shelves:
            self._shelves[fingerprint] = _Shelf(self.directory / fingerprint)
        return self._shelves[fingerprint]


def cache_of(given: EmbeddingCache | str | Path | Literal[False] | None) -> EmbeddingCache | None:
    """A cache, one in a directory, None for the default directory, False for none."""
    if given is False:
        return None
    return given if isinstance(given, EmbeddingCache) else EmbeddingCache(given)


class _Shelf:
    """The vectors of one model."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._vectors = directory / "vectors.f32"
        self._keys = directory / "keys.bin"
        self._meta = directory / "shelf.json"
        self._known = 0
        # Sorted runs of (keys, rows), each more than twice as long as the next: a shelf that
        # grows while it is read costs O(n log n) in all, not one full sort for each look.
        self._runs: list[tuple[Keys, NDArray[np.int64]]] = []

    @property
    def dimensions(self) -> int | None:
        try:
            return int(json.loads(self._meta.read_text(encoding="utf-8"))["dimensions"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                "this file of the embedding cache is damaged",
                where=str(self._meta),
                fix="delete its directory; the vectors are made anew",
            ) from error

    def lookup(self, keys: Keys) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        width = self.dimensions
        rows = np.full(len(keys), -1, dtype=np.int64)
        if width is not None:
            self._refresh(width)
            for run_keys, run_rows in self._runs:
                at = np.minimum(np.searchsorted(run_keys, keys), len(run_keys) - 1)
                hit = run_keys[at] == keys
                rows[hit] = run_rows[at[hit]]
        found = rows >= 0
        if width is None or not found.any():
            return found, np.empty((0, width or 0), dtype=np.float32)
        table = np.memmap(self._vectors, dtype=np.float32, mode="r", shape=(self._known, width))
        return found, np.array(table[rows[found]])

    def append(self, keys: Keys, vectors: NDArray[np.float32]) -> None:
        from filelock import FileLock

        if not len(keys):
            return
        width = vectors.shape[1]
        self.directory.mkdir(parents=True, exist_ok=True)
        with FileLock(str(self.directory / "lock"), timeout=LOCK_SECONDS):
            if self.dimensions is None:
                write_json(self._meta, {"format": 1, "dimensions": width})
            elif self.dimensions != width:
                raise DataError(
                    f"the cache holds vectors of length {self.dimensions}, not {width}",
                    where=str(self.directory),
                    fix="delete this directory",
                )
            rows = self._rows_on_disk(width)
            _truncate(self._keys, rows * KEY_BYTES)
            _truncate(self._vectors, rows * width * 4)
            new = ~np.isin(keys, self._read_keys(self._known, rows))
            _append(self._vectors, np.ascontiguousarray(vectors[new], dtype="<f4").tobytes())
            _append(self._keys, keys[new].tobytes())

    def _rows_on_disk(self, width: int) -> int:
        keys = self._keys.stat().st_size if self._keys.exists() else 0
        vectors = self._vectors.stat().st_size if self._vectors.exists() else 0
        return min(keys // KEY_BYTES, vectors // (4 * width))

    def _read_keys(self, first: int, last: int) -> Keys:
        if last <= first:
            return np.empty(0, dtype=f"S{KEY_BYTES}")
        offset, count = first * KEY_BYTES, last - first
        return np.fromfile(self._keys, dtype=f"S{KEY_BYTES}", count=count, offset=offset)

    def _refresh(self, width: int) -> None:
        rows = self._rows_on_disk(width)
        if rows < self._known:
            self._known, self._runs = 0, []
        if rows == self._known:
            return
        keys = self._read_keys(self._known, rows)
        positions = np.arange(self._known, rows, dtype=np.int64)
        while self._runs and len(self._runs[-1][0]) <= 2 * len(keys):
            more_keys, more_positions = self._runs.pop()
            keys = np.concatenate([more_keys, keys])
            positions = np.concatenate([more_positions, positions])
        order = np.argsort(keys, kind="stable")
        self._runs.append((keys[order], positions[order]))
        self._known = rows


def _truncate(path: Path, size: int) -> None:
    if path.exists() and path.stat().st_size > size:
        os.truncate(path, size)


def _append(path: Path, raw: bytes) -> None:
    with path.open("ab") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
