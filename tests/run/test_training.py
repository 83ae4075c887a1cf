"""The learner of a run: its columns, its figures, and what it embeds for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from llmal.errors import DataError
from llmal.learners import LinearHead
from llmal.pool import Pool
from llmal.run.training import REFERENCE_ITEMS, Trainer
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


class TextLearner:
    """A learner over texts: the label whose words the text holds, among those that it has seen."""

    input = "texts"
    classes_: NDArray[Any]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TextLearner:
        self.seen = list(X)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        names = list(WORDS)
        hits = np.array(
            [[1 + 9 * (set(WORDS[names[c]]) & set(t.split()) != set()) for c in self.classes_]
             for t in X],
            float,
        )  # fmt: skip
        return hits / hits.sum(axis=1, keepdims=True)


def _texts(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    gold = [list(WORDS)[n % 3] for n in range(count)]
    return [
        f"{rng.choice(WORDS[g])} {rng.choice(VOCABULARY)} {n}" for n, g in enumerate(gold)
    ], gold


def _trainer(folder: Path, *, items: int = 60, test: int | None = 30, **changes: Any) -> Trainer:
    given: dict[str, Any] = {
        "pool": Pool.from_texts(*_texts(items), cache=folder),
        "test": None if test is None else Pool.from_texts(*_texts(test, seed=1), cache=folder),
        "learner": LinearHead(),
        "embedder": WordCounts(),
        "matrix_file": folder / "embeddings.npy",
        "seed": 0,
        **changes,
    }
    return Trainer(Task("words", list(WORDS)), given.pop("pool"), given.pop("learner"), **given)


def _positions(*indices: int) -> NDArray[np.int64]:
    return np.array(indices, dtype=np.int64)


def test_labels_that_were_not_seen_have_probability_zero(tmp_path: Path):
    trainer = _trainer(tmp_path)
    trainer.fit(_positions(0, 2, 3, 5), _positions(0, 2, 0, 2))
    given = trainer.probabilities(np.arange(60))
    assert given.shape == (60, 3)
    assert given.dtype == np.float32
    assert (given[:, 1] == 0).all()
    assert (given[:, [0, 2]] > 0).all()
    np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-6)


def test_one_label_seen_is_certain(tmp_path: Path):
    trainer = _trainer(tmp_path)
    trainer.fit(_positions(1, 4), _positions(1, 1))
    np.testing.assert_array_equal(trainer.probabilities(np.arange(5)), [[0, 1, 0]] * 5)


def test_the_order_of_the_labels_changes_nothing(tmp_path: Path):
    trainer = _trainer(tmp_path)
    rows, columns = np.arange(30), np.arange(30) % 3
    trainer.fit(rows, columns)
    before = trainer.probabilities(np.arange(60))
    trainer.fit(rows[::-1], columns[::-1])
    np.testing.assert_array_equal(trainer.probabilities(np.arange(60)), before)


def test_synthetic_texts_are_learnt_from(tmp_path: Path):
    trainer = _trainer(tmp_path)
    trainer.fit(
        _positions(0, 3),
        _positions(0, 0),
        extra=[(" ".join(words), n) for n, words in enumerate(WORDS.values())],
    )
    given = trainer.probabilities(np.arange(60))
    assert (given > 0).all()
    assert (given.argmax(axis=1) == np.arange(60) % 3).mean() > 0.5 > 20 / 60


def test_synthetic_texts_alone_are_enough(tmp_path: Path):
    trainer = _trainer(tmp_path)
    none = np.zeros(0, dtype=np.int64)
    trainer.fit(none, none, extra=[("red", 0), ("sour", 1)])
    assert (trainer.probabilities(np.arange(6))[:, 2] == 0).all()


def test_only_what_is_needed_is_embedded(tmp_path: Path):
    embedder = WordCounts()
    trainer = _trainer(tmp_path, items=3000, test=None, embedder=embedder)
    trainer.fit(_positions(0, 1, 2), _positions(0, 1, 2))
    assert embedder.embedded == 3
    trainer.probabilities(np.arange(100, 150))
    assert embedder.embedded == 53
    trainer.measure()
    assert embedder.embedded == 53 + REFERENCE_ITEMS
    trainer.measure()
    assert embedder.embedded == 53 + REFERENCE_ITEMS
    assert not (tmp_path / "embeddings.npy").exists()


def test_the_whole_pool_is_embedded_once_and_then_read(tmp_path: Path):
    embedder = WordCounts()
    trainer = _trainer(tmp_path, embedder=embedder, test=None)
    assert trainer.embeddings().shape == (60, embedder.dimensions)
    assert embedder.embedded == 60
    trainer.fit(_positions(0, 1), _positions(0, 1))
    trainer.probabilities(np.arange(60))
    trainer.measure()
    assert embedder.embedded == 60
    again = _trainer(tmp_path, embedder=embedder, test=None)
    np.testing.assert_array_equal(again.embeddings(), trainer.embeddings())
    assert embedder.embedded == 60


def test_probabilities_of_a_large_pool_come_from_the_matrix(tmp_path: Path):
    said: list[tuple[str, int, int]] = []
    trainer = _trainer(tmp_path, items=9000, test=None, on_progress=lambda *what: said.append(what))
    trainer.fit(np.arange(60), np.arange(60) % 3)
    few = trainer.probabilities(np.arange(8190, 8200))
    whole = trainer.probabilities(np.arange(9000))
    assert (tmp_path / "embeddings.npy").exists()
    np.testing.assert_allclose(whole[8190:8200], few, atol=1e-6)
    assert ("predicting", 9000, 9000) in said
    assert ("embedding the pool", 9000, 9000) in said


def test_a_learner_over_texts_needs_no_embedder(tmp_path: Path):
    learner = TextLearner()
    trainer = _trainer(tmp_path, learner=learner, embedder=None)
    trainer.fit(_positions(3, 1), _positions(0, 1), extra=[("home", 2)])
    pool_texts = _texts(60)[0]
    assert learner.seen == [pool_texts[1], pool_texts[3], "home"]
    figures = trainer.measure()
    assert figures["accuracy"] is not None
    assert trainer.probabilities(np.arange(4)).shape == (4, 3)


def test_measure_agrees_with_the_figures_worked_out_apart(tmp_path: Path):
    trainer = _trainer(tmp_path)
    trainer.fit(np.arange(12), np.arange(12) % 3)
    figures = trainer.measure()
    head = trainer.learner
    test_texts, test_gold = _texts(30, seed=1)
    given = head.predict_proba(WordCounts().embed(test_texts))
    right = np.array([list(WORDS).index(g) for g in test_gold])
    assert figures["test_items"] == 30
    assert figures["accuracy"] == pytest.approx((given.argmax(axis=1) == right).mean())
    assert figures["nll"] == pytest.approx(-np.log(given[np.arange(30), right]).mean())
    assert 0 < figures["macro_f1"] <= 1
    pool = head.predict_proba(WordCounts().embed(_texts(60)[0]))
    assert figures["mean_entropy"] == pytest.approx(-(pool * np.log(pool)).sum(axis=1).mean())


def test_agreement_is_the_kappa_with_the_call_before(tmp_path: Path):
    trainer = _trainer(tmp_path)
    trainer.fit(np.arange(12), np.arange(12) % 3)
    first = trainer.probabilities(np.arange(60)).argmax(axis=1)
    assert trainer.measure()["agreement"] is None
    assert trainer.measure()["agreement"] == 1.0
    trainer.fit(np.arange(12), np.arange(12) // 2 % 3)
    second = trainer.probabilities(np.arange(60)).argmax(axis=1)
    assert (first != second).any()
    assert trainer.measure()["agreement"] == pytest.approx(cohen_kappa_score(first, second))


def test_two_constant_predictions_agree(tmp_path: Path):
    trainer = _trainer(tmp_path)
    trainer.fit(_positions(0), _positions(0))
    trainer.measure()
    assert trainer.measure()["agreement"] == 1.0


def test_without_a_test_set_there_is_no_accuracy(tmp_path: Path):
    trainer = _trainer(tmp_path, test=None)
    trainer.fit(_positions(0, 1, 2), _positions(0, 1, 2))
    figures = trainer.measure()
    assert {name for name, value in figures.items() if value is None} == {
        "accuracy", "macro_f1", "nll", "test_items", "agreement",
    }  # fmt: skip


def test_the_random_baseline_has_the_sizes_and_draws_that_were_asked_for(tmp_path: Path):
    trainer = _trainer(tmp_path)
    points = trainer.random_baseline([3, 12, 60], draws=4, seed=5)
    assert [(one["labelled"], one["draws"]) for one in points] == [(3, 4), (12, 4), (60, 4)]
    assert points[-1]["accuracy_std"] == 0.0
    assert points[0]["accuracy_std"] > 0.0
    assert points[0]["accuracy_mean"] < points[-1]["accuracy_mean"]
    assert trainer.random_baseline([3, 12, 60], draws=4, seed=5) == points
    assert trainer.random_baseline([3, 12, 60], draws=4, seed=6) != points
    assert not trainer.fitted


def test_the_last_point_of_the_random_baseline_is_the_whole_pool(tmp_path: Path):
    trainer = _trainer(tmp_path)
    [point] = trainer.random_baseline([60], draws=1, seed=0)
    trainer.fit(np.arange(60), np.arange(60) % 3)
    assert point["accuracy_mean"] == trainer.measure()["accuracy"]
    assert point["accuracy_std"] == 0.0


def test_the_random_baseline_passes_over_items_without_gold(tmp_path: Path):
    texts, gold = _texts(60)
    partly: list[str | None] = [g if n % 2 else None for n, g in enumerate(gold)]
    pool = Pool.from_texts(texts, partly, cache=tmp_path)
    trainer = _trainer(tmp_path, pool=pool)
    [point] = trainer.random_baseline([30], draws=2, seed=0)
    assert point["accuracy_mean"] > 0.5
    with pytest.raises(DataError, match="30 of 60 items have a gold label, and the random base"):
        trainer.random_baseline([31], draws=2, seed=0)


@pytest.mark.parametrize(("sizes", "draws"), [([], 3), ([3], 0)])
def test_a_random_baseline_of_nothing_is_empty(tmp_path: Path, sizes: list[int], draws: int):
    assert _trainer(tmp_path).random_baseline(sizes, draws=draws, seed=0) == []
