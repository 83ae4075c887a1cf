"""Pools, test sets and embeddings of the learning curves."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.embed import SentenceEmbedder
from llmal.perturb import Perturbation, TfIdfReplacement

SETS = ("trec6", "ag_news", "dbpedia14", "sst2", "emotion")
EMBEDDINGS = ("minilm", "tfidf-svd")
POOL = 3000
TEST = 1000
SVD_DIMENSIONS = 64


@dataclass(frozen=True)
class TextSet:
    """One data set, cut to what the benchmark uses.

    Attributes:
        name: Of the set.
        labels: Label names, sorted: the columns.
        texts: Of the pool.
        y: Label columns of the pool.
        test_texts: Of the test set.
        test_y: Label columns of the test set.
    """

    name: str
    labels: tuple[str, ...]
    texts: list[str]
    y: NDArray[np.int64]
    test_texts: list[str]
    test_y: NDArray[np.int64]


class Embedding(Protocol):
    """Texts as unit vectors."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class TfIdfSvd:
    """The poor embedding: TF-IDF of the pool, reduced by a truncated SVD, rows of length one.

    A text without a word of the pool is the zero vector.
    """

    def __init__(self, pool: Sequence[str], dimensions: int = SVD_DIMENSIONS) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._words = TfidfVectorizer(sublinear_tf=True)
        self._svd = TruncatedSVD(dimensions, random_state=0)
        self._svd.fit(self._words.fit_transform(pool))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = self._svd.transform(self._words.transform(texts))
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(norms > 0, norms, 1)).astype(np.float32)


class Remembered:
    """An embedding that keeps every vector: the copies of a text are asked for in each round."""

    def __init__(self, inner: Embedding) -> None:
        self._inner = inner
        self._known: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, self._inner.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])


class SameCopies:
    """TF-IDF replacement of one seed, whatever the round: each copy is embedded once for a set.

    A strategy that draws new copies in each round would have them embedded in each round.
    """

    fingerprint = "tf-idf, one seed"

    def __init__(self, pool: Sequence[str]) -> None:
        self._inner = TfIdfReplacement().fit(pool)

    def fit(self, texts: Sequence[str]) -> Perturbation:
        return self

    def perturb(self, texts: Sequence[str], copies: int, seed: int) -> list[list[str]]:
        return self._inner.perturb(texts, copies, 0)


class Embedded:
    """A set in one embedding.

    Args:
        data: The set.
        kind: One of `EMBEDDINGS`.
    """

    def __init__(self, data: TextSet, kind: str) -> None:
        self.data, self.kind = data, kind
        inner: Any = SentenceEmbedder() if kind == "minilm" else TfIdfSvd(data.texts)
        self.embedding = Remembered(inner)

    @cached_property
    def copies(self) -> SameCopies:
        return SameCopies(self.data.texts)

    @cached_property
    def X(self) -> NDArray[np.float32]:
        return self.embedding.embed(self.data.texts)

    @cached_property
    def test_X(self) -> NDArray[np.float32]:
        return self.embedding.embed(self.data.test_texts)


def read_set(shared: Path, name: str) -> TextSet:
    """A set of ../shared/data; pool and test set are draws of a fixed seed where they are cut."""
    train = _drawn(_read(shared / "data" / name / "train.jsonl.gz"), POOL)
    test = _drawn(_read(shared / "data" / name / "test.jsonl.gz"), TEST)
    labels = tuple(sorted({row["label"] for row in train}))
    column = {label: code for code, label in enumerate(labels)}
    return TextSet(
        name,
        labels,
        [row["text"] for row in train],
        np.array([column[row["label"]] for row in train]),
        [row["text"] for row in test],
        np.array([column[row["label"]] for row in test]),
    )


def _read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _drawn(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    if len(rows) <= most:
        return rows
    chosen = np.random.default_rng(0).choice(len(rows), size=most, replace=False)
    return [rows[place] for place in sorted(chosen.tolist())]
