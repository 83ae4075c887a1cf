"""The recipes that llmal comes with, run."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import kill_and_resume as killing
import numpy as np
import pytest
import yaml
from small_models import WORDS, save_small_model

from llmal.config import RunConfig, load_config
from llmal.config.schema import RecipeConfig
from llmal.factory.kept_config import KeptConfig
from llmal.factory.orchestrator import build
from llmal.learners import DynamicSoftPrompt
from llmal.ledger import Ledger
from llmal.recipes import recipe_file, recipe_names
from llmal.run.result import RunResult
from llmal.selectors import PromptALScore

OWN = """\
extends: promptal
task:
  name: taste
  text: text
  guidelines: Say how it is.
  labels: {fine: {words: sweet}, nasty: {words: sour}}
data: {pool: pool.csv, test: test.csv, gold: label}
learner: {model: model, epochs: 2, max_length: 16}
start: {items: 8}
budget: {batch: 8, rounds: 2}
seed: 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool, a test set and a small masked language model."""
    made = tmp_path_factory.mktemp("recipes")
    save_small_model("roberta", made / "model", words=[*WORDS, "It", "was", "."])
    rng = np.random.default_rng(0)
    for name, size in {"pool": 60, "test": 20}.items():
        rows = [
            f"{name}{n},the {' '.join(rng.choice(WORDS, 5))} is {word},{label}"
            for n in range(size)
            for label, word in [(("fine", "green"), ("nasty", "red"))[n % 2]]
        ]
        (made / f"{name}.csv").write_text("id,text,label\n" + "\n".join(rows) + "\n")
    return made


def _config(folder: Path, name: str, more: str = "") -> RunConfig:
    path = folder / f"{name}.yaml"
    path.write_text(f"{OWN}directory: {name}\n{more}")
    return load_config(path)


def _run(config: RunConfig, callbacks: tuple[Any, ...] = ()) -> RunResult:
    return build(config, callbacks=(KeptConfig.of(config), *callbacks)).run()


@pytest.fixture(scope="module")
def whole(folder: Path) -> Path:
    """The directory of an undisturbed run."""
    _run(_config(folder, "whole"))
    return folder / "whole"


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_says_what_it_carries_out(name: str):
    content = yaml.safe_load(recipe_file(name).read_text())
    about = RecipeConfig.model_validate(content["recipe"], strict=False)
    assert about.faithful
    assert about.ours
    assert not {"task", "data"} & set(content)


def test_promptal_is_the_loop_of_the_paper(folder: Path):
    (folder / "plain.yaml").write_text(
        "extends: promptal\ntask: {labels: [fine, nasty]}\n"
        "data: {pool: pool.csv, gold: label}\nlearner: {model: model}\n"
    )
    config = load_config(folder / "plain.yaml")
    run = build(config)
    assert (config.start.selector, config.start.items) == ("random", 32)
    assert (config.budget.batch, config.budget.rounds) == (32, 9)  # and the start
    assert run.selector == PromptALScore(weight=0.9, neighbours=10, per_label=100)
    learner = run.learner
    assert isinstance(learner, DynamicSoftPrompt)
    plain = DynamicSoftPrompt("model").get_params()
    own = {"model", "verbalizers", "template", "validation"}
    settled = {"m": 4, "dropout": 0.5, "epochs": 10, "learning_rate": 2e-5, "start": "normal",
               "residual": False, "freeze_backbone": False}  # fmt: skip
    for option, value in learner.get_params().items():
        if option not in own:
            assert value == settled.get(option, plain[option]), option
    assert learner.validation == 0  # the model of the last pass queries


@pytest.mark.parametrize(
    ("line", "option", "value"),
    [
        ("learner: {n: 0}", "n", 0),
        ("learner: {fusion: hadamard}", "fusion", "hadamard"),
        ("learner: {fusion: addition}", "fusion", "addition"),
        ("selector: {calibrated: false}", "calibrated", False),
        ("selector: {weight: 1.0}", "weight", 1.0),
    ],
)
def test_an_ablation_is_one_line(folder: Path, line: str, option: str, value: object):
    (folder / "base.yaml").write_text(OWN)
    (folder / "ablation.yaml").write_text(f"extends: base.yaml\n{line}\n")
    run = build(load_config(folder / "ablation.yaml"))
    part = run.learner if line.startswith("learner") else run.selector
    assert getattr(part, option) == value
    assert run.learner.epochs == 2


def test_two_rounds_over_a_masked_language_model(whole: Path):
    with Ledger.open(whole / "ledger.sqlite", read_only=True) as ledger:
        rounds = ledger.rounds()
        labels = ledger.labels()
    assert [one.selector for one in rounds] == ["random", "promptal", "promptal"]
    assert [len(one.item_ids) for one in rounds] == [8, 8, 8]
    assert len(labels) == 24
    assert all(0 <= one.metrics["accuracy"] <= 1 for one in rounds)
    kept = (whole / "config.yaml").read_text()
    assert "extends" not in kept
    assert load_config(whole / "config.yaml").learner.options["learning_rate"] == 2e-5
    learner = DynamicSoftPrompt(whole.parent / "model").load(whole / "learner")
    assert learner.network_.backbone.kind == "masked"


class _Killed(BaseException):
    """The end of a process."""


def test_a_run_that_breaks_off_goes_on_to_the_same_ledger(folder: Path, whole: Path):
    def break_off(event: Any) -> None:
        if event.kind == "step" and "round 1: training" in event.message:
            raise _Killed

    with pytest.raises(_Killed):
        _run(_config(folder, "broken"), (break_off,))
    assert len(killing.content(folder / "broken")["annotations"]) == 16
    _run(_config(folder, "broken"))
    assert killing.content(folder / "broken") == killing.content(whole)


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same_ledger(folder: Path, whole: Path):
    _config(folder, "killed")
    process = killing.start(folder / "killed.yaml")
    while process.poll() is None and killing.count_annotations(folder / "killed") < 16:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    killing.finish(killing.start(folder / "killed.yaml"))
    assert killing.content(folder / "killed") == killing.content(whole)
