"""What the documents show works as written."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import numpy as np
import pytest

import llmal
from llmal.config import parse_config

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_python_of_the_documents(
    tmp_path: Path, shared: Path, tiny_lm_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "test"):
        shutil.copy(shared / "data" / "trec6" / f"{name}.jsonl.gz", tmp_path)
    monkeypatch.chdir(tmp_path)
    task = llmal.Task(
        name="trec",
        labels=["Number", "Location", "Person", "Description", "Entity", "Abbreviation"],
        guidelines="What kind of answer does the question ask for?",
    )
    pool = llmal.Pool.from_file("train.jsonl.gz", text="text", gold="label")
    lm = llmal.lm.TransformersLM(tiny_lm_path)
    scores = lm.score(["Question: Who wrote Emma ?\nAnswer Type:"], [" Person", " Number"])
    assert scores.log_probs.shape == (1, 2)
    assert scores.log_probs.dtype.kind == "f"
    annotations = llmal.annotators.LLMAnnotator(task, lm).annotate(pool[:50])
    assert len(annotations) == 50
    state = llmal.RoundState.from_arrays(
        embeddings=np.random.rand(1000, 16).astype("float32"),  # noqa: NPY002
        probabilities=np.full((1000, 3), 1 / 3),
        labelled=np.array([0, 1]),
        labels=np.array([0, 1]),
    )
    picks = llmal.selectors.TypiClust().select(state, k=20, rng=np.random.default_rng(0))
    assert len(set(picks.indices.tolist())) == 20
    test = llmal.Pool.from_file("test.jsonl.gz", text="text", gold="label")
    # The documents spend 200 labels on the whole pool; the loop is the same on a part of it.
    run = llmal.Orchestrator(
        task,
        pool[:200],
        test=test[:100],
        directory="runs/trec",
        lm=lm,
        selector=llmal.selectors.Margin(),
        learner=llmal.learners.LinearHead(),
        annotator=llmal.annotators.SimulatedHuman(),
        budget=llmal.Budget(human_labels=60, batch=20),
        seed=0,
    )
    result = run.run()
    assert result.accuracy is not None
    assert len(result.annotations) == result.cost.human_labels == 60
    assert llmal.report.write_run(run).is_file()


def test_the_yaml_of_the_readme(tmp_path: Path) -> None:
    text = README.read_text()
    block = re.search(r"^    task: \{name: trec.*?^    seed: 0$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    (tmp_path / "train.jsonl.gz").touch()
    (tmp_path / "test.jsonl.gz").touch()
    config = parse_config(textwrap.dedent(block.group()), base=tmp_path)
    assert config.task_object().names[0] == "Number"
    assert config.directory == tmp_path / "runs" / "trec"


def test_every_name_that_the_readme_uses_is_there() -> None:
    for dotted in set(re.findall(r"llmal((?:\.[A-Za-z_]+)+)", README.read_text())):
        thing: object = llmal
        for name in dotted.strip(".").split("."):
            if name in {"run", "plan"}:
                break
            thing = getattr(thing, name)


def test_every_command_that_the_readme_names_is_there() -> None:
    from typer.testing import CliRunner

    from llmal.cli.app import app

    names = set(re.findall(r"`llmal ([a-z]+)", README.read_text()))
    assert {"run", "plan", "annotate", "report", "doctor"} <= names
    for name in names:
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
