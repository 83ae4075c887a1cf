from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import llmal
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError, DataError, UnsupportedError
from llmal.learners import Contrastive
from llmal.learners.networks.sentence_classifier import pair_losses
from tests.support.small_models import save_small_model

COLOURS, TASTES = ("red", "green", "blue"), ("sweet", "sour", "salty")


def _texts(count: int) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(0)
    kinds = [("colour", COLOURS), ("taste", TASTES)] * (count // 2)
    texts = [" ".join(["the", *rng.choice(words, 2)]) for _, words in kinds]
    return texts, [label for label, _ in kinds]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model("bert", tmp_path_factory.mktemp("bert"), head=False)


def _learner(model: Path, **options: object) -> Contrastive:
    given = {"epochs": 3, "learning_rate": 0.01, "max_length": 16, "device": "cpu", **options}
    return Contrastive(model, **given)


def test_pair_losses_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(6, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for shares in (np.eye(3)[[0, 0, 1, 1, 1, 2]], rng.dirichlet(np.ones(3), size=6)):
        expected = np.zeros(6)
        for i in range(6):
            near, far = [], []
            for j in range(6):
                if i == j:
                    continue
                cosine, agree = vectors[i] @ vectors[j], shares[i] @ shares[j]
                near.append((agree, (cosine - 1) ** 2))
                far.append((1 - agree, cosine**2))
            for kind in (near, far):
                total = sum(share for share, _ in kind)
                # Text 5 of the sure labels is the only one of its class.
                if total:
                    expected[i] += 0.5 * sum(share * loss for share, loss in kind) / total

        found = pair_losses(torch.tensor(vectors), torch.tensor(shares))

        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


def test_a_text_alone_has_no_loss_and_a_gradient_of_zero():
    vectors = torch.ones(1, 3, requires_grad=True)

    loss = pair_losses(vectors, torch.ones(1, 1)).sum()
    loss.backward()

    assert loss == 0
    assert vectors.grad is not None
    assert not vectors.grad.any()


def test_texts_of_one_class_come_nearer_than_others(model: Path):
    texts, labels = _texts(24)
    same = np.equal.outer(labels, labels)

    def gap(vectors: np.ndarray) -> float:
        cosines = vectors @ vectors.T
        return float(cosines[same].mean() - cosines[~same].mean())

    learner = _learner(model).fit(texts, labels)

    before = SentenceEmbedder(model, device="cpu", cache=False).embed(texts)
    assert gap(learner.embed(texts)) > gap(before) + 0.3


def test_what_is_saved_needs_no_other_model_and_is_an_embedder(model: Path, tmp_path: Path):
    base = tmp_path / "base"
    shutil.copytree(model, base)
    texts, labels = _texts(12)
    learner = _learner(base).fit(texts, labels)
    learner.save(tmp_path / "saved")
    shutil.rmtree(base)

    loaded = llmal.load_learner(tmp_path / "saved")
    embedder = SentenceEmbedder(tmp_path / "saved" / "embedder", device="cpu", cache=False)

    np.testing.assert_allclose(loaded.predict_proba(texts), learner.predict_proba(texts), atol=1e-6)
    np.testing.assert_allclose(embedder.embed(texts), learner.embed(texts), atol=1e-6)


def test_an_embedder_that_is_gone_is_one_sentence(model: Path, tmp_path: Path):
    _learner(model, epochs=1).fit(*_texts(8)).save(tmp_path)
    (tmp_path / "embedder" / "model.safetensors").unlink()

    with pytest.raises(DataError, match="the tuned embedder is missing or damaged"):
        _learner(model).load(tmp_path)


def test_a_hundred_texts_are_enough_to_stop_early(model: Path):
    few = _learner(model).fit(*_texts(98))
    many = _learner(model, epochs=30, patience=1).fit(*_texts(100))

    assert few.history_.held_out == ()
    assert 0 < len(many.history_.held_out) < 30
    assert many.history_.best == int(np.argmin(many.history_.held_out))


def test_llmal_train_takes_it_by_name(model: Path):
    result = llmal.train(
        [{"text": text, "label": label} for text, label in zip(*_texts(24), strict=True)],
        "contrastive",
        options={"model": str(model), "epochs": 3, "learning_rate": 0.01, "device": "cpu"},
        test=[("the blue green", "colour"), ("the salty sour", "taste")],
    )

    assert result.accuracy == 1


def test_a_pair_takes_two(model: Path):
    with pytest.raises(ConfigError, match="batch_size is 1; it must be at least 2"):
        _learner(model, batch_size=1).fit(*_texts(4))


def test_a_table_of_words_cannot_be_tuned(model: Path, tmp_path: Path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=4)]).save(str(tmp_path))

    with pytest.raises(UnsupportedError, match="is no transformer over texts"):
        _learner(tmp_path).fit(*_texts(4))


def test_opinions_leave_the_embedder_as_it_was(model: Path):
    texts, labels = _texts(8)
    learner = _learner(model).fit(texts, labels)
    alone = learner.embed(texts)

    opinions = [member(texts) for member in learner.committee(2, seed=0)]

    assert not any(np.array_equal(one, other) for one, other in itertools.combinations(opinions, 2))
    np.testing.assert_array_equal(learner.embed(texts), alone)
