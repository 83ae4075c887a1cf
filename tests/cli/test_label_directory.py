"""The directory of a call of `llmal.label` is a run directory like any other."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
import yaml

from llmal.cli.run_directory import check_ledger, ledger_place, read_run_directory
from llmal.factory.pools import open_pool
from llmal.functions import label
from llmal.ledger import Ledger
from llmal.lm.transformers import TransformersLM

LABELS = ["bad", "good"]


def _rows(count=60):
    rng = np.random.default_rng(3)
    truth = rng.choice(LABELS, count)
    sure = rng.random(count).round(2)
    said = np.where(rng.random(count) < sure, truth, "good")
    return [
        {"text": f"{one} film {n}", "said": str(m), "sure": float(s), "truth": str(one)}
        for n, (one, m, s) in enumerate(zip(truth, said, sure, strict=True))
    ]


def _label(data, directory, **more):
    options = {"machine_label": "said", "machine_confidence": "sure", "max_error": 0.2}
    options |= {"text": "text", "people": "gold", "gold": "truth", "progress": False, **more}
    return label(data, LABELS, directory=directory, **options)


@pytest.fixture
def odd_rows():
    """Rows with missing cells, dates and a text that is not there."""
    rows = _rows()
    for n, row in enumerate(rows):
        row["seen"] = None if n % 7 == 0 else datetime.date(2024, 1, 1 + n % 28)
        row["stars"] = float("nan") if n % 5 == 0 else n
    return [*rows[:9], {**rows[9], "text": None}, *rows[10:]]


def test_commands_about_runs_read_it(tmp_path, llmal, json_of):
    file = tmp_path / "reviews.csv"
    pd.DataFrame(_rows()).to_csv(file, index=False)
    run = tmp_path / "run"
    result = _label(file, run)
    kept = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    assert (kept["data"]["pool"], kept["data"]["gold"]) == ("../reviews.csv", "truth")
    assert not (run / "pool.jsonl").exists(), "the file itself is named"
    out = tmp_path / "labels.csv"
    assert llmal("export", run, "--out", out).exit_code == 0
    assert pd.read_csv(out)["label"].tolist() == result.labels
    forecast = json_of(llmal("forecast", run, "--json"))
    assert forecast["labelled"] == result.people_labels


@pytest.mark.slow  # Two reports.
def test_it_is_reported_and_gone_on_with(tmp_path, llmal, json_of):
    result = _label(_rows(), tmp_path / "run")
    assert llmal("report", tmp_path / "run").exit_code == 0
    again = json_of(llmal("run", tmp_path / "run" / "config.yaml", "--json"))
    assert again["status"] == "finished"
    assert again["cost"]["human_labels"] == result.people_labels
    # Neither finds that the other has changed something.
    assert "changed" not in " ".join(_label(_rows(), tmp_path / "run").notes)


@pytest.mark.parametrize("given", ["rows", "frame", "ids"])
def test_rows_that_are_no_file_are_kept_with_it(tmp_path, odd_rows, given):
    data = odd_rows
    if given == "frame":
        data = pd.DataFrame(odd_rows)
    elif given == "ids":
        data = [{"id": f"r{n}", **row} for n, row in enumerate(odd_rows)]
    result = _label(data, tmp_path / "run")
    assert result.labels[9] is None
    config, _ = read_run_directory(tmp_path / "run")
    pool = open_pool(config, config.data.pool)
    assert config.data.pool == tmp_path / "run" / "pool.jsonl"
    assert len(pool) == 59
    with Ledger.open(ledger_place(config), read_only=True) as ledger:
        check_ledger(ledger, config, pool)


def test_people_that_are_a_function_are_a_queue_to_who_reads_it(tmp_path, llmal, json_of):
    rows = _rows()
    truth = {row["text"]: row["truth"] for row in rows}

    def ask(items):
        return [truth[one.text] for one in items]

    result = _label(rows, tmp_path / "run", people=ask, gold=None)
    assert result.status == "finished"
    read = json_of(llmal("forecast", tmp_path / "run", "--json"))
    assert read["labelled"] == result.people_labels
    assert "human" in (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8")


def test_a_model_that_is_an_object_is_not_needed_to_read_it(tmp_path, tiny_lm_path, llmal, json_of):
    rows = _rows(40)
    model = TransformersLM(tiny_lm_path)
    result = _label(
        rows, tmp_path / "run", lm=model, machine_label=None, machine_confidence=None,
        style="completion",
    )  # fmt: skip
    read = json_of(llmal("forecast", tmp_path / "run", "--json"))
    assert read["labelled"] == result.people_labels


def test_a_budget_of_a_few_labels_can_be_read_too(tmp_path, llmal, json_of):
    result = _label(_rows(40), tmp_path / "run", budget=7)
    assert result.people_labels == 7
    assert llmal("export", tmp_path / "run").exit_code == 0
