from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from llmal.embed import EmbeddingCache, SentenceEmbedder
from llmal.embed.cache import text_keys
from llmal.errors import DataError


def _vectors(count: int, width: int = 4, start: int = 0) -> np.ndarray:
    first = np.arange(start, start + count, dtype=np.float32)[:, None]
    return first + np.arange(width, dtype=np.float32) / 10


def test_what_was_appended_is_found_by_another_object(tmp_path: Path):
    keys = text_keys(["a", "b", "c"])
    EmbeddingCache(tmp_path).append("m", keys, _vectors(3))

    found, vectors = EmbeddingCache(tmp_path).lookup("m", text_keys(["c", "x", "a"]))

    assert found.tolist() == [True, False, True]
    np.testing.assert_array_equal(vectors, _vectors(3)[[2, 0]])


def test_models_do_not_share_vectors(tmp_path: Path):
    cache = EmbeddingCache(tmp_path)
    cache.append("one", text_keys(["a"]), _vectors(1))

    found, _ = cache.lookup("other", text_keys(["a"]))

    assert not found.any()
    assert cache.dimensions("one") == 4
    assert cache.dimensions("other") is None


def test_many_small_appends_are_all_found_while_reading(tmp_path: Path):
    cache, reader = EmbeddingCache(tmp_path), EmbeddingCache(tmp_path)
    texts = [f"text {i}" for i in range(60)]
    for start in range(0, 60, 7):
        part = texts[start : start + 7]
        cache.append("m", text_keys(part), _vectors(len(part), start=start))
        found, _ = reader.lookup("m", text_keys(part))
        assert found.all()

    found, vectors = reader.lookup("m", text_keys(texts))

    assert found.all()
    np.testing.assert_array_equal(vectors, _vectors(60))


def test_a_write_cut_off_in_the_middle_leaves_a_consistent_prefix(tmp_path: Path):
    cache = EmbeddingCache(tmp_path)
    cache.append("m", text_keys(["a", "b"]), _vectors(2))
    with (tmp_path / "m" / "vectors.f32").open("ab") as file:
        file.write(b"\x01" * 23)
    with (tmp_path / "m" / "keys.bin").open("ab") as file:
        file.write(b"\x02" * 5)

    fresh = EmbeddingCache(tmp_path)
    fresh.append("m", text_keys(["c"]), _vectors(1, start=2))
    found, vectors = fresh.lookup("m", text_keys(["a", "b", "c"]))

    assert found.all()
    np.testing.assert_array_equal(vectors, _vectors(3))


def test_two_writers_of_one_text_keep_it_once(tmp_path: Path):
    first, second = EmbeddingCache(tmp_path), EmbeddingCache(tmp_path)
    keys = text_keys(["a", "b"])
    for cache in (first, second):
        found, _ = cache.lookup("m", keys)
        assert not found.any()

    first.append("m", keys, _vectors(2))
    second.append("m", keys, _vectors(2))

    assert (tmp_path / "m" / "keys.bin").stat().st_size == 2 * 16


def test_vectors_of_another_length_are_refused(tmp_path: Path):
    cache = EmbeddingCache(tmp_path)
    cache.append("m", text_keys(["a"]), _vectors(1, width=4))

    with pytest.raises(DataError, match="length 4, not 3"):
        cache.append("m", text_keys(["b"]), _vectors(1, width=3))


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path: Path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")

    with caplog.at_level(logging.WARNING, logger="llmal.embed"):
        EmbeddingCache(blocked).append("m", text_keys(["a"]), _vectors(1))

    assert "cannot be written" in caplog.text


def test_the_default_directory_follows_the_environment(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("LLMAL_CACHE", str(tmp_path))

    assert EmbeddingCache().directory == tmp_path / "embeddings"


def test_keys_tell_texts_apart_and_take_broken_surrogates():
    keys = text_keys(["a", "a ", "\ud800", "a"])

    assert len(np.unique(keys)) == 3
    with pytest.raises(DataError, match="text 1 is a int"):
        text_keys(["a", 3])  # type: ignore[list-item]


def test_threads_share_a_cache(tmp_path: Path, embedder: SentenceEmbedder):
    texts = [f"text number {n}" for n in range(60)]
    expected = embedder.embed(texts)
    shared = SentenceEmbedder(cache=tmp_path / "threads")
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda n: shared.embed(texts[n : n + 8]), range(52)))
    for n, part in enumerate(parts):
        np.testing.assert_allclose(part, expected[n : n + 8], atol=1e-5)
