from __future__ import annotations

import csv
import json

import pytest

from tests.functions.conftest import reviews


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "reviews.csv"
    rows = reviews(150)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _words(file, *more):
    return (
        *("label", "--data", file, "--labels", "good,bad", "--text", "review"),
        *("--machine-label", "said", "--machine-confidence", "sure"),
        *("--directory", file.parent / "run", *more),
    )


def test_labels_are_written_once_the_promise_is_kept(llmal, file, tmp_path):
    out = tmp_path / "labels.csv"
    words = _words(file, "--people", "gold", "--gold", "gold", "--out", out)
    told = llmal(*words)
    assert told.exit_code == 0, told.stderr
    assert "150 rows, " in told.stdout
    assert "promised: of 150 labels 7 at most (5 %) are wrong" in told.stdout
    rows = [*csv.DictReader(out.open(encoding="utf-8-sig"))]
    assert [row["number"] for row in rows] == [str(n) for n in range(150)]
    assert sum(row["label"] != row["gold"] for row in rows) <= 7
    assert {row["unreviewed"] for row in rows} == {"false"}
    beside = json.loads((tmp_path / "labels.certificate.json").read_text(encoding="utf-8"))
    assert beside["standing"] == "holds"
    assert (tmp_path / "run" / "report.html").is_file()
    again = llmal(*words)
    assert again.exit_code == 1
    assert "labels.csv: the output is there already" in again.stderr


def test_it_waits_for_people_with_status_3(llmal, file, tmp_path):
    out = tmp_path / "labels.csv"
    told = llmal(*_words(file, "--out", out))
    assert told.exit_code == 3, told.stderr
    assert "waiting: " in told.stdout
    assert "to_label.csv" in told.stdout
    assert not out.exists()
    assert (tmp_path / "run" / "to_label.csv").is_file()
    result = json.loads(llmal(*_words(file, "--json")).stdout)
    assert (result["status"], result["standing"], result["out"]) == ("waiting", "not yet", None)
    assert result["waiting_for"] == [str(tmp_path / "run" / "to_label.csv")]
    assert (result["people_labels"], result["certificate"]) == (0, None)


def test_mistakes_are_one_sentence(llmal, file):
    both = llmal(*_words(file, "--model", "a", "--url", "b"))
    assert (both.exit_code, both.stderr) == (
        1,
        "error: --model and --url are both given; leave one of them out\n",
    )
    nobody = llmal(*_words(file, "--people", "gold"))
    assert "error: people are played by the gold column, and there is none; name it" in (
        nobody.stderr
    )
    odd = llmal(*_words(file, "--max-error", "2"))
    assert "error: max_error is 2.0; give a share" in odd.stderr
