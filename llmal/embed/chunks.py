"""Work over large matrices, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator

_CHUNK_BYTES = 4 * 2**20


def chunks(rows: int, columns: int) -> Iterator[slice]:
    """Slices over rows that hold about 4 MB of float32 each, so that no pass copies a matrix."""
    step = max(1, _CHUNK_BYTES // (4 * max(1, columns)))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
