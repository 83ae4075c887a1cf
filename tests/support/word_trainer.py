"""A trainer of a run over texts of a few words, which its embedder counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.learners import LinearHead
from llmal.pool import Pool
from llmal.run.training import Trainer
from llmal.task import Task

WORDS = {"Colour": ["red", "green", "blue"], "Taste": ["sweet", "sour"], "Place": ["home", "away"]}
VOCABULARY = [word for words in WORDS.values() for word in words]


class WordCounts:
    """An embedder whose dimensions are words; it counts what it is asked for."""

    dimensions = len(VOCABULARY) + 1
    fingerprint = "word-counts"

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.embedded += len(texts)
        counts = np.zeros((len(texts), self.dimensions), np.float32)
        counts[:, -1] = 0.1
        for row, text in enumerate(texts):
            for word in text.split():
                if word in VOCABULARY:
                    counts[row, VOCABULARY.index(word)] += 1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def make_texts(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    gold = [list(WORDS)[n % 3] for n in range(count)]
    return [
        f"{rng.choice(WORDS[g])} {rng.choice(VOCABULARY)} {n}" for n, g in enumerate(gold)
    ], gold


def make_trainer(
    folder: Path, *, items: int = 60, test: int | None = 30, **changes: Any
) -> Trainer:
    given: dict[str, Any] = {
        "pool": Pool.from_texts(*make_texts(items), cache=folder),
        "test": None if test is None else Pool.from_texts(*make_texts(test, seed=1), cache=folder),
        "learner": LinearHead(),
        "embedder": WordCounts(),
        "matrix_file": folder / "embeddings.npy",
        "seed": 0,
        **changes,
    }
    return Trainer(Task("words", list(WORDS)), given.pop("pool"), given.pop("learner"), **given)
