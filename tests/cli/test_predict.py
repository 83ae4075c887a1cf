from __future__ import annotations

import csv

import pytest


def _read(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def run(project, llmal, tmp_path):
    """The directory of a run that has ended."""
    result = llmal("run", project(), "--quiet")
    assert result.exit_code == 0, result.stderr
    return tmp_path / "run"


def test_a_file_is_labelled_by_the_learner_of_a_run(run, llmal, json_of, tmp_path):
    words = ("predict", run, "--data", tmp_path / "test.csv", "--quiet")
    result = llmal(*words, "--out", tmp_path / "out.csv", "--json", "--probabilities")
    assert result.exit_code == 0, result.stderr
    assert json_of(result)["items"] == 30
    rows = _read(tmp_path / "out.csv")
    assert [row["id"] for row in rows] == [row["id"] for row in _read(tmp_path / "test.csv")]
    right = sum(row["label"] == row["llmal_label"] for row in rows)
    assert right >= 25
    assert float(rows[0]["probabilities[sport]"]) == pytest.approx(float(rows[0]["confidence"]))
    # A learner of before, that was saved without names: the run knows them.
    (run / "learner" / "labels.json").unlink()
    again = llmal(*words, "--out", tmp_path / "again.csv")
    assert again.exit_code == 0, again.stderr
    assert [row["llmal_label"] for row in _read(tmp_path / "again.csv")] == [
        row["llmal_label"] for row in rows
    ]
    assert "30 of 30 rows are labelled" in again.stdout


def test_mistakes_are_sentences(llmal, tmp_path):
    (tmp_path / "texts.csv").write_text("note\na\n")
    out = ("--data", tmp_path / "texts.csv", "--out", tmp_path / "out.csv")
    gone = llmal("predict", tmp_path / "gone", *out)
    empty = llmal("predict", tmp_path, *out)
    assert "there is no such directory" in gone.stderr
    assert "there is no trained learner here; give a run directory" in empty.stderr
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.yaml").touch()
    begun = llmal("predict", tmp_path / "begun", *out)
    assert "trained when its first round is answered" in begun.stderr
    assert gone.exit_code == empty.exit_code == 1
    assert not (tmp_path / "out.csv").exists()
