from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from llmal.errors import ConfigError, LanguageModelError, UnsupportedError
from llmal.learners import REGISTRY, PromptTuned, load_learner
from tests.support.small_models import save_small_model

TEXTS = ["red", "the sweet is very very sour the sour is salty", "green is blue", "salty"]
Y = ["colour", "taste", "colour", "taste"]


def _learner(model: Path, **parameters: Any) -> PromptTuned:
    defaults: dict[str, Any] = {"virtual_tokens": 3, "epochs": 2, "device": "cpu"}
    return PromptTuned(model, **{**defaults, **parameters})


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "roberta"])
def test_padding_does_not_change_the_probabilities(kind: str, tmp_path: Path):
    learner = _learner(save_small_model(kind, tmp_path / kind)).fit(TEXTS, Y)

    together = learner.predict_proba(TEXTS)
    alone = np.concatenate([learner.predict_proba([text]) for text in TEXTS])

    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.ptp(together[:, 0]) > 1e-3


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_a_text_alone_gets_what_peft_itself_computes(kind: str, tmp_path: Path):
    learner = _learner(save_small_model(kind, tmp_path / kind)).fit(TEXTS, Y)
    network = learner.network_

    with torch.inference_mode():
        for text, mine in zip(TEXTS, learner.predict_proba(TEXTS), strict=True):
            encoded = network.tokenizer(text, return_tensors="pt")
            logits = network.peft(
                input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]
            ).logits
            np.testing.assert_allclose(torch.softmax(logits[0], 0), mine, atol=1e-6)


@pytest.mark.parametrize("kind", ["llama", "bert", "roberta"])
def test_layers_that_the_checkpoint_lacks_are_saved_too(kind: str, tmp_path: Path):
    learner = _learner(save_small_model(kind, tmp_path / kind)).fit(TEXTS, Y)
    learner.save(tmp_path / "saved")
    # Another seed in the file would start those layers elsewhere.
    path = tmp_path / "saved" / "learner.json"
    content = json.loads(path.read_text())
    content["parameters"]["random_state"] = 5
    path.write_text(json.dumps(content))

    back = _learner(tmp_path / kind).load(tmp_path / "saved")

    np.testing.assert_allclose(back.predict_proba(TEXTS), learner.predict_proba(TEXTS), atol=1e-6)


def test_only_prompt_and_head_are_trained(tmp_path: Path):
    model = save_small_model("llama", tmp_path / "llama")
    before = _learner(model, learning_rate=1e-12).fit(TEXTS, Y).network_.peft.state_dict()

    for train_classifier, expected in ((True, {"prompt", "score"}), (False, {"prompt"})):
        learner = _learner(model, learning_rate=0.1, train_classifier=train_classifier)
        after = learner.fit(TEXTS, Y).network_.peft.state_dict()
        changed = {name for name in after if not torch.allclose(after[name], before[name])}
        assert {part for part in ("prompt", "score") if any(part in c for c in changed)} == expected
        assert all("prompt" in name or "score" in name for name in changed)


def test_hidden_states_have_the_models_width_and_follow_the_texts(tmp_path: Path):
    learner = _learner(save_small_model("llama", tmp_path / "llama")).fit(TEXTS, Y)

    hidden = learner.embed(TEXTS)

    assert hidden.shape == (4, 16)
    np.testing.assert_allclose(hidden[1:2], learner.embed(TEXTS[1:2]), atol=1e-5)
    assert learner.embed([]).shape == (0, 16)


@pytest.mark.parametrize("kind", ["llama", "roberta"])
def test_a_text_longer_than_the_context_is_cut_and_that_is_said(kind: str, tmp_path: Path, caplog):
    learner = _learner(save_small_model(kind, tmp_path / kind, context=16), max_length=100)

    with caplog.at_level(logging.WARNING, logger="llmal.learners"):
        learner.fit([*TEXTS, "the is very " * 50], [*Y, "taste"])

    assert "texts are cut to" in caplog.text


def test_a_soft_prompt_as_long_as_the_context_is_refused(tmp_path: Path):
    model = save_small_model("llama", tmp_path / "llama", context=16)
    with pytest.raises(ConfigError, match="leave no room for a text"):
        _learner(model, virtual_tokens=16).fit(TEXTS, Y)


