from __future__ import annotations

import csv
import json
import signal
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_from_disk

from llmal.run.guards import only_one

SIMILARITY_THEN_PEOPLE = [
    {"name": "similarity", "threshold": 0.97},
    {"name": "human", "via": "gold", "cost": 0.5},
]


def _read_csv(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _fill_in(path, answer):
    content = _read_csv(path)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(content[0]))
        writer.writeheader()
        writer.writerows({**row, "label": answer(row)} for row in content)


def _gold(path):
    return {row["id"]: row["label"] for row in _read_csv(path)}


def test_run_says_the_plan_first_and_ends_in_a_report(project, llmal, tmp_path):
    result = llmal("run", project())
    assert result.exit_code == 0, result.stderr
    plan = result.stderr.index("before the first round: at most 18 items are ")
    assert plan < result.stderr.index("round 0")
    assert "finished: the budget of 18 human labels is spent" in result.stdout
    assert f"report: {tmp_path / 'run' / 'report.html'}" in result.stdout
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
    figures = json.loads((tmp_path / "run" / "report.json").read_text())
    assert figures["status"] == "finished"
    assert [one["labelled"] for one in figures["learning_curve"]["points"]] == [6, 12, 18]
    assert [one["labelled"] for one in figures["learning_curve"]["baseline"]] == [6, 12, 18]
    assert figures["config"]["annotator"][0]["name"] == "human"


def test_run_again_asks_nothing_again(project, llmal, json_of):
    path = project(annotator=SIMILARITY_THEN_PEOPLE)
    first = json_of(llmal("run", path, "--json"))
    again = json_of(llmal("run", path, "--json"))
    assert first["status"] == again["status"] == "finished"
    assert first["labelled_by"]["human"] == first["cost"]["human_labels"] > 0
    assert again["cost"] == first["cost"]
    assert again["rounds"] == first["rounds"]


@pytest.mark.slow
def test_json_is_all_of_stdout_and_progress_is_on_stderr(project, process):
    made = process("run", project(annotator={"name": "similarity"}), "--json")
    out, err = made.communicate(timeout=300)
    assert made.returncode == 0, err
    assert json.loads(out)["status"] == "finished"
    assert out.count("\n") == 1
    assert "warning: no language model is used" in err
    assert err.count("warning: no language model is used") == 1
    assert "round 1 (query)" in err


@pytest.mark.slow
def test_quiet_shows_warnings_and_the_result_alone(project, llmal):
    result = llmal("run", project(annotator={"name": "similarity"}), "--quiet")
    assert result.stderr.startswith("warning: no language model is used")
    assert result.stderr.count("\n") == 1
    assert "report: " in result.stdout


@pytest.mark.parametrize("option", [(), ("--all",)])
def test_export_in_every_format_holds_the_same(finished, llmal, json_of, tmp_path, option):
    finished(annotator=SIMILARITY_THEN_PEOPLE)
    counts = {}
    for to in ("jsonl", "csv", "parquet", "hf"):
        words = ("export", tmp_path / "run", "--to", to, "--out", tmp_path / f"out.{to}", *option)
        counts[to] = json_of(llmal(*words, "--json"))
    assert len({(one["rows"], one["labelled"], one["undecided"]) for one in counts.values()}) == 1
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == rows
    assert load_from_disk(str(tmp_path / "out.hf")).to_list() == rows
    as_csv = _read_csv(tmp_path / "out.csv")
    assert [row["label"] for row in as_csv] == [row["label"] or "" for row in rows]
    gold = _gold(tmp_path / "pool.csv")
    by_people = [row for row in rows if row["by"] == "human"]
    assert by_people
    assert all(row["label"] == row["gold"] == gold[row["id"]] for row in by_people)
    assert {row["synthetic"] for row in rows} == {False}
    assert [row["id"] for row in rows] == [i for i in gold if i in {row["id"] for row in rows}]
    open_ones = [row for row in rows if row["label"] is None]
    if option:
        assert len(rows) == 90
        assert len(open_ones) == counts["csv"]["undecided"] > 0
        assert any(row["suggestion"] for row in open_ones)
    else:
        assert not open_ones
        assert "suggestion" not in rows[0]


def test_export_leaves_what_is_there(finished, llmal, tmp_path):
    finished()
    out = tmp_path / "out.csv"
    out.write_text("mine")
    words = ("export", tmp_path / "run", "--to", "csv", "--out", out)
    refused = llmal(*words)
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"error: {out}: the output is there already; "
        "name another --out, or replace it with --force\n"
    )
    assert out.read_text() == "mine"
    assert llmal(*words, "--force").exit_code == 0
    assert len(_read_csv(out)) == 18


def test_export_of_a_pool_that_has_changed_is_refused(finished, llmal, tmp_path):
    finished()
    pool = tmp_path / "pool.csv"
    pool.write_text(pool.read_text().replace("salad", "sandwich"))
    result = llmal("export", tmp_path / "run", "--to", "csv", "--out", tmp_path / "out.csv")
    assert result.exit_code == 1
    assert "pool.csv: the pool has changed since the run" in result.stderr
    assert not (tmp_path / "out.csv").exists()


