from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import llmal
from llmal.cli.app import app
from llmal.errors import DataError, UnsupportedError
from llmal.learners import (
    Contrastive,
    DynamicSoftPrompt,
    FineTuned,
    FromProbabilities,
    LinearHead,
    LoRA,
    PromptTuned,
    TextClassifier,
    load_learner,
)
from tests.support.small_models import WORDS, save_small_model
from tests.support.word_bayes import WordBayes

VOCABULARY = [*WORDS, "colour", "taste", "Text", "Label", ":", "of"]
TEXTS = ["red", "the sweet is very very sour the sour is salty", "green is blue", "salty"] * 3
NAMES = ["colour", "taste", "colour of the taste", "salty"]
Y = NAMES * 3
LONG = "the red is very sweet " * 30
WORDED: dict[str, Any] = {"template": "Text : {text} Label :"}


def model_of(kind: str, directory: Path) -> Path:
    return save_small_model(kind, directory / kind, words=VOCABULARY)


def classifier_of(card: Path) -> Callable[[list[str]], list[list[dict[str, Any]]]]:
    """What the code of a model card defines, run where the card is, as it says."""
    (code,) = re.findall(r"```python\n(.*?)```", card.read_text(encoding="utf-8"), re.DOTALL)
    before = Path.cwd()
    os.chdir(card.parent)
    try:
        space: dict[str, Any] = {}
        exec(code, space)
    finally:
        os.chdir(before)
    return space["classifier"]


def said_by(folder: Path, texts: list[str], labels: list[str]) -> np.ndarray:
    classify = classifier_of(folder / "README.md")
    rows = [{one["label"]: one["score"] for one in row} for row in classify(texts)]
    assert all(set(row) == set(labels) for row in rows)
    return np.array([[row[label] for label in labels] for row in rows])


CASES: dict[str, tuple[str, Callable[[Path], Any], dict[str, Any]]] = {
    "fine_tuned, decoder": ("llama", lambda m: FineTuned(m, epochs=2), {}),
    "fine_tuned, encoder": ("bert", lambda m: FineTuned(m, epochs=2), {}),
    "lora, merged": ("gpt2", lambda m: LoRA(m, epochs=2, learning_rate=0.02), {}),
    "lora, encoder": ("bert", lambda m: LoRA(m, epochs=2, learning_rate=0.02), {}),
    "lora, adapter": ("llama", lambda m: LoRA(m, epochs=2, learning_rate=0.02), {"merge": False}),
    "words, merged": (
        "llama", lambda m: LoRA(m, answer="words", epochs=2, learning_rate=0.02, **WORDED), {},
    ),
    "words, adapter": (
        "gpt2", lambda m: LoRA(m, answer="words", epochs=2, learning_rate=0.02, **WORDED),
        {"merge": False},
    ),
    "soft prompt": (
        "llama", lambda m: DynamicSoftPrompt(m, n=0, m=3, fusion="task", epochs=2, **WORDED), {},
    ),
    "contrastive": ("bert", lambda m: Contrastive(m, epochs=2), {}),
    "prompt_tuned": ("bert", lambda m: PromptTuned(m, virtual_tokens=3, epochs=2), {}),
    "p_tuning": ("llama", lambda m: PromptTuned(m, virtual_tokens=3, method="p_tuning"), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_code_of_the_card_computes_the_same(name: str, tmp_path: Path):
    kind, make, options = CASES[name]
    learner = make(model_of(kind, tmp_path)).set_params(device="cpu")
    learner.fit(TEXTS, Y)

    learner.export(tmp_path / "out", **options)

    texts = [*TEXTS[:4], LONG]
    mine = learner.predict_proba(texts)
    assert np.ptp(mine, axis=0).max() > 1e-3
    np.testing.assert_allclose(
        said_by(tmp_path / "out", texts, learner.classes_.tolist()), mine, atol=2e-5
    )


def test_a_transformers_pipeline_reads_the_folder_as_it_is(tmp_path: Path):
    from transformers import pipeline

    learner = FineTuned(model_of("bert", tmp_path), epochs=2, device="cpu").fit(TEXTS, Y)
    learner.export(tmp_path / "out")

    classify = pipeline("text-classification", str(tmp_path / "out"))

    best = classify(TEXTS[:4])
    assert [one["label"] for one in best] == learner.predict(TEXTS[:4]).tolist()
    mine = learner.predict_proba(TEXTS[:4]).max(axis=1)
    np.testing.assert_allclose([one["score"] for one in best], mine, atol=1e-5)


def test_peft_loads_the_updates_by_its_own_means(tmp_path: Path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = model_of("llama", tmp_path)
    learner = LoRA(model, answer="words", epochs=1, device="cpu", **WORDED).fit(TEXTS, Y)
    learner.export(tmp_path / "out", merge=False)

    peft = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(model), str(tmp_path / "out")
    )

    mine = learner.network_.peft.state_dict()
    assert any(mine[name].abs().max() > 0 for name in mine if "lora_B" in name)
    for name, value in peft.state_dict().items():
        np.testing.assert_allclose(value, mine[name], atol=1e-7)


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c"]])
def test_a_linear_head_goes_with_its_embedder(labels: list[str], embedder, tmp_path: Path):
    import skops.io

    texts = [f"{word} thing" for word in ("red", "sweet", "loud")] * 4
    rows = [{"text": text, "label": labels[place % len(labels)]}
            for place, text in enumerate(texts)]  # fmt: skip
    found = llmal.train(rows, embedder=embedder, directory=tmp_path / "trained")

    load_learner(tmp_path / "trained", embedder=embedder).export(
        tmp_path / "out", metrics={"accuracy": 0.75}
    )

    mine = found.classifier.predict_proba(texts[:3])
    np.testing.assert_allclose(said_by(tmp_path / "out", texts[:3], labels), mine, atol=1e-5)
    assert skops.io.get_untrusted_types(file=tmp_path / "out" / "head.skops") == []
    assert "| accuracy | 0.75 |" in (tmp_path / "out" / "README.md").read_text()
    assert not list((tmp_path / "out").rglob("*.bin"))


def test_a_head_of_several_labels_is_one_against_the_rest():
    from llmal.learners.exporting.head import as_scikit_learn

    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 5))
    table = np.column_stack([X[:, 0] > 0, X[:, 1] > 0.3, np.zeros(40), np.ones(40)]).astype(int)
    head = LinearHead().fit(X, table)

    np.testing.assert_allclose(as_scikit_learn(head).predict_proba(X), head.predict_proba(X))


