from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from llmal.embed import Embedder, EmbeddingCache, HiddenStateEmbedder
from llmal.errors import ConfigError, LanguageModelError
from tests.support.small_models import save_small_model

TEXTS = ["red", "the sweet is very sour", "green blue salty", "red"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {kind: save_small_model(kind, folder / kind) for kind in ("llama", "gpt2", "bert")}


def _plain(model: Path, text: str) -> list[torch.Tensor]:
    """The states of one text alone, layer by layer, by transformers; each (tokens, d)."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    loaded = transformers.AutoModel.from_pretrained(model)
    with torch.no_grad():
        states = loaded(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
    return [one[0] for one in states.hidden_states]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert"])
@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_vectors_are_the_states_that_transformers_gives_a_text_alone(models, kind, pooling):
    model = models[kind]
    plain = [_plain(model, text) for text in TEXTS]
    pooled = [
        np.stack([(one.mean(dim=0) if pooling == "mean" else one[-1]).numpy() for one in layers])
        for layers in plain
    ]
    expected = np.stack(pooled) / np.linalg.norm(np.stack(pooled), axis=2, keepdims=True)
    common = {"pooling": pooling, "device": "cpu", "batch_size": 3, "cache": False}

    for layer in (0, 1, -1):
        found = HiddenStateEmbedder(model, layer=layer, **common).embed(TEXTS)
        np.testing.assert_allclose(found, expected[:, layer], atol=2e-6)
    every = HiddenStateEmbedder(model, layer="all", **common).embed(TEXTS)
    np.testing.assert_allclose(every, expected.reshape(4, -1) / 3**0.5, atol=2e-6)


def test_it_is_an_embedder_whose_fingerprint_says_what_is_taken(models):
    def make(**options: object) -> HiddenStateEmbedder:
        return HiddenStateEmbedder(models["llama"], device="cpu", cache=False, **options)

    assert isinstance(make(), Embedder)
    assert make().dimensions == 16
    assert make(layer="all").dimensions == 48
    assert make().fingerprint == make(layer=2, batch_size=1).fingerprint
    different = [{}, {"layer": 0}, {"layer": "all"}, {"pooling": "last"}, {"max_length": 8}]
    assert len({make(**one).fingerprint for one in different}) == len(different)


def test_no_text_is_read_twice(models, tmp_path: Path):
    first = HiddenStateEmbedder(models["llama"], device="cpu", cache=tmp_path)
    vectors = first.embed(TEXTS)
    second = HiddenStateEmbedder(models["llama"], device="cpu", cache=EmbeddingCache(tmp_path))

    np.testing.assert_array_equal(second.embed(TEXTS), vectors)
    assert second._loaded is None
    assert second.embed([]).shape == (0, 16)


def test_an_empty_text_has_a_vector_and_long_ones_are_cut(models):
    embedder = HiddenStateEmbedder(models["llama"], device="cpu", max_length=2, cache=False)

    vectors = embedder.embed(["", "red green", "red green blue"])

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[1], vectors[2], atol=1e-6)


def test_bad_options_are_one_sentence(models, tmp_path: Path):
    for options, sentence in (
        ({"pooling": "first"}, "pooling is 'first'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"layer": "upper"}, "layer is 'upper'"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            HiddenStateEmbedder(models["llama"], **options)
    with pytest.raises(ConfigError, match=r"layer is 3, and .* has 2; give a number from 0 to 2"):
        HiddenStateEmbedder(models["llama"], layer=3, cache=False).embed(["red"])
    with pytest.raises(LanguageModelError, match="no usable model"):
        HiddenStateEmbedder(tmp_path, cache=False).embed(["red"])
