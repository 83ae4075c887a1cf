"""The learner of a run: its columns, its figures, and what it embeds for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score
from word_trainer import WORDS, WordCounts, make_texts, make_trainer

from llmal.run.training import REFERENCE_ITEMS


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


def _positions(*indices: int) -> NDArray[np.int64]:
    return np.array(indices, dtype=np.int64)


def test_labels_that_were_not_seen_have_probability_zero(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    trainer.fit(_positions(0, 2, 3, 5), _positions(0, 2, 0, 2))
    given = trainer.probabilities(np.arange(60))
    assert given.shape == (60, 3)
    assert given.dtype == np.float32
    assert (given[:, 1] == 0).all()
    assert (given[:, [0, 2]] > 0).all()
    np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-6)


def test_one_label_seen_is_certain(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    trainer.fit(_positions(1, 4), _positions(1, 1))
    np.testing.assert_array_equal(trainer.probabilities(np.arange(5)), [[0, 1, 0]] * 5)


def test_the_order_of_the_labels_changes_nothing(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    rows, columns = np.arange(30), np.arange(30) % 3
    trainer.fit(rows, columns)
    before = trainer.probabilities(np.arange(60))
    trainer.fit(rows[::-1], columns[::-1])
    np.testing.assert_array_equal(trainer.probabilities(np.arange(60)), before)


def test_shares_go_to_the_learner_in_the_order_of_its_items(tmp_path: Path):
    class Told(TextLearner):
        reads_probabilities = True

        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TextLearner:
            self.told = dict(zip(X, y.shares.tolist(), strict=True))
            return super().fit(X, y.best)

    trainer = make_trainer(tmp_path, learner=Told())
    assert trainer.reads_probabilities
    shares = np.array([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])
    trainer.fit(_positions(7, 2), _positions(0, 2), [("written", 1)], shares)

    texts, _ = make_texts(60)
    told = trainer.learner.told
    assert [told[texts[7]], told[texts[2]]] == shares.tolist()
    assert told["written"] == [0.0, 1.0, 0.0]


def test_synthetic_texts_are_learnt_from(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    trainer.fit(
        _positions(0, 3),
        _positions(0, 0),
        extra=[(" ".join(words), n) for n, words in enumerate(WORDS.values())],
    )
    given = trainer.probabilities(np.arange(60))
    assert (given > 0).all()
    assert (given.argmax(axis=1) == np.arange(60) % 3).mean() > 0.5 > 20 / 60


def test_synthetic_texts_alone_are_enough(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    none = np.zeros(0, dtype=np.int64)
    trainer.fit(none, none, extra=[("red", 0), ("sour", 1)])
    assert (trainer.probabilities(np.arange(6))[:, 2] == 0).all()


def test_only_what_is_needed_is_embedded(tmp_path: Path):
    embedder = WordCounts()
    trainer = make_trainer(tmp_path, items=3000, test=None, embedder=embedder)
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
    trainer = make_trainer(tmp_path, embedder=embedder, test=None)
    assert trainer.embeddings().shape == (60, embedder.dimensions)
    assert embedder.embedded == 60
    trainer.fit(_positions(0, 1), _positions(0, 1))
    trainer.probabilities(np.arange(60))
    trainer.measure()
    assert embedder.embedded == 60
    again = make_trainer(tmp_path, embedder=embedder, test=None)
    np.testing.assert_array_equal(again.embeddings(), trainer.embeddings())
    assert embedder.embedded == 60


def test_probabilities_of_a_large_pool_come_from_the_matrix(tmp_path: Path):
    said: list[tuple[str, int, int]] = []
    trainer = make_trainer(
        tmp_path, items=9000, test=None, on_progress=lambda *what: said.append(what)
    )
    trainer.fit(np.arange(60), np.arange(60) % 3)
    few = trainer.probabilities(np.arange(8190, 8200))
    whole = trainer.probabilities(np.arange(9000))
    assert (tmp_path / "embeddings.npy").exists()
    np.testing.assert_allclose(whole[8190:8200], few, atol=1e-6)
    assert ("predicting", 9000, 9000) in said
    assert ("embedding the pool", 9000, 9000) in said


def test_to_train_on_much_of_a_pool_is_told_of_and_kept(tmp_path: Path):
    said: list[tuple[str, int, int]] = []
    trainer = make_trainer(
        tmp_path, items=1500, test=None, on_progress=lambda *what: said.append(what)
    )
    trainer.fit(np.arange(400), np.arange(400) % 3)
    assert said == []
    trainer.fit(np.arange(1200), np.arange(1200) % 3)
    assert said == [("embedding the pool", done, 1500) for done in (512, 1024, 1500)]
    assert (tmp_path / "embeddings.npy").exists()


def test_a_learner_over_texts_needs_no_embedder(tmp_path: Path):
    learner = TextLearner()
    trainer = make_trainer(tmp_path, learner=learner, embedder=None)
    trainer.fit(_positions(3, 1), _positions(0, 1), extra=[("home", 2)])
    pool_texts = make_texts(60)[0]
    assert learner.seen == [pool_texts[1], pool_texts[3], "home"]
    figures = trainer.measure()
    assert figures["accuracy"] is not None
    assert trainer.probabilities(np.arange(4)).shape == (4, 3)


def test_measure_agrees_with_the_figures_worked_out_apart(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    trainer.fit(np.arange(12), np.arange(12) % 3)
    figures = trainer.measure()
    head = trainer.learner
    test_texts, test_gold = make_texts(30, seed=1)
    given = head.predict_proba(WordCounts().embed(test_texts))
    right = np.array([list(WORDS).index(g) for g in test_gold])
    assert figures["test_items"] == 30
    assert figures["accuracy"] == pytest.approx((given.argmax(axis=1) == right).mean())
    assert figures["nll"] == pytest.approx(-np.log(given[np.arange(30), right]).mean())
    assert 0 < figures["macro_f1"] <= 1
    pool = head.predict_proba(WordCounts().embed(make_texts(60)[0]))
    assert figures["mean_entropy"] == pytest.approx(-(pool * np.log(pool)).sum(axis=1).mean())


def test_agreement_is_the_kappa_with_the_call_before(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    trainer.fit(np.arange(12), np.arange(12) % 3)
    first = trainer.probabilities(np.arange(60)).argmax(axis=1)
    assert trainer.measure()["agreement"] is None
    assert trainer.measure()["agreement"] == 1.0
    trainer.fit(np.arange(12), np.arange(12) // 2 % 3)
    second = trainer.probabilities(np.arange(60)).argmax(axis=1)
    assert (first != second).any()
    assert trainer.measure()["agreement"] == pytest.approx(cohen_kappa_score(first, second))


def test_two_constant_predictions_agree(tmp_path: Path):
    trainer = make_trainer(tmp_path)
    trainer.fit(_positions(0), _positions(0))
    trainer.measure()
    assert trainer.measure()["agreement"] == 1.0


def test_without_a_test_set_there_is_no_accuracy(tmp_path: Path):
    trainer = make_trainer(tmp_path, test=None)
    trainer.fit(_positions(0, 1, 2), _positions(0, 1, 2))
    figures = trainer.measure()
    assert {name for name, value in figures.items() if value is None} == {
        "accuracy", "macro_f1", "nll", "test_items", "agreement",
    }  # fmt: skip
