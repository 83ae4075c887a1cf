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


def test_a_run_that_promises_is_planned_forecast_and_reported(project, llmal, json_of, tmp_path):
    config = project(
        objective="labels",
        guarantee={"max_error": 0.1},
        data={"pool": "pool.csv", "gold": "label"},
        annotator=[{"name": "recorded", "column": "said"}, {"name": "human", "via": "gold"}],
        budget={"batch": 10},
    )
    with (tmp_path / "pool.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "pool.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "said"])
        writer.writeheader()
        for number, row in enumerate(rows):
            writer.writerow({**row, "said": "food" if number % 12 == 0 else row["label"]})
    planned = json_of(llmal("plan", config, "--json"))["guarantee"]
    assert planned["basis"] == "guess"
    assert [one["wrong"] for one in planned["if_wrong_on"]] == [0.05, 0.15, 0.3]
    ran = llmal("run", config, "--quiet", "--json")
    assert ran.exit_code == 0, ran.stderr
    asked = json_of(ran)["cost"]["human_labels"]
    (needed,) = json_of(llmal("forecast", tmp_path / "run", "--json"))["needed"]
    assert (needed["epsilon"], needed["people"]) == (0.1, asked)
    # The report that is written again has the promise too, though nobody is asked for it.
    again = llmal("report", tmp_path / "run")
    assert again.exit_code == 0, again.stderr
    assert 'id="promise"' in (tmp_path / "run" / "report.html").read_text("utf-8")
