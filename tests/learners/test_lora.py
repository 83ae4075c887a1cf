from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import llmal
from llmal.errors import ConfigError, DataError
from llmal.learners import LoRA, load_learner
from llmal.lm import TransformersLM
from tests.support.small_models import WORDS, save_small_model

VOCABULARY = [*WORDS, "colour", "taste", "Text", "Label", ":", "of"]
TEXTS = ["red", "the sweet is very very sour the sour is salty", "green is blue", "salty"] * 3
VERBALIZERS = {"a": "very sweet", "b": "very sour", "c": "red", "d": "very"}
Y = sorted(VERBALIZERS) * 3


def learner_over(model: Path, **parameters: Any) -> LoRA:
    given: dict[str, Any] = {
        "epochs": 3,
        "learning_rate": 0.02,
        "device": "cpu",
        "template": "Text : {text} Label :",
        "verbalizers": VERBALIZERS,
    }
    return LoRA(model, answer="words", **{**given, **parameters})


@pytest.fixture(params=["llama", "gpt2"])
def model(request, tmp_path: Path) -> Path:
    return save_small_model(request.param, tmp_path / "model", words=VOCABULARY)


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    return save_small_model("llama", tmp_path / "llama", words=VOCABULARY)


def scores_of(learner: LoRA, texts: list[str]) -> np.ndarray:
    network = learner.network_
    with torch.inference_mode():
        return network.forward(network.read(texts)).scores.numpy()


