"""What users give by mistake, and what goes wrong on the way: one clear sentence each."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

import llmal
from llmal.cli.app import app
from llmal.errors import ConfigError, DataError
from llmal.learners import DynamicSoftPrompt, FineTuned, LinearHead, PromptTuned, load_learner
from llmal.learners.noisy import Reweighting
from llmal.learners.training.terms import Batch, Course, Term
from tests.support.small_models import save_small_model

TEXTS = ["the red is very red", "the sour is sweet", "blue is green", "very salty"] * 3
Y = ["colour", "taste"] * 6
ROWS = list(zip(TEXTS, Y, strict=True))


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return save_small_model("bert", tmp_path / "bert")


def _fine_tuned(model: Path, **parameters: Any) -> FineTuned:
    return FineTuned(model, **{"epochs": 1, "device": "cpu", **parameters})


def _soft_prompt(folder: Path, **parameters: Any) -> DynamicSoftPrompt:
    words = ["red", "sweet", "colour", "taste", "Text", ":", "Label"]
    model = save_small_model("llama", folder / "llama", words=words)
    given = {"m": 2, "n": 1, "heads": 2, "template": "Text : {text} Label :", "epochs": 1}
    return DynamicSoftPrompt(model, device="cpu", **{**given, **parameters})


@contextlib.contextmanager
def _no_file_above(size: int) -> Iterator[None]:
    """Writes fail at a limit on the size of files, as they do on a full disk."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# Learners on disk


def test_a_learner_saved_before_there_were_terms_loads(bert: Path, tmp_path: Path):
    learner = _fine_tuned(bert).fit(TEXTS, Y)
    learner.save(tmp_path / "saved")
    path = tmp_path / "saved" / "learner.json"
    content = json.loads(path.read_text())
    del content["parameters"]["terms"]
    path.write_text(json.dumps(content))

    back = load_learner(tmp_path / "saved").learner

    np.testing.assert_array_equal(back.predict_proba(TEXTS), learner.predict_proba(TEXTS))
    assert back.terms == ()


def test_a_folder_of_another_learner_is_refused(bert: Path, tmp_path: Path):
    _fine_tuned(bert).fit(TEXTS, Y).save(tmp_path / "saved")

    with pytest.raises(DataError, match="not a saved 'prompt_tuned' learner"):
        PromptTuned(bert, device="cpu").load(tmp_path / "saved")


def test_a_checkpoint_of_other_classes_gets_a_head_of_its_own(bert: Path, tmp_path: Path):
    _fine_tuned(bert).fit(TEXTS, Y).save(tmp_path / "two")

    three = _fine_tuned(tmp_path / "two").fit(TEXTS, ["a", "b", "c"] * 4)

    assert three.predict_proba(TEXTS).shape == (12, 3)


def test_weights_of_another_number_of_classes_are_refused(bert: Path, tmp_path: Path):
    _fine_tuned(bert).fit(TEXTS, Y).save(tmp_path / "saved")
    path = tmp_path / "saved" / "learner.json"
    content = json.loads(path.read_text())
    content["classes"] = ["a", "b", "c"]
    path.write_text(json.dumps(content))

    with pytest.raises(DataError, match="missing, damaged, or belong to another model"):
        _fine_tuned(bert).load(tmp_path / "saved")


def test_other_labels_than_it_was_trained_on_are_refused(bert: Path, tmp_path: Path):
    llmal.train(ROWS, _fine_tuned(bert), directory=tmp_path / "saved")

    assert load_learner(tmp_path / "saved", labels=["colour", "taste"]).labels == (
        "colour",
        "taste",
    )
    with pytest.raises(
        ConfigError, match="trained on the labels colour, taste, not on food, drink"
    ):
        load_learner(tmp_path / "saved", labels=["food", "drink"])