def test_the_card_says_what_is_in_the_folder(tmp_path: Path):
    model = model_of("llama", tmp_path)
    learner = LoRA(model, epochs=1, device="cpu").fit(TEXTS, [0, 1, 1] * 4)
    learner.save(tmp_path / "saved")

    load_learner(tmp_path / "saved", labels=["a|b", "second", "unseen"]).export(tmp_path / "out")

    card = (tmp_path / "out" / "README.md").read_text()
    _, head, body = card.split("---\n", 2)
    assert yaml.safe_load(head) == {
        "library_name": "transformers", "pipeline_tag": "text-classification",
        "license": "unknown", "tags": ["llmal"],
    }  # fmt: skip
    assert "| a\\|b | 4 |\n| second | 8 |" in body
    assert "by class, 12 in all" in body
    assert "gave no figures" in body
    assert "licence is not known" in body
    assert "hash of `" in body
    assert str(tmp_path) not in body.split("## Settings")[0]
    assert '"rank": 8' in body


def test_a_learner_inside_another_is_exported_as_itself(tmp_path: Path):
    wrapped = FromProbabilities(FineTuned(model_of("bert", tmp_path), epochs=1, device="cpu"))
    wrapped.fit(TEXTS, Y)

    wrapped.export(tmp_path / "out")

    said = said_by(tmp_path / "out", TEXTS[:4], wrapped.classes_.tolist())
    np.testing.assert_allclose(said, wrapped.predict_proba(TEXTS[:4]), atol=1e-5)


def test_what_cannot_be_exported_is_one_sentence(tmp_path: Path):
    model = model_of("llama", tmp_path)
    soft = DynamicSoftPrompt(model, m=3, heads=2, epochs=1, device="cpu", **WORDED).fit(TEXTS, Y)
    inside = DynamicSoftPrompt(
        model, m=3, n=0, fusion="task", place="before text", epochs=1, device="cpu", **WORDED
    ).fit(TEXTS, Y)  # fmt: skip
    tuned = FineTuned(model, epochs=1, device="cpu")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("here")

    for one in (soft, inside):
        with pytest.raises(UnsupportedError, match="load_learner, or SoftPromptLM") as caught:
            one.export(tmp_path / "soft")
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "soft").exists()
    with pytest.raises(DataError, match="is not fitted"):
        tuned.export(tmp_path / "out")
    with pytest.raises(DataError, match="a single class"):
        tuned.fit(TEXTS[:2], ["one", "one"]).export(tmp_path / "out")
    with pytest.raises(DataError, match="something here already"):
        tuned.fit(TEXTS, Y).export(tmp_path / "taken")
    nothing = TextClassifier(WordBayes(), ("a", "b"))
    with pytest.raises(UnsupportedError, match="a WordBayes has no form"):
        nothing.export(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["llama", "taken"]


def test_the_command(tmp_path: Path):
    learner = LoRA(model_of("llama", tmp_path), answer="words", epochs=1, device="cpu", **WORDED)
    learner.fit(TEXTS, Y).save(tmp_path / "saved")

    def call(*words: object) -> Any:
        return CliRunner().invoke(app, ["export-learner", *map(str, words)])

    merged = call(tmp_path / "saved", "--out", tmp_path / "merged", "--json",
                  "--metric", "accuracy=0.5", "--metric", "measured on=12 texts")  # fmt: skip
    adapter = call(tmp_path / "saved", "--out", tmp_path / "adapter", "--adapter")
    again = call(tmp_path / "saved", "--out", tmp_path / "adapter")

    assert merged.exit_code == 0, merged.output
    said = json.loads(merged.stdout)
    assert said["labels"] == sorted(NAMES)
    assert {"README.md", "model.safetensors", "tokenizer.json"} <= set(said["files"])
    card = (tmp_path / "merged" / "README.md").read_text()
    assert "| accuracy | 0.5 |\n| measured on | 12 texts |" in card
    assert adapter.exit_code == 0, adapter.output
    assert (tmp_path / "adapter" / "adapter_model.safetensors").is_file()
    assert again.exit_code != 0
    assert "something here already" in again.stderr