def test_whole_labels_are_what_peft_and_a_language_model_say(model: Path, tmp_path: Path):
    """The adapter, loaded by PEFT itself and merged, in the hands of another scorer."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    learner = learner_over(model).fit(TEXTS, Y)
    learner.save(tmp_path / "saved")
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    theirs = PeftModel.from_pretrained(base, str(tmp_path / "saved" / "adapter"))
    theirs.merge_and_unload().save_pretrained(tmp_path / "merged")
    AutoTokenizer.from_pretrained(model).save_pretrained(tmp_path / "merged")
    prompts = [f"Text : {text} Label :" for text in TEXTS[:4]]
    candidates = [f" {VERBALIZERS[one]}" for one in learner.classes_]

    said = TransformersLM(tmp_path / "merged", device="cpu").score(prompts, candidates)
    plain = TransformersLM(model, device="cpu").score(prompts, candidates)

    assert sorted(said.lengths) == [1, 2, 2, 2]
    np.testing.assert_allclose(scores_of(learner, TEXTS[:4]), said.log_probs, atol=1e-4)
    assert np.abs(plain.log_probs - said.log_probs).max() > 0.1


def test_padding_and_company_do_not_change_the_probabilities(model: Path):
    learner = learner_over(model).fit(TEXTS, Y)

    together = learner.predict_proba(TEXTS)
    alone = np.concatenate([learner.predict_proba([text]) for text in TEXTS])

    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_the_model_behind_the_updates_is_left_as_it_is(llama: Path):
    network = learner_over(llama).fit(TEXTS, Y).network_

    with network.peft.disable_adapter(), torch.inference_mode():
        without = network.forward(network.read(TEXTS[:4])).scores.numpy()

    prompts = [f"Text : {text} Label :" for text in TEXTS[:4]]
    plain = TransformersLM(llama, device="cpu").score(prompts, list(network.candidates))
    np.testing.assert_allclose(without, plain.log_probs, atol=1e-4)
    assert {name.split(".")[-3] for name, one in network.peft.named_parameters()
            if one.requires_grad} == {"lora_A", "lora_B"}  # fmt: skip


def test_the_default_template_is_the_labelling_prompt(tiny_lm_path: Path):
    from llmal.core.records import Item
    from llmal.prompting.templates import load_prompt
    from llmal.task import Task

    learner = LoRA(tiny_lm_path, answer="words", instruction="Say which.", epochs=1, device="cpu")
    learner.fit(["a b", "c"], ["Person", "Place"])

    task = Task("label", ["Person", "Place"], "Say which.", text="text")
    prompt = load_prompt("label").render("completion", task=task, labels=["Person", "Place"],
                                         item=Item("", "a b"), demonstrations=[])  # fmt: skip
    assert learner.network_.template.fill("a b") == prompt


def test_a_saved_learner_is_loaded_with_its_words(llama: Path, tmp_path: Path):
    learner = learner_over(llama).fit(TEXTS, Y)
    learner.save(tmp_path / "saved")

    back = load_learner(tmp_path / "saved")

    assert back.labels == tuple(Y[:4])
    np.testing.assert_allclose(back.predict_proba(TEXTS), learner.predict_proba(TEXTS), atol=1e-6)


@pytest.mark.parametrize("answer", ["head", "words"])
def test_a_layer_that_the_model_lacks_is_named(answer: str, llama: Path):
    given = {"template": None} if answer == "head" else {}
    for modules, sentence in ((["q_proj", "query"], "no layer 'query' to adapt"),
                              ("query|key", "the model cannot be adapted")):  # fmt: skip
        learner = learner_over(llama, modules=modules, **given).set_params(answer=answer)
        with pytest.raises(ConfigError, match=sentence) as caught:
            learner.fit(TEXTS, Y)
        assert "\n" not in str(caught.value)


def test_what_cannot_be_is_one_sentence(llama: Path, tmp_path: Path):
    bert = save_small_model("bert", tmp_path / "bert", words=VOCABULARY)

    with pytest.raises(ConfigError, match="a masked model does not go on"):
        learner_over(bert, template="{text} {mask}").fit(TEXTS, Y)
    with pytest.raises(ConfigError, match="answer is 'guess'"):
        learner_over(llama).set_params(answer="guess").fit(TEXTS, Y)
    with pytest.raises(ConfigError, match="head reads texts without a template"):
        learner_over(llama).set_params(answer="head").fit(TEXTS, Y)
    with pytest.raises(ConfigError, match="class 0 has no word"):
        learner_over(llama).fit(TEXTS, [0, 1] * 6)
    with pytest.raises(ConfigError, match="leave no room for a text"):
        learner_over(llama, instruction="the red " * 40).fit(TEXTS, Y)


def test_another_base_model_is_refused(llama: Path, tmp_path: Path):
    learner_over(llama).fit(TEXTS, Y).save(tmp_path / "saved")
    path = tmp_path / "saved" / "learner.json"
    content = json.loads(path.read_text())
    other = save_small_model("llama", tmp_path / "other", words=[*VOCABULARY, "more"])
    content["parameters"]["model"] = str(other)
    path.write_text(json.dumps(content))

    with pytest.raises(DataError, match="trained with another model"):
        load_learner(tmp_path / "saved")


def test_an_adapter_of_other_layers_is_refused(llama: Path, tmp_path: Path):
    learner_over(llama, modules=["q_proj"]).fit(TEXTS, Y).save(tmp_path / "one")
    learner_over(llama, modules=["up_proj"]).fit(TEXTS, Y).save(tmp_path / "other")
    weights = tmp_path / "other" / "adapter" / "adapter_model.safetensors"
    weights.replace(tmp_path / "one" / "adapter" / weights.name)

    with pytest.raises(DataError, match="belongs to another model"):
        load_learner(tmp_path / "one")


def test_the_words_of_a_task_come_from_the_task(llama: Path, tmp_path: Path):
    """In a run, and in one call, classes are columns of the task's labels."""
    labels = [
        llmal.Label("warm", words=["red"]),
        llmal.Label("cold", words=["very sour"]),
        llmal.Label("unseen", words=["the"]),
    ]
    rows = [{"text": text, "label": ("warm", "cold")[place % 2]}
            for place, text in enumerate(TEXTS)]  # fmt: skip
    options = {"model": str(llama), "answer": "words", "epochs": 1, "device": "cpu",
               "template": "Text : {text} Label :"}  # fmt: skip

    found = llmal.train(rows, "lora", options=options, labels=labels, directory=tmp_path / "out")
    load_learner(tmp_path / "out").export(tmp_path / "exported")

    assert set(found.classifier.learner.network_.candidates) == {" red", " very sour"}
    assert "| warm | 6 |\n| cold | 6 |" in (tmp_path / "exported" / "README.md").read_text()
