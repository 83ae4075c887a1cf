"""`task: {kind: multi}` at the command line: plan, run, report, export and back."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pandas as pd
import pytest

from llmal import Pool
from llmal.task import Task

NAMES = ("joy", "anger", "fear")
CONFIG = """
task: {{name: emotions, kind: multi, labels: [joy, anger, fear]}}
data: {{pool: pool.csv, test: test.csv, gold: {gold}}}
annotator: [{{name: human, via: gold}}]
budget: {{human_labels: 24, batch: 6}}
start: {{items: 12}}
selector: {selector}
seed: 1
directory: run
"""


def _frame(n: int, seed: int) -> pd.DataFrame:
    words = {"joy": "glad happy", "anger": "furious angry", "fear": "afraid scared"}
    rows = []
    for number in range(n):
        held = [name for place, name in enumerate(NAMES) if (number + seed) >> place & 1]
        text = f"note {seed}-{number}: I am {' and '.join(words[one] for one in held) or 'at home'}"
        rows.append({"text": text, **{name: int(name in held) for name in NAMES}})
    return pd.DataFrame(rows)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    _frame(40, 0).to_csv(tmp_path / "pool.csv", index=False)
    _frame(20, 3).to_csv(tmp_path / "test.csv", index=False)
    file = tmp_path / "run.yaml"
    file.write_text(CONFIG.format(gold="[joy, anger, fear]", selector="margin"))
    return file


def test_from_a_configuration_to_every_format_and_back(config, llmal, tmp_path):
    assert llmal("plan", str(config)).exit_code == 0
    done = llmal("run", str(config))
    assert done.exit_code == 0, done.stderr
    run = tmp_path / "run"
    assert llmal("report", str(run)).exit_code == 0
    task = Task("emotions", NAMES, kind="multi")
    gold = dict(
        zip(*[
            getattr(
                Pool.from_file(tmp_path / "pool.csv", gold=NAMES).match_labels(task), part
            )()
            for part in ("texts", "gold")
        ], strict=True)
    )  # fmt: skip
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        out = tmp_path / name
        assert llmal("export", str(run), "--out", str(out)).exit_code == 0
        pool = Pool.from_file(out, gold="label").match_labels(task)
        assert len(pool) == 24
        assert all(item.gold == gold[item.text] for item in pool)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {type(row["label"]) for row in rows} == {list}
    assert {"joy", "anger", "fear"} <= set(rows[0])
    cells = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)["label"]
    assert set(cells) <= {"none", *("|".join(one) for one in gold.values() if one)}
    out = tmp_path / "set"
    assert llmal("export", str(run), "--to", "hf", "--out", str(out)).exit_code == 0
    made = datasets.load_from_disk(str(out))
    assert made.features["label"].feature.names == list(NAMES)
    pool = Pool.from_dataset(made, gold="label").match_labels(task)
    assert all(item.gold == gold[item.text] for item in pool)


def test_what_does_not_fit_is_one_sentence(config, llmal, tmp_path):
    config.write_text(CONFIG.format(gold="[joy, anger, fear]", selector="promptal"))
    said = llmal("run", str(config))
    assert said.exit_code == 1
    assert said.stderr.startswith("error: ")
    assert (
        "the selector promptal works with one label an item, and task 'emotions' takes"
        in said.stderr
    )
    assert len(said.stderr.strip().splitlines()) == 1
    config.write_text(CONFIG.format(gold="[joy, hate]", selector="margin"))
    said = llmal("run", str(config))
    assert said.exit_code == 1
    assert "there is no gold column 'hate'" in said.stderr


def test_a_trained_learner_is_used_on_other_texts(config, llmal, tmp_path):
    assert llmal("run", str(config)).exit_code == 0
    out = tmp_path / "predicted.jsonl"
    data = ["--data", str(tmp_path / "test.csv"), "--out", str(out)]
    said = llmal("predict", str(tmp_path / "run"), *data)
    assert said.exit_code == 0, said.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert all(set(row["label"]) <= set(NAMES) for row in rows)


def test_several_labels_without_a_configuration(llmal, tmp_path: Path, tiny_lm_path: Path):
    (tmp_path / "notes.csv").write_text(
        "text\n" + "\n".join(f"I am glad and afraid of number {n}" for n in range(9)) + "\n"
    )
    words = ("annotate", "--data", tmp_path / "notes.csv", "--labels", ",".join(NAMES))
    model = ("--model", tiny_lm_path, "--backend", "transformers", "--out", tmp_path / "out.jsonl")
    done = llmal(*words, "--kind", "multi", *model)
    assert done.exit_code == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert len(rows) == 9
    assert all(isinstance(row["label"], list) and {*row["label"]} <= {*NAMES} for row in rows)
    wrong = llmal(*words, "--kind", "many", *model, "--force")
    assert wrong.exit_code == 1
    assert "task.kind: there is no 'many' among the spaces; known are multi, single" in wrong.stderr


def test_a_generator_in_a_run_is_refused(config, llmal, tiny_lm_path):
    lm = f"lm: {{backend: transformers, model: {tiny_lm_path}}}\n"
    config.write_text(f"{config.read_text()}{lm}generator: class_conditional\n")
    refused = llmal("run", str(config))
    assert refused.exit_code == 1
    assert "a generator in a run works with one label an item" in refused.stderr
