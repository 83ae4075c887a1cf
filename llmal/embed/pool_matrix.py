"""The embeddings of a whole pool as a memory-mapped matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from llmal.core.files import read_json, write_json
from llmal.embed.cache import text_keys
from llmal.embed.protocol import Embedder, Progress

CHUNK = 1024


class Texts(Protocol):
    """What is needed of a pool."""

    @property
    def fingerprint(self) -> str:
        """What tells this pool from another."""
        ...

    def __len__(self) -> int: ...

    def texts(self, indices: Sequence[int] | NDArray[np.int64]) -> list[str]:
        """The texts at these positions."""
        ...


def embed_pool(
    pool: Texts,
    embedder: Embedder,
    path: str | Path,
    *,
    chunk: int = CHUNK,
    on_progress: Progress | None = None,
) -> np.memmap[Any, np.dtype[np.float32]]:
    """Embed every item of a pool into an .npy file, and map it.

    Memory is bounded by the chunk and by 16 bytes an item. A process that is killed goes on from
    its last chunk; a complete file of the same pool and embedder is used as it is. Items of equal
    text are embedded once.

    Args:
        pool: N items.
        embedder: Makes the vectors, d wide.
        path: The .npy file; `<path>.json` beside it says which pool and embedder it belongs to.
        chunk: Items embedded between two marks of progress.
        on_progress: Called with the items done and N.

    Returns:
        A read-only float32 memory-map, shape (N, d).
    """
    path = Path(path)
    size = len(pool)
    mine = {"format": 1, "pool": pool.fingerprint, "embedder": embedder.fingerprint, "items": size}
    sidecar = sidecar_of(path)
    partial = path.with_name(path.name + ".partial")
    mark = path.with_name(path.name + ".partial.json")
    if path.exists() and read_json(sidecar) == mine:
        if on_progress is not None:
            on_progress(size, size)
        return _open(path, "r")

    path.parent.mkdir(parents=True, exist_ok=True)
    width = embedder.dimensions
    state = read_json(mark) if partial.exists() else {}
    done = state.get("done", 0) if {**state, "done": 0} == {**mine, "done": 0} else 0
    if done:
        matrix = _open(partial, "r+")
    else:
        mark.unlink(missing_ok=True)
        matrix = _open(partial, "w+", (size, width))
    original = _first_with_equal_text(pool, chunk)
    for start in range(done, size, chunk):
        stop = min(start + chunk, size)
        rows = np.arange(start, stop)
        fresh = rows[original[start:stop] == rows]
        if len(fresh):
            matrix[fresh] = embedder.embed(pool.texts(fresh))
        copies = rows[original[start:stop] != rows]
        matrix[copies] = matrix[original[copies]]
        # The mark must never run ahead of the rows that are on disk.
        matrix.flush()
        write_json(mark, {**mine, "done": stop}, sort_keys=True)
        if on_progress is not None:
            on_progress(stop, size)
    del matrix
    # At no moment may the sidecar of an older matrix stand beside the new one.
    sidecar.unlink(missing_ok=True)
    partial.replace(path)
    write_json(sidecar, mine, sort_keys=True)
    mark.unlink(missing_ok=True)
    return _open(path, "r")


def sidecar_of(path: Path) -> Path:
    """The file that says which pool and embedder a matrix belongs to."""
    return path.with_name(f"{path.name}.json")


def kept_embeddings(
    path: Path, pool_fingerprint: str
) -> np.memmap[Any, np.dtype[np.float32]] | None:
    """What `embed_pool` left at a path, mapped; None if that is not all of this pool."""
    belongs = read_json(sidecar_of(path))
    if belongs.get("pool") != pool_fingerprint:
        return None
    try:
        matrix = _open(path, "r")
    except (FileNotFoundError, ValueError):
        return None
    return matrix if matrix.ndim == 2 and len(matrix) == belongs.get("items") else None


def _first_with_equal_text(pool: Texts, chunk: int) -> NDArray[np.int64]:
    """For each item, the first item of the same text (itself, where its text is new)."""
    keys = [
        text_keys(pool.texts(np.arange(start, min(start + chunk, len(pool)))))
        for start in range(0, len(pool), chunk)
    ]
    if not keys:
        return np.empty(0, dtype=np.int64)
    _, first, inverse = np.unique(np.concatenate(keys), return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)


def _open(
    path: Path, mode: Literal["r", "r+", "w+"], shape: tuple[int, int] | None = None
) -> np.memmap[Any, np.dtype[np.float32]]:
    dtype = None if shape is None else np.float32
    matrix: np.memmap[Any, np.dtype[np.float32]]
    matrix = npy.open_memmap(path, mode=mode, dtype=dtype, shape=shape)  # type: ignore[no-untyped-call]
    return matrix