def test_an_empty_text_has_probabilities(tmp_path: Path):
    learner = _learner(save_small_model("llama", tmp_path / "llama")).fit(TEXTS, Y)

    np.testing.assert_allclose(
        learner.predict_proba(["", *TEXTS])[0], learner.predict_proba([""])[0], atol=1e-6
    )


def test_training_that_diverges_is_one_sentence(tmp_path: Path):
    model = save_small_model("llama", tmp_path / "llama")
    with pytest.raises(ConfigError, match="lower learning_rate"):
        _learner(model, learning_rate=3e37, epochs=40).fit([*TEXTS, *TEXTS], [*Y, *Y[::-1]])


@pytest.mark.parametrize(
    ("model", "sentence"),
    [("/no/such/model", "there is no model at"), ("llmal-tests/no-such-model", "no-such-model")],
)
def test_a_model_that_is_not_there_is_one_sentence(model: str, sentence: str):
    with pytest.raises(LanguageModelError, match=sentence) as caught:
        PromptTuned(model).fit(TEXTS, Y)

    assert "\n" not in str(caught.value)


def test_a_base_model_that_has_gone_is_named_when_loading(tmp_path: Path):
    model = save_small_model("llama", tmp_path / "llama")
    _learner(model).fit(TEXTS, Y).save(tmp_path / "saved")
    model.rename(tmp_path / "moved")

    with pytest.raises(LanguageModelError, match="there is no model at"):
        _learner(model).load(tmp_path / "saved")


def test_an_encoder_decoder_is_refused(tmp_path: Path):
    import transformers

    model = save_small_model("bert", tmp_path / "bart")
    config = transformers.BartConfig(
        vocab_size=13,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
    )
    transformers.BartForSequenceClassification(config).save_pretrained(model)

    with pytest.raises(UnsupportedError, match="encoder-decoder"):
        _learner(model).fit(TEXTS, Y)


def test_an_unknown_device_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="no device 'abacus'"):
        PromptTuned("any", device="abacus").fit(TEXTS, Y)


@pytest.mark.slow
def test_two_hundred_questions_beat_the_majority_clearly(shared: Path):
    texts, y = _questions(shared, "train", 200)
    test_texts, test_y = _questions(shared, "test", 200)
    _, counts = np.unique(test_y, return_counts=True)

    learner = PromptTuned(shared / "models" / "tiny-lm", epochs=4, device="cpu").fit(texts, y)

    accuracy = (learner.predict(test_texts) == test_y).mean()
    assert accuracy > counts.max() / len(test_y) + 0.15


def _questions(shared: Path, part: str, count: int) -> tuple[list[str], np.ndarray]:
    with gzip.open(shared / "data" / "trec6" / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    chosen = np.random.default_rng(0).permutation(len(rows))[:count]
    return [rows[i]["text"] for i in chosen], np.array([rows[i]["label"] for i in chosen])


def test_the_former_name_of_the_seed_still_works(tmp_path: Path):
    model = save_small_model("bert", tmp_path / "bert")
    now = _learner(model, random_state=3).fit(TEXTS, Y)
    with pytest.warns(DeprecationWarning, match="now PromptTuned"):
        before = _learner(model, seed=3).fit(TEXTS, Y)
    np.testing.assert_array_equal(before.predict_proba(TEXTS), now.predict_proba(TEXTS))
    with pytest.warns(DeprecationWarning, match="the option 'seed' of prompt_tuned is now 'rand"):
        made = REGISTRY.make("prompt_tuned", {"model": str(model), "seed": 3}, offers={"seed": 9})
    assert (made.random_state, made.seed) == (3, None)
    now.save(tmp_path / "saved")
    path = tmp_path / "saved" / "learner.json"
    content = json.loads(path.read_text())
    del content["parameters"]["random_state"]  # as the version before wrote it
    content["parameters"]["seed"] = 3
    path.write_text(json.dumps(content))
    back = load_learner(tmp_path / "saved", labels=["colour", "taste"]).learner
    assert (back.random_state, back.seed) == (3, None)
