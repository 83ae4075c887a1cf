"""What `llmal.label` says beside its labels."""

from __future__ import annotations

import csv
import json

import pytest

import llmal
from llmal.errors import AnnotationError, ConfigError
from tests.functions.conftest import reviews


@pytest.fixture
def options(letters, tmp_path):
    return {
        "labels": ["good", "bad"],
        "text": "review",
        "machine_label": "said",
        "machine_confidence": "sure",
        "people": "gold",
        "gold": "gold",
        "embedder": letters,
        "directory": tmp_path / "run",
    }


def _gold(rows):
    return lambda items: [rows[int(one.text.split()[-1])]["gold"] for one in items]


def _fill_in(file, rows, answer):
    with file.open(encoding="utf-8-sig", newline="") as lines:
        head, *content = csv.reader(lines)
    text = head.index("review")
    label = next(n for n, one in enumerate(head) if "label" in one)
    for place, cells in enumerate(content):
        cells[label] = answer(place, rows[int(cells[text].split()[-1])]["gold"])
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([head, *content])


def test_another_promise_is_refused_once_the_audit_is_done(options):
    rows = reviews(150)
    first = llmal.label(rows, max_error=0.2, **options)
    assert first.status == "finished"
    for other in ({"max_error": 0.02}, {"max_error": 0.2, "confidence": 0.9}):
        with pytest.raises(
            ConfigError,
            match=r"the audit here is done for at most 20 % wrong labels with a confidence of "
            r"95 %, which stands.*keep max_error 0\.2 and confidence 0\.95, or take another",
        ):
            llmal.label(rows, **{**options, **other})
    again = llmal.label(rows, max_error=0.2, **options)
    assert again.certificate.promise == first.certificate.promise


def test_before_the_audit_another_promise_is_told(options):
    rows = reviews(150)
    llmal.label(rows, budget=10, **options)
    result = llmal.label(rows, budget=10, max_error=0.1, **options)
    words = (
        "the promise: at most 5 % wrong labels with a confidence of 95 % before, at most 10 % "
        "wrong labels with a confidence of 95 % from now on"
    )
    assert words in result.notes
    assert words not in llmal.label(rows, budget=10, max_error=0.1, **options).notes


def test_a_column_of_other_labels_is_an_error(options, tmp_path):
    rows = [{**row, "said": {"good": "pos", "bad": "neg"}[row["said"]]} for row in reviews(60)]
    with pytest.raises(AnnotationError, match="no label in column 'said' is one of the task: it"):
        llmal.label(rows, **options)
    # Some that cannot be read are a warning.
    rows[0]["said"] = "good"
    result = llmal.label(rows, **{**options, "directory": tmp_path / "other"})
    assert any("59 of 60" in one for one in result.warnings)


def test_what_people_skipped_is_no_label(options):
    rows = reviews(150)
    asked = []

    def ask(items):
        asked.extend(items)
        said = _gold(rows)(items)
        return [None if len(one.text) % 10 == 3 else s for one, s in zip(items, said, strict=True)]

    result = llmal.label(rows, **{**options, "people": lambda items: ask(items), "gold": None})
    skipped = sum(len(one.text) % 10 == 3 for one in asked)
    assert skipped
    assert result.people_labels == result.by.count("people") == len(asked) - skipped
    assert result.cost.human_labels == result.savings().labels_spent == result.people_labels
    assert f"people skipped {skipped} items" in result.notes
    result.report()
    figures = json.loads((result.directory / "report.json").read_text(encoding="utf-8"))
    assert sum(one["labels"] for one in figures["guarantee"]["asked"]) == result.people_labels


def test_what_could_not_be_understood_is_told(options):
    rows = reviews(150)
    options |= {"people": "queue", "gold": None}
    waiting = llmal.label(rows, **options)
    _fill_in(waiting.waiting_for[0], rows, lambda place, gold: gold if place else "goodish")
    result = llmal.label(rows, **options)
    assert any("to_label.csv, line 2" in one and "goodish" in one for one in result.warnings)
    assert {*result.warnings} <= {*result.notes}


def test_nothing_is_said_to_be_saved_before_it_is(options):
    rows = reviews(150)
    options |= {"people": "queue", "gold": None}
    waiting = llmal.label(rows, **options)
    assert str(waiting.savings()) == "people gave 0 labels; nothing is saved yet"
    assert any("once these are there" in one for one in waiting.notes)
    _fill_in(waiting.waiting_for[0], rows, lambda place, gold: gold)
    result = llmal.label(rows, **options)
    assert result.status == "waiting"
    needed = result.forecast().at(0.05)
    savings = result.savings(cost_per_label=0.1)
    assert savings.labels_saved == 150 - needed.people < 150 - result.people_labels
    assert savings.money_saved == pytest.approx(0.1 * (150 - needed.people))
    assert f"by the forecast the promise takes {needed.people} in all" in str(savings)
    # And how much is to come stands beside what is wanted now.
    assert (
        f"people are expected to give {needed.people} labels in all ({needed.low} to "
        f"{needed.high}), and have given {result.people_labels}"
    ) in result.notes


def test_a_budget_that_ended_has_saved_nothing_yet(options):
    result = llmal.label(reviews(), budget=30, **options)
    savings = result.savings()
    assert savings.labels_saved == 400 - result.forecast().at(0.05).people
    assert "by the forecast" in str(savings)
    unknown = llmal.functions.Savings(texts=100, labels_spent=1, reached=False)
    assert (unknown.labels_saved, str(unknown)) == (0, "people gave 1 label; nothing is saved yet")


def test_rows_without_a_text_stand_in_the_notes(options):
    rows = reviews(80)
    for place in (3, 5, 7):
        rows[place]["review"] = ""
    assert "3 rows have no text, and so no label" in llmal.label(rows, **options).notes


def test_numbers_come_back_as_texts_and_that_is_said(options):
    rows = [{**row, "said": int(row["said"] == "good"), "gold": int(row["gold"] == "good")}
            for row in reviews(60)]  # fmt: skip
    result = llmal.label(rows, **{**options, "labels": [0, 1]})
    assert {*result.labels} == {"0", "1"}
    assert "labels come back as texts: '0', '1'" in result.notes


def test_what_is_certain_is_said_to_be(options, tmp_path):
    few = llmal.label(reviews(5), **options)
    assert {*few.by} == {"people"}
    assert (
        "promised: of 5 labels none is wrong, which is certain, as people gave all of them"
        in few.notes
    )
    single = llmal.label(reviews(1), **{**options, "directory": tmp_path / "single"})
    assert any("of 1 label none is wrong" in one for one in single.notes)
