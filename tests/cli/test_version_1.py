"""Run directories of an llmal whose ledger had version 1: exported, reported on, gone on with."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest
import yaml
from earlier_runs import EXPORTS, FOLDER, NAMES, ledger_in_memory, rows_of, write_ledger

from llmal.ledger import Ledger

WITHOUT_MODEL = [name for name in NAMES if name != "generator"]


@pytest.fixture
def old_run(project, tmp_path, request):
    """Puts a run directory of version 1 beside its pool; gives the directory."""

    def write(name, **changes):
        project()
        directory = tmp_path / "run"
        directory.mkdir()
        config = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
        if name == "generator":
            config["lm"]["model"] = str(request.getfixturevalue("tiny_lm_path"))
        content = yaml.safe_dump({**config, **changes}, sort_keys=False)
        (directory / "config.yaml").write_text(content, encoding="utf-8")
        write_ledger(name, str(directory / "ledger.sqlite"))
        return directory

    return write


def _check_exports(llmal, directory, name, tmp_path):
    for what, expected in EXPORTS[name].items():
        out = tmp_path / f"{what}.jsonl"
        options = ["--all"] if what == "labels" else []
        result = llmal(
            *("export", directory, "--what", what, "--to", "jsonl", "--out", out, "--force"),
            *options,
        )
        assert result.exit_code == 0, result.stderr
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        old = json.dumps([[row[column] for column in expected["columns"]] for row in rows])
        assert len(rows) == expected["rows"], what
        assert hashlib.sha256(old.encode()).hexdigest() == expected["sha256"], what


@pytest.mark.parametrize("name", NAMES)
def test_exports_are_what_they_were(old_run, llmal, tmp_path, name):
    directory = old_run(name)
    before = (directory / "ledger.sqlite").read_bytes()
    _check_exports(llmal, directory, name, tmp_path)
    # Who exports changes nothing.
    assert (directory / "ledger.sqlite").read_bytes() == before
    assert not (directory / "ledger.v1.sqlite").exists()
    Ledger.open(directory / "ledger.sqlite").close()
    assert (directory / "ledger.v1.sqlite").exists()
    _check_exports(llmal, directory, name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT_MODEL)
def test_report_and_run_go_on(old_run, llmal, json_of, name):
    budget = {"human_labels": 24, "batch": 6}
    directory = old_run(name, budget=budget)
    result = llmal("report", directory)
    assert result.exit_code == 0, result.stderr
    figures = json.loads((directory / "report.json").read_text())
    with ledger_in_memory(name) as source:
        before = rows_of(source, "annotations")
    by_people = sum(row["human_labels"] for row in before)
    assert figures["spending"]["total"]["human_labels"] == by_people

    done = json_of(llmal("run", directory / "config.yaml", "--json"))
    assert done["status"] == ("waiting" if name == "waiting" else "finished")
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        after = list(ledger.annotations())
        rounds = ledger.rounds()
    told = [(one.item_id, one.annotator, one.label, one.created) for one in after]
    assert told[: len(before)] == [
        (row["item_id"], row["annotator"], row["label"], row["created"]) for row in before
    ]
    asked = [(one.item_id, one.annotator, one.round) for one in after]
    assert len(set(asked)) == len(asked)
    assert [one.number for one in rounds] == list(range(len(rounds)))
    if name != "waiting":
        assert len(after) > len(before)
        assert done["cost"]["human_labels"] == 24


def test_a_killed_run_ends_as_one_that_was_not(old_run, llmal, json_of, tmp_path):
    directory = old_run("killed")
    assert json_of(llmal("run", directory / "config.yaml", "--json"))["status"] == "finished"
    resumed = _answers(directory)
    shutil.rmtree(directory)
    directory = old_run("killed")
    (directory / "ledger.sqlite").unlink()
    assert json_of(llmal("run", directory / "config.yaml", "--json"))["status"] == "finished"
    assert resumed == _answers(directory)


def _answers(directory):
    with Ledger.open(directory / "ledger.sqlite", read_only=True) as ledger:
        return [
            (one.item_id, one.annotator, one.round, one.label, one.decision)
            for one in ledger.annotations()
        ]
