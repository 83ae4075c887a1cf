from __future__ import annotations

import csv

import pytest

from llmal.ledger import Ledger


@pytest.fixture
def run(project, llmal, tmp_path):
    """The directory of a run that has ended."""
    result = llmal("run", project(), "--quiet")
    assert result.exit_code == 0, result.stderr
    return tmp_path / "run"


def _labels(run):
    with Ledger.open(run / "ledger.sqlite") as ledger:
        return {item: one.label for item, one in ledger.labels().items()}


def _export(run, llmal, what="labels"):
    out = run.parent / f"{what}.csv"
    done = llmal("export", run, "--to", "csv", "--out", out, "--what", what, "--force")
    assert done.exit_code == 0, done.stderr
    with out.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _learner(run):
    return {one.name: one.read_bytes() for one in (run / "learner").glob("*.safetensors")}


def _other(label):
    return "food" if label != "food" else "sport"


def test_a_label_is_corrected_and_both_answers_stay(run, llmal, json_of):
    before = _labels(run)
    item = next(iter(before))
    right = _other(before[item])
    learner = _learner(run)
    done = llmal("relabel", run, item, right.upper(), "--why", "typed wrongly", "--json")
    assert done.exit_code == 0, done.stderr
    assert json_of(done) == {"corrected": 1, "labels": 1}
    assert _labels(run) == {**before, item: right}
    assert _learner(run) != learner
    with Ledger.open(run / "ledger.sqlite") as ledger:
        first, second = ledger.annotations_of([item])[item]
    assert (first.label, first.revision, first.reason) == (before[item], 0, None)
    assert (second.label, second.revision, second.reason) == (right, 1, "typed wrongly")
    assert second.annotator == first.annotator
    exported = {row["id"]: row for row in _export(run, llmal)}
    assert right in exported[item].values()
    again = llmal("relabel", run, item, right)
    assert "nothing is corrected: these labels stand already" in again.stdout


def test_a_file_of_corrections_and_another_person(run, llmal, tmp_path):
    before = _labels(run)
    some = list(before)[:5]
    file = tmp_path / "right.csv"
    rows = "".join(f"{item},{_other(before[item])}\n" for item in some)
    file.write_text(f"id,label\n{rows}", encoding="utf-8")
    done = llmal("relabel", run, "--file", file, "--by", "anna")
    assert done.exit_code == 0, done.stderr
    assert "5 of 5 labels are corrected" in done.stdout
    assert _labels(run) == {**before, **{item: _other(before[item]) for item in some}}
    with Ledger.open(run / "ledger.sqlite") as ledger:
        last = ledger.annotations_of(some[:1])[some[0]][-1]
    assert (last.annotator, last.revision) == ("anna", 0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nobody", "food"), "'nobody'"),
        (("p-0001", "fod"), "does not fit"),
        (("p-0001",), "nothing says what is to be corrected"),
        ((), "nothing says what is to be corrected"),
        (("--file", "gone.csv"), "there is no such file"),
    ],
)
def test_mistakes_are_sentences_and_change_nothing(run, llmal, words, sentence):
    before = _labels(run)
    if words and words[0] == "p-0001":
        words = (next(iter(before)), *words[1:])
    done = llmal("relabel", run, *words)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert _labels(run) == before
