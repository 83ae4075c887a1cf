from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from llmal.embed import embed_pool


class _Texts:
    """A pool of short texts."""

    def __init__(self, rows: Sequence[str], fingerprint: str = "p") -> None:
        self.rows = list(rows)
        self.fingerprint = fingerprint

    def __len__(self) -> int:
        return len(self.rows)

    def texts(self, indices: Sequence[int]) -> list[str]:
        return [self.rows[i] for i in indices]


class _Letters:
    """Embeds a text as its first two character codes, and counts what it was asked for."""

    dimensions = 2

    def __init__(self, fingerprint: str = "e", stop_after: int | None = None) -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []
        self._stop_after = stop_after

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        if self._stop_after is not None and len(self.asked) >= self._stop_after:
            raise KeyboardInterrupt
        self.asked += texts
        rows = np.array([[ord(t[0]), ord(t[1])] for t in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _rows(count: int) -> list[str]:
    return [chr(97 + i % 26) + chr(97 + i // 26) for i in range(count)]


def test_every_item_gets_its_row_and_equal_texts_are_embedded_once(tmp_path: Path):
    rows = [*_rows(10), *_rows(10)[::-1]]
    embedder = _Letters()

    matrix = embed_pool(_Texts(rows), embedder, tmp_path / "e.npy", chunk=4)

    assert isinstance(matrix, np.memmap)
    assert sorted(embedder.asked) == sorted(set(rows))
    np.testing.assert_array_equal(matrix, _Letters().embed(rows))


def test_a_complete_matrix_is_used_again_and_another_pool_is_not(tmp_path: Path):
    path = tmp_path / "e.npy"
    embed_pool(_Texts(_rows(5)), _Letters(), path)

    again, other_pool, other_model = _Letters(), _Letters(), _Letters("new")
    embed_pool(_Texts(_rows(5)), again, path)
    assert again.asked == []
    embed_pool(_Texts(_rows(6), "q"), other_pool, path)
    assert len(other_pool.asked) == 6
    embed_pool(_Texts(_rows(6), "q"), other_model, path)
    assert len(other_model.asked) == 6


def test_an_interrupted_matrix_goes_on_where_it_stopped(tmp_path: Path):
    path, rows = tmp_path / "e.npy", _rows(20)
    with pytest.raises(KeyboardInterrupt):
        embed_pool(_Texts(rows), _Letters(stop_after=8), path, chunk=4)
    assert not path.exists()

    embedder = _Letters()
    matrix = embed_pool(_Texts(rows), embedder, path, chunk=4)

    assert embedder.asked == rows[8:]
    np.testing.assert_array_equal(matrix, _Letters().embed(rows))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.npy", "e.npy.json"]


def test_an_interrupted_matrix_of_another_model_is_not_continued(tmp_path: Path):
    path, rows = tmp_path / "e.npy", _rows(20)
    with pytest.raises(KeyboardInterrupt):
        embed_pool(_Texts(rows), _Letters("old", stop_after=8), path, chunk=4)

    embedder = _Letters("new")
    embed_pool(_Texts(rows), embedder, path, chunk=4)

    assert embedder.asked == rows


def test_progress_counts_items(tmp_path: Path):
    seen: list[tuple[int, int]] = []

    embed_pool(
        _Texts(_rows(10)),
        _Letters(),
        tmp_path / "e.npy",
        chunk=4,
        on_progress=lambda *now: seen.append(now),
    )

    assert seen == [(4, 10), (8, 10), (10, 10)]
