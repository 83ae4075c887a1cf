from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llmal.embed import Embedder, EmbeddingCache, HiddenStateEmbedder, ServedEmbedder
from llmal.errors import ConfigError, ContextLengthError, LanguageModelError, ServerError
from llmal.lm.server import installed_vllm

TEXTS = ["Who wrote Hamlet?", "a longer text about the price of tea", "x", "Fußball & 東京", "x"]


@pytest.mark.slow
@pytest.mark.skipif(installed_vllm() is None, reason="vLLM is not installed")
@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_vllm_gives_the_states_that_a_process_of_our_own_does(
    tiny_lm_path: Path, tmp_path: Path, pooling: Any
):
    own = {"pooling": pooling, "device": "cpu", "cache": False}
    expected = HiddenStateEmbedder(tiny_lm_path, **own).embed(TEXTS)
    with ServedEmbedder.start(
        tiny_lm_path, pooling=pooling, cache=False, batch_size=2, log_file=tmp_path / "log"
    ) as embedder:
        assert isinstance(embedder, Embedder)
        assert embedder.dimensions == expected.shape[1]
        assert embedder.configuration is None
        np.testing.assert_allclose(embedder.embed(TEXTS), expected, atol=2e-6)
        with pytest.raises(ContextLengthError, match="give max_length"):
            embedder.embed(["word " * 3000])
        cut = ServedEmbedder(embedder.url, max_length=16, cache=False)
        long = HiddenStateEmbedder(tiny_lm_path, max_length=16, **own).embed(["word " * 500])
        np.testing.assert_allclose(cut.embed(["word " * 500]), long, atol=2e-6)
        assert cut.fingerprint != embedder.fingerprint
        with pytest.raises(LanguageModelError, match="no model 'other', but tiny-lm"):
            ServedEmbedder(embedder.url, "other", cache=False)


class Vectors(ThreadingHTTPServer):
    """Answers with what it is told to, as no real server would."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models: list[str] = ["small"]
        self.asked: list[dict[str, Any]] = []
        self.answer: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Vectors

    def do_GET(self) -> None:
        self._send({"data": [{"id": one} for one in self.server.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(body)
        rows = [
            {"index": place, "embedding": [float(len(text)), 1.0]}
            for place, text in enumerate(body["input"])
        ]
        # In another order than they were asked in, as the form allows.
        self._send({"data": rows[::-1]} if self.server.answer is None else self.server.answer)

    def _send(self, content: Any) -> None:
        raw = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def vectors() -> Iterator[Vectors]:
    with Vectors() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_vectors_come_in_the_order_of_the_texts_and_are_asked_for_once(
    vectors: Vectors, tmp_path: Path
):
    cache = EmbeddingCache(tmp_path / "cache")
    embedder = ServedEmbedder(vectors.url, batch_size=2, max_length=9, cache=cache)
    texts = ["a", "abc", "", "ab", "abcd", "a"]

    found = embedder.embed(texts)

    expected = np.array([[max(len(text), 1), 1.0] for text in texts])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    sent = [text for body in vectors.asked for text in body["input"]]
    assert sorted(sent) == sorted([" ", "a", "abc", "ab", "abcd", "a"])
    assert {body["truncate_prompt_tokens"] for body in vectors.asked} == {9}
    assert max(len(body["input"]) for body in vectors.asked) == 2
    vectors.asked.clear()
    assert np.array_equal(embedder.embed(texts[::-1]), found[::-1])
    assert not vectors.asked


@pytest.mark.parametrize(
    "answer",
    [
        {"data": []},
        {"data": [{"index": 0}]},
        {"data": [{"index": 0, "embedding": "AAAA"}]},
        {"data": [{"index": 0, "embedding": [1.0, None]}]},
        {"data": [{"index": 0, "embedding": 3.0}]},
        {"choices": []},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]},
    ],
)
def test_an_answer_that_is_none_of_vectors_is_told_of(vectors: Vectors, answer: Any):
    vectors.answer = answer
    with pytest.raises(ServerError, match="check that the url is that of a server of embeddings"):
        ServedEmbedder(vectors.url, cache=False).embed(["a"])


def test_what_cannot_be_used_is_refused(vectors: Vectors):
    vectors.models = ["one", "two"]
    with pytest.raises(LanguageModelError, match=r"2 models \(one, two\); say which with model"):
        ServedEmbedder(vectors.url)
    with pytest.raises(ConfigError, match="batch_size is 0"):
        ServedEmbedder(vectors.url, "one", batch_size=0)
    with pytest.raises(ConfigError, match="max_length is -1"):
        ServedEmbedder(vectors.url, "one", max_length=-1)
    with pytest.raises(ConfigError, match='use "mean", "last" or "cls"'):
        ServedEmbedder.start("nowhere", pooling="best")
    assert ServedEmbedder(vectors.url, "one", cache=False).configuration == {
        "name": "served",
        "url": [vectors.url],
        "model": "one",
        "max_length": None,
    }
