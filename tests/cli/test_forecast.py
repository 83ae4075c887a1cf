from __future__ import annotations

import csv

import numpy as np


def _file(tmp_path):
    rng = np.random.default_rng(0)
    file = tmp_path / "labelled.csv"
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["llm", "sure", "checked"])
        for row in range(600):
            sure = rng.beta(6, 1.5)
            machine, truth = ("yes", "yes") if rng.random() < sure else ("yes", "no")
            writer.writerow([machine, f"{sure:.3f}", truth if row % 8 == 0 else ""])
    return file


def test_a_file_is_forecast_in_words_and_as_json(llmal, json_of, tmp_path):
    words = ("forecast", "--data", _file(tmp_path), "--label", "llm", "--score", "sure")
    words += ("--audit", "checked", "--seconds-per-label", "36")
    told = llmal(*words)
    assert told.exit_code == 0, told.stderr
    assert "labels of people for 600 items at a confidence of 95%, by 75 labels" in told.stdout
    assert "hours" in told.stdout
    found = json_of(llmal(*words, "--max-error", "0.05", "--json"))
    assert found["basis"] == "pilot"
    assert [one["epsilon"] for one in found["needed"]] == [0.05]
    assert found["needed"][0]["hours"] == found["needed"][0]["people"] / 100


def test_mistakes_are_one_sentence(llmal, tmp_path):
    none = llmal("forecast")
    assert none.exit_code == 1
    assert none.stderr.startswith("error: it is not said what to forecast; name a run directory")
    score = llmal("forecast", "--data", _file(tmp_path))
    assert "error: there is no column with how sure each label is; name it with" in score.stderr
    empty = tmp_path / "no-run"
    empty.mkdir()
    assert "so this is no run directory" in llmal("forecast", empty).stderr
    missing = llmal("forecast", "--data", tmp_path / "no.csv", "--score", "sure")
    assert "no.csv: there is no such file" in missing.stderr