def test_report_again_is_the_same_and_measures_nothing_twice(project, llmal, json_of, tmp_path):
    llmal("run", project())
    run = tmp_path / "run"
    first = json.loads((run / "report.json").read_text())
    (run / "report.html").unlink()
    baseline = json.loads((run / "baseline.json").read_text())
    baseline["points"][0]["accuracy_mean"] = 0.123
    (run / "baseline.json").write_text(json.dumps(baseline))
    learner = {one.name: one.read_bytes() for one in (run / "learner").iterdir()}
    result = json_of(llmal("report", run, "--json"))
    assert result["report"] == str(run / "report.html")
    again = json.loads((run / "report.json").read_text())
    assert (run / "report.html").exists()
    assert again["learning_curve"]["baseline"][0]["accuracy_mean"] == 0.123
    assert again["learning_curve"]["points"] == first["learning_curve"]["points"]
    assert again["config"] == first["config"]
    assert {one.name: one.read_bytes() for one in (run / "learner").iterdir()} == learner


def test_report_of_a_moved_run_whose_model_is_gone(finished, llmal, tmp_path):
    finished()
    moved = (tmp_path / "run").rename(tmp_path / "moved")
    config = yaml.safe_load((moved / "config.yaml").read_text())
    config["lm"] = {"backend": "transformers", "model": str(tmp_path / "gone" / "model")}
    config["annotator"].insert(0, {"name": "llm"})
    (moved / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    result = llmal("report", moved)
    assert result.exit_code == 0, result.stderr
    figures = json.loads((moved / "report.json").read_text())
    assert figures["delivered"]["items"] == 18
    assert figures["config"]["lm"]["model"].endswith("gone/model")


def test_report_of_another_directory_is_refused(llmal, tmp_path):
    result = llmal("report", tmp_path)
    assert result.exit_code == 1
    assert "there is no config.yaml, so this is no run directory" in result.stderr


def test_a_mistake_in_the_configuration_is_a_sentence_with_its_line(project, llmal, process):
    path = project(budget={"human_labels": 18, "bacth": 6})
    result = llmal("run", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: {path}, line ")
    assert "unknown key 'bacth'; did you mean 'batch'?" in result.stderr
    assert "Traceback" not in result.stderr
    made = process("run", path, "--debug")
    _, err = made.communicate(timeout=120)
    assert made.returncode == 1
    assert "Traceback" in err


def test_labelling_programs_answer_first_and_people_what_those_do_not_know(
    project, llmal, tmp_path
):
    (tmp_path / "words.py").write_text(
        "def label(text):\n"
        "    if 'rain' in text or 'snow' in text or 'wind' in text:\n"
        "        return 'weather'\n"
        "    if 'team' in text or 'goals' in text:\n"
        "        return 'sport'\n"
    )
    (tmp_path / "contrary.py").write_text(
        "def label(text): return 'food' if 'rain' in text else 0\n"
    )
    programs = ["words.py", "contrary.py"]  # beside the configuration
    path = project(
        annotator=[
            {"name": "labelling_programs", "programs": programs, "threshold": 0.5},
            {"name": "human", "via": "gold"},
        ],
        start={"items": 12},
        selector={"name": "random"},
    )
    result = llmal("run", path)
    assert result.exit_code == 0, result.stderr
    assert "the program 'contrary' is dropped" in result.stderr
    out = tmp_path / "labels.csv"
    assert llmal("export", tmp_path / "run", "--out", out).exit_code == 0
    labels = _read_csv(out)
    assert {row["annotator"] for row in labels} == {"labelling_programs", "human"}
    right = _gold(tmp_path / "pool.csv")
    assert all(right[row["id"]] == row["label"] for row in labels)
    kept = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert kept["annotator"][0]["programs"] == ["../words.py", "../contrary.py"]
    (tmp_path / "words.py").unlink()
    gone = llmal("run", project(annotator=[{"name": "labelling_programs", "programs": "words.py"},
                                           {"name": "human", "via": "gold"}]))  # fmt: skip
    assert gone.exit_code == 1
    assert "words.py: the programs cannot be read (No such file or directory)" in gone.stderr


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_learner_whose_model_is_not_there_is_told_of_before_people_work(
    project, llmal, tmp_path, command
):
    gone = str(tmp_path / "gone")
    learner = {"name": "pruned", "learner": {"name": "fine_tuned", "model": gone}}
    result = llmal(command, project(learner=learner))
    assert result.exit_code == 1
    assert f"there is no model at {gone!r}" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "run" / "to_label.csv").exists()


def test_directory_and_seed_on_the_command_line(project, llmal, tmp_path):
    path = project()
    result = llmal("run", path, "--directory", tmp_path / "other", "--seed", "3")
    assert result.exit_code == 0, result.stderr
    kept = yaml.safe_load((tmp_path / "other" / "config.yaml").read_text())
    assert (kept["seed"], kept["directory"]) == (3, ".")
    assert not (tmp_path / "run").exists()


def test_a_directory_of_another_task_is_refused_and_keeps_its_configuration(
    project, finished, llmal, tmp_path
):
    finished()
    kept = (tmp_path / "run" / "config.yaml").read_text()
    result = llmal("run", project(task={"name": "two", "labels": ["sport", "food", "weather"]}))
    assert result.exit_code == 1
    assert "the task has changed\n  task: it was called" in result.stderr
    assert "the guidelines are worded anew; the label 'sport' is described anew" in result.stderr
    assert "take task and data as they were, or another directory" in result.stderr
    assert (tmp_path / "run" / "config.yaml").read_text() == kept


def test_what_changed_in_the_configuration_is_told_in_one_warning(
    project, finished, llmal, tmp_path
):
    finished()
    more = {"human_labels": 24, "batch": 6}
    same = llmal("run", project(budget=more))
    assert "has changed" not in same.stderr
    result = llmal("run", project(budget=more, selector={"name": "entropy"}))
    assert result.stderr.count("warning: ") == 1
    assert (
        "warning: the configuration has changed since this run began: "
        "selector.name was 'margin', is 'entropy'\n"
    ) in result.stderr
    figures = json.loads((tmp_path / "run" / "report.json").read_text())
    assert any("selector.name" in one["message"] for one in figures["notices"]["events"])


def test_people_fill_in_a_file_and_the_run_goes_on(project, llmal, json_of, tmp_path):
    path = project(
        annotator={"name": "human", "via": "queue"}, budget={"human_labels": 12, "batch": 6}
    )
    waiting = llmal("run", path, "--json")
    assert waiting.exit_code == 3
    assert json_of(waiting)["status"] == "waiting"
    queue = tmp_path / "run" / "to_label.csv"
    gold = _gold(tmp_path / "pool.csv")
    assert len(_read_csv(queue)) == 6

    wrong = _read_csv(queue)[2]["id"]
    _fill_in(queue, lambda row: "Sprot" if row["id"] == wrong else gold[row["id"]])
    result = llmal("run", path)
    assert result.exit_code == 3
    assert (
        f"{queue}, line 4, column label: 'Sprot' is not a label of task 'topics'" in result.stderr
    )
    assert [row["id"] for row in _read_csv(queue)] == [wrong]

    _fill_in(queue, lambda row: gold[row["id"]])
    assert json_of(llmal("run", path, "--json"))["labelled"] == 6
    _fill_in(queue, lambda row: gold[row["id"]])
    done = llmal("run", path, "--json")
    assert done.exit_code == 0
    assert json_of(done)["cost"]["human_labels"] == 12
    assert json_of(done)["accuracy"] > 0.5


def test_ctrl_c_ends_after_the_batch_and_run_again_goes_on(
    project, process, llmal, json_of, tmp_path
):
    path = project(
        budget={"human_labels": 20, "batch": 1}, start={"items": 6, "selector": "random"}
    )
    made = process("run", path)
    for line in made.stderr:
        if line.startswith("round 3 (query):"):
            break
    made.send_signal(signal.SIGINT)
    out, err = made.communicate(timeout=300)
    assert made.returncode == 130, err
    assert "ending after the batch in hand" in err
    assert out.startswith("interrupted: ")
    figures = json.loads((tmp_path / "run" / "report.json").read_text())
    assert figures["status"] == "interrupted"
    assert 8 <= figures["delivered"]["items"] < 20

    again = llmal("run", path, "--json")
    assert again.exit_code == 0, again.stderr
    result = json_of(again)
    assert (result["labelled"], result["cost"]["human_labels"]) == (20, 20)
    assert result["rounds"] == 15


@pytest.mark.slow
def test_ctrl_c_twice_ends_at_once_and_loses_nothing(project, process):
    path = project(
        budget={"human_labels": 20, "batch": 1}, start={"items": 6, "selector": "random"}
    )
    made = process("run", path)
    for line in made.stderr:
        if line.startswith("round 3 (query):"):
            break
    made.send_signal(signal.SIGINT)
    time.sleep(0.01)
    made.send_signal(signal.SIGINT)
    _, err = made.communicate(timeout=300)
    assert made.returncode == 130, err
    assert "Traceback" not in err
    again = process("run", path, "--json")
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert json.loads(out)["labelled"] == 20


def test_a_reader_that_goes_away_is_no_error(project, process):
    made = process("plan", project())
    made.stdout.close()
    made.wait(timeout=120)
    assert "Traceback" not in made.stderr.read()
    assert made.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_a_sentence(project, process):
    with Path("/dev/full").open("w") as full:
        made = process("plan", project(), stdout=full)
        _, err = made.communicate(timeout=120)
    assert made.returncode == 1
    assert err == "error: No space left on device; free some space and run again\n"


def test_a_second_run_meets_the_lock_before_it_loads_a_model(
    project, llmal, tmp_path, tiny_lm_path
):
    lm = {"backend": "transformers", "model": str(tiny_lm_path)}
    path = project(lm=lm, annotator={"name": "llm"}, budget={"rounds": 1, "batch": 6})
    with only_one(tmp_path / "run"):
        result = llmal("run", path)
    assert result.exit_code == 1
    assert "another process is running here" in result.stderr
    assert "the language model" not in result.stderr