@pytest.mark.parametrize("kind", ["fine_tuned", "prompt_tuned", "dynamic_soft_prompt"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing_that_looks_like_a_learner(
    kind: str, bert: Path, tmp_path: Path
):
    made: Any = {
        "fine_tuned": lambda: _fine_tuned(bert),
        "prompt_tuned": lambda: PromptTuned(bert, epochs=1, device="cpu"),
        "dynamic_soft_prompt": lambda: _soft_prompt(tmp_path),
    }[kind]()
    learner = made.fit(TEXTS, Y)
    learner.save(tmp_path / "saved")

    with _no_file_above(500), pytest.raises(DataError, match="the learner cannot be saved") as info:
        learner.save(tmp_path / "saved")

    assert "free some space" in str(info.value)
    with pytest.raises(DataError, match="there is no trained learner here"):
        load_learner(tmp_path / "saved")


def test_a_folder_that_cannot_be_made_is_one_sentence(bert: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")

    for learner, X in ((_fine_tuned(bert), TEXTS), (LinearHead(), np.eye(12))):
        with pytest.raises(DataError, match="the learner cannot be saved"):
            learner.fit(X, Y).save(tmp_path / "file" / "learner")


# Training


class _Broken(Term):
    """A loss that is no number from a pass on."""

    def __init__(self, from_epoch: int) -> None:
        self.from_epoch = from_epoch

    def loss(self, course: Course, batch: Batch) -> torch.Tensor | None:
        return batch.output.scores.mean() * (np.nan if course.epoch >= self.from_epoch else 1e-6)


def test_a_loss_that_is_no_number_keeps_the_best_weights(bert: Path, caplog):
    whole = {"learning_rate": 0.003, "epochs": 6, "validation": 0.2}
    learner = _fine_tuned(bert, **whole, terms=[_Broken(5)]).fit(TEXTS * 10, Y * 10)

    assert "the training diverged in pass 6; the weights of the best pass" in caplog.text
    history = learner.history_
    assert history.held_out[history.best] == min(history.held_out) < np.log(2)
    assert len(history.held_out) == 5
    assert np.isfinite(learner.predict_proba(TEXTS)).all()
    with pytest.raises(ConfigError, match=r"diverged in pass 1: its loss is no number.*lower"):
        _fine_tuned(bert, **whole, terms=[_Broken(0)]).fit(TEXTS, Y)


def test_gold_that_lacks_a_class_is_said(bert: Path, caplog):
    terms = [Reweighting(["red", "blue"], ["colour", "colour"])]

    _fine_tuned(bert, terms=terms).fit(TEXTS, Y)

    assert "no gold item has the label 'taste'" in caplog.text


@pytest.mark.parametrize("kind", ["fine_tuned", "dynamic_soft_prompt"])
def test_texts_that_are_too_long_are_cut_at_the_end_and_that_is_said_once(
    kind: str, bert: Path, tmp_path: Path, caplog
):
    long = "red red red red red red " + "sweet sour " * 20
    learner: Any = _fine_tuned(bert, max_length=8)
    if kind == "dynamic_soft_prompt":
        learner = _soft_prompt(tmp_path, max_length=6)
    with caplog.at_level(logging.WARNING, logger="llmal.learners"):
        learner.fit([*TEXTS, long], [*Y, "colour"])
        probabilities = learner.predict_proba([long, "red red red red red red"])

    assert caplog.text.count("1 of 13 texts are cut at the end to") == 1
    assert caplog.text.count("are cut at the end") == 1
    np.testing.assert_allclose(probabilities[0], probabilities[1], atol=1e-6)


def test_a_single_class_and_an_empty_text_are_taken(bert: Path):
    alone = _fine_tuned(bert).fit(["red", ""], ["colour", "colour"])
    both = _fine_tuned(bert).fit([*TEXTS, ""], [*Y, "taste"])

    np.testing.assert_array_equal(alone.predict_proba(["", "sour"]), [[1.0], [1.0]])
    assert np.isfinite(both.predict_proba([""])).all()


def test_labels_that_no_text_has_are_never_predicted_and_strange_ones_refused(bert: Path):
    trained = llmal.train(ROWS, _fine_tuned(bert), labels=["sound", "colour", "taste"])

    assert (trained.classifier.predict_proba(TEXTS)[:, 0] == 0).all()
    assert set(trained.classifier.predict(TEXTS)) <= {"colour", "taste"}
    with pytest.raises(DataError, match="smell"):
        llmal.train(ROWS, _fine_tuned(bert), test=[("the salty", "smell")])


# The command line


def _train(folder: Path, rows: list[tuple[str, str]], *words: str) -> Result:
    lines = "".join(f'{text},"{label}"\n' for text, label in rows)
    (folder / "data.csv").write_text("text,label\n" + lines)
    data, out = str(folder / "data.csv"), str(folder / "out")
    return CliRunner().invoke(app, ["train", "--data", data, "--out", out, "--quiet", *words])


def _by(model: Path | str, *options: str) -> list[str]:
    given = [f"model={model}", "device=cpu", *options]
    return ["--learner", "fine_tuned", *(word for one in given for word in ("--option", one))]


@pytest.mark.parametrize(
    ("rows", "model", "sentence"),
    [
        ([(text, "") for text in TEXTS], None, "no row has a label to train on"),
        ([("", label) for label in Y], None, "text"),
        (ROWS, "/no/such/model", "there is no model at '/no/such/model'"),
        (ROWS, "no-such-model", "no-such-model"),
    ],
)
def test_what_cannot_be_trained_on_is_one_sentence_and_leaves_nothing(
    rows: list[tuple[str, str]], model: str | None, sentence: str, bert: Path, tmp_path: Path
):
    done = _train(tmp_path, rows, *_by(model or bert, "epochs=1"))

    assert done.exit_code == 1
    assert sentence in done.stderr
    assert done.stderr.count("error:") == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_place_to_save_is_looked_at_before_the_training(bert: Path, tmp_path: Path):
    (tmp_path / "out").write_text("")

    with pytest.raises(DataError, match="no learner can be saved here") as info:
        llmal.train(ROWS, _fine_tuned(bert / "gone"), directory=tmp_path / "out" / "learner")

    assert "out' is no directory" in str(info.value)


def test_a_class_of_a_single_item_is_trained_on(bert: Path, tmp_path: Path):
    done = _train(tmp_path, [*ROWS, ("very", "manner")], *_by(bert, "epochs=1"))

    assert done.exit_code == 0, done.stderr
    assert load_learner(tmp_path / "out").labels == ("colour", "manner", "taste")


def _interrupt_training(seconds: float = 60.0) -> None:
    """Press Ctrl-C when the main thread is in a step of the training."""
    end = time.monotonic() + seconds
    main = threading.main_thread().ident
    while time.monotonic() < end:
        frame = sys._current_frames().get(main or 0)
        while frame is not None:
            if frame.f_code.co_name == "_descend":
                os.kill(os.getpid(), signal.SIGINT)
                return
            frame = frame.f_back
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_an_interrupted_training_leaves_nothing(bert: Path, tmp_path: Path):
    # A process that was started in the background may have been told to ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    presser = threading.Thread(target=_interrupt_training, daemon=True)
    presser.start()
    try:
        done = _train(tmp_path, ROWS, *_by(bert, "epochs=2000", "validation=0.0"))
        presser.join()
    finally:
        signal.signal(signal.SIGINT, before)

    assert done.exit_code == 130
    assert "interrupted" in done.stderr
    assert not (tmp_path / "out").exists()
