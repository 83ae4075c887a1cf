"""Several people on one item, and an audit, from the configuration to the files that come out."""

from __future__ import annotations

import csv
import json

import pytest

pytest.importorskip("crowdkit", reason="crowd-kit is not installed (llmal[crowd])")

HUMAN = {"name": "human", "via": "gold", "noise": 0.2, "answers": 3}


def _rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_with_several_answers_and_an_audit(project, llmal, json_of, tmp_path):
    path = project(
        annotator=[HUMAN],
        aggregation="dawid_skene",
        audit=4,
        start={"items": 6, "selector": "random"},
        selector="random",
        budget={"human_labels": 48, "batch": 6},
    )
    result = json_of(llmal("run", path, "--json", "--quiet"))
    assert result["status"] == "finished"
    # 4 audited, then 6 and 6, three answers each.
    assert result["cost"]["human_labels"] == 48
    assert result["labelled"] == 12
    out = tmp_path / "labels.csv"
    assert llmal("export", tmp_path / "run", "--out", out, "--quiet").exit_code == 0
    rows = _rows(out)
    assert len(rows) == 16
    assert {row["answers"] for row in rows} == {"3"}
    assert sum(row["audited"] == "true" for row in rows) == 4
    assert {row["by"] for row in rows} == {"human"}
    assert all(1 / 3 <= float(row["confidence"]) <= 1 for row in rows)
    everything = tmp_path / "annotations.csv"
    llmal("export", tmp_path / "run", "--what", "annotations", "--out", everything, "--quiet")
    answers = _rows(everything)
    assert len(answers) == 48
    assert {row["annotator"] for row in answers} == {"human-1", "human-2", "human-3"}
    assert {row["stage"] for row in answers} == {"human"}
    assert sum(row["purpose"] == "audit" for row in answers) == 12
    figures = json.loads((tmp_path / "run" / "report.json").read_text())
    assert figures["agreement"]["aggregation"] == "dawid_skene"
    assert figures["agreement"]["items"] == 16
    assert figures["audit"]["answered"] == 4
    assert figures["people"]["annotations"] == 36
    again = llmal("report", tmp_path / "run", "--quiet")
    assert again.exit_code == 0
    assert json.loads((tmp_path / "run" / "report.json").read_text())["audit"] == figures["audit"]


def test_what_does_not_fit_is_told_before_anything_is_asked(project, llmal):
    for sections, words in [
        ({"aggregation": "dawid_skeen"}, "did you mean 'dawid_skene'"),
        ({"aggregation": {"name": "dawid_skene", "n_iter": 0}}, "n_iter is 0"),
        ({"audit": 40}, "an audit of 40 items takes 40 labels of people, and the budget has 18"),
        ({"audit": {"items": 3, "of": "machines"}}, "audit.of: an audit that comes first finds"),
        ({"audit": 0}, "audit"),
    ]:
        result = llmal("run", project(**sections))
        assert result.exit_code != 0
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_the_file_of_somebody_who_left_is_told_of(project, llmal, tmp_path):
    def configured(*workers):
        human = {"name": "human", "via": "queue", "answers": 2, "workers": [*workers]}
        return project(annotator=[human], start={"items": 6, "selector": "random"})

    def answers_of_eve():
        out = tmp_path / "annotations.csv"
        llmal("export", tmp_path / "run", "--what", "annotations", "--out", out, "--force")
        return [row["id"] for row in _rows(out) if row["annotator"] == "eve"]

    first = llmal("run", configured("anna", "ben", "eve"), "--quiet")
    assert first.exit_code == 3, first.stderr
    assert "is not read" not in first.stderr
    file = tmp_path / "run" / "to_label.eve.csv"
    rows = [{**row, "label": "food"} for row in _rows(file)]
    assert rows
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, fieldnames=[*rows[0]])
        writer.writeheader()
        writer.writerows(rows)

    left = llmal("run", configured("anna", "ben"))
    assert left.exit_code == 3, left.stderr
    assert "to_label.eve.csv is not read, as 'eve' is not among the workers" in left.stderr
    assert answers_of_eve() == []
    back = llmal("run", configured("anna", "ben", "eve"))
    assert "is not read" not in back.stderr
    assert len(answers_of_eve()) == len(rows)
