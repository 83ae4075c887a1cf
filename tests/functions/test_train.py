"""`llmal.train` and `llmal train`: a learner from any labelled file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import llmal
from llmal.cli.app import app
from llmal.embed import HiddenStateEmbedder
from llmal.errors import ConfigError, DataError
from tests.support.small_models import WORDS, save_small_model

ROWS = [
    {"message": text, "topic": topic}
    for text, topic in [("the is red", "colour"), ("very sweet", "taste"), ("green", "colour"),
                        ("sour is salty", "taste")] * 6
]  # fmt: skip
TEST = [{"message": "blue", "topic": "colour"}, {"message": "the salty", "topic": "taste"}]
VOCABULARY = [*WORDS, "colour", "taste"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_small_model("llama", tmp_path / "model", words=VOCABULARY)


def options(model: Path) -> dict[str, object]:
    return {"model": str(model), "epochs": 6, "learning_rate": 0.02, "device": "cpu"}


def test_a_learner_over_texts_is_trained_tested_saved_and_used(model: Path, tmp_path: Path):
    found = llmal.train(ROWS, "lora", options=options(model), label="topic", text="message",
                        test=TEST, directory=tmp_path / "trained")  # fmt: skip

    assert (found.items, found.tested) == (24, 2)
    assert found.accuracy in (0.0, 0.5, 1.0)
    assert "LoRA, trained on 24 texts" in str(found)
    again = llmal.predict(tmp_path / "trained", ROWS, text="message", progress=False)
    assert list(again.labels) == list(found.classifier.predict([r["message"] for r in ROWS]))


@pytest.mark.parametrize("states", [False, True])
def test_a_linear_head_on_embeddings_finds_its_embedder_again(
    model: Path, tmp_path: Path, embedder, states: bool
):
    if states:
        embedder = HiddenStateEmbedder(model, layer=1, pooling="last", max_length=9, cache=False)
    found = llmal.train(ROWS, label="topic", text="message", directory=tmp_path / "trained",
                        embedder=embedder)  # fmt: skip

    back = llmal.load_learner(tmp_path / "trained")

    texts = [row["message"] for row in ROWS]
    np.testing.assert_allclose(back.predict_proba(texts), found.classifier.predict_proba(texts))
    assert back.labels == ("colour", "taste")


def test_weights_of_a_column_decide(embedder):
    contradicting = [*({**row, "w": 5} for row in ROWS),
                     *({"message": row["message"], "w": 0.2,
                        "topic": "taste" if row["topic"] == "colour" else "colour"}
                       for row in ROWS)]  # fmt: skip

    found = llmal.train(contradicting, label="topic", text="message", weights="w",
                        test=ROWS, embedder=embedder)  # fmt: skip

    assert found.accuracy == 1.0


def test_what_cannot_be_is_one_sentence(tmp_path: Path, embedder, model: Path):
    with pytest.raises(DataError, match="the weight of 'the is red' is None"):
        llmal.train(ROWS, label="topic", text="message", weights="none", embedder=embedder)
    with pytest.raises(ConfigError, match="no 'linaer' among the learners"):
        llmal.train(ROWS, "linaer", label="topic", text="message")
    with pytest.raises(DataError, match="column"):
        llmal.train(ROWS, label="label", text="message")
    with pytest.raises(ConfigError, match="model"):
        llmal.train(ROWS, "lora", label="topic", text="message")
    llmal.train(ROWS, label="topic", text="message", directory=tmp_path / "a", embedder=embedder)
    with pytest.raises(DataError, match="a trained learner here already"):
        llmal.train(ROWS, label="topic", text="message", directory=tmp_path / "a")


def test_the_command(model: Path, tmp_path: Path):
    data, test = tmp_path / "data.jsonl", tmp_path / "test.jsonl"
    for path, rows in ((data, ROWS), (test, TEST)):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = [f"--option={name}={value}" for name, value in options(model).items()]

    result = CliRunner().invoke(
        app,
        ["train", "--data", str(data), "--label", "topic", "--text", "message", "--learner",
         "fine_tuned", *given, "--test", str(test), "--out", str(tmp_path / "out"), "--json"],
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["items"], said["tested"], said["labels"]) == (24, 2, ["colour", "taste"])
    assert (tmp_path / "out" / "learner.json").exists()


def test_labels_that_look_alike_are_told_of_unless_they_are_named(embedder, caplog):
    rows = [{**ROWS[0], "topic": "Colour "}, *ROWS]

    apart = llmal.train(rows, label="topic", text="message", embedder=embedder)
    assert "'Colour' and 'colour' differ in case or spaces alone" in caplog.text
    caplog.clear()
    one = llmal.train(rows, label="topic", text="message", embedder=embedder,
                      labels=["colour", "taste"])  # fmt: skip

    assert not caplog.text
    assert (len(apart.classifier.labels), len(one.classifier.labels)) == (3, 2)


def test_a_series_of_texts_and_a_learner_that_is_not_fitted(model: Path):
    import pandas as pd

    learner = llmal.learners.FineTuned(model, epochs=1, device="cpu")
    with pytest.raises(DataError, match="this FineTuned is not fitted"):
        learner.predict(["red"])
    frame = pd.DataFrame(ROWS)
    assert len(learner.fit(frame["message"], frame["topic"]).predict(frame["message"])) == 24


def test_what_is_left_out_and_what_cannot_be_learnt_is_told(embedder, caplog):
    rows = [*ROWS, {"message": "a cup", "topic": None}, {"message": "a box", "topic": ""}]
    found = llmal.train(rows, label="topic", text="message", embedder=embedder,
                        labels=["colour", "taste", "smell"])  # fmt: skip
    assert found.unlabelled == 2
    assert "trained on 24 texts (2 rows without a label left out)" in str(found)
    assert "no text has the label 'smell', so the learner never gives it" in caplog.text
    assert list(found.classifier.learner.classes_) == [0, 1]


def test_a_label_that_is_none_of_the_task_is_named_with_its_row(embedder):
    with pytest.raises(DataError, match=r"data, row 1, 'the is red': 'colour' is not a label"):
        llmal.train(ROWS, label="topic", text="message", embedder=embedder, labels=["taste", "x"])


def test_the_help_names_every_learner():
    said = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "400"}).stdout
    assert all(name in said for name in llmal.learners.REGISTRY.names())
