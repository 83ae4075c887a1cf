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
    assert "name it with --gold\n" in nobody.stderr
    bare = ("label", "--data", file, "--labels", "good,bad", "--directory", file.parent / "run")
    for words, says in (
        ((), "with --model (a small one is smollm2-135m-instruct), a server with --url, or the"),
        (("--machine-confidence", "sure"), "name their column too with --machine-label"),
        (("--machine-label", "said", "--model", "a"), "--machine-label and a model are both given"),
        (("--machine-label", "said", "--people", "all"), "--people is 'all'; use queue or gold"),
    ):
        refused = llmal(*bare, *words)
        assert (refused.exit_code, says in refused.stderr) == (1, True), refused.stderr
    odd = llmal(*_words(file, "--max-error", "2"))
    assert "error: max_error is 2.0; give a share" in odd.stderr


def test_what_has_changed_names_the_option_of_the_command(llmal, file):
    assert llmal(*_words(file)).exit_code == 3
    changed = llmal(*_words(file, "--guidelines", "Irony counts as what is meant."))
    assert changed.exit_code == 1
    assert "llmal run, or llmal label, with --accept-changes" in changed.stderr


def test_another_promise_after_the_audit_ends_with_status_1(llmal, file):
    words = _words(file, "--people", "gold", "--gold", "gold")
    assert llmal(*words).exit_code == 0
    other = llmal(*words, "--max-error", "0.01")
    assert other.exit_code == 1
    assert "the audit here is done for at most 5 % wrong labels" in other.stderr
    assert llmal(*words).exit_code == 0


def test_another_promise_of_a_configuration_after_the_audit_is_refused(llmal, tmp_path):
    rows = [f"{n},The cow number {n} sleeps,animal,animal" for n in range(40)]
    rows += [f"{n},The soup number {n} is hot,food,animal" for n in range(40, 80)]
    (tmp_path / "pool.csv").write_text("id,text,label,said\n" + "\n".join(rows) + "\n")

    def run(guarantee):
        (tmp_path / "farm.yaml").write_text(
            "task: {name: farm, labels: [animal, food]}\ndata: {pool: pool.csv, gold: label}\n"
            "annotator: [{name: recorded, column: said, threshold: 0}, {name: human, via: gold}]\n"
            f"objective: labels\ndirectory: run\nguarantee: {guarantee}\n"
        )
        return llmal("run", tmp_path / "farm.yaml", "--quiet")

    parts = "seed: {name: uniform, least: 12}"
    first = run(f"{{max_error: 0.2, {parts}}}")
    assert first.exit_code == 0, first.stderr
    kept = (tmp_path / "run" / "config.yaml").read_text()
    other = run(f"{{max_error: 0.02, {parts}}}")
    assert other.exit_code == 1
    assert "is done for at most 20 % wrong labels" in other.stderr
    assert (tmp_path / "run" / "config.yaml").read_text() == kept
    assert run(f"{{max_error: 0.2, {parts}}}").exit_code == 0
