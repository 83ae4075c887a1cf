"""People who give several labels an item, in a file."""

from __future__ import annotations

import csv
import json
import logging

import pytest
from openpyxl import load_workbook

from llmal.annotators.human_queue import HumanQueue
from llmal.core.records import Item
from llmal.task import Task

TASK = Task("emotions", ["joy", "anger", "fear"], kind="multi")
ITEMS = [Item(str(n), f"text {n}") for n in range(5)]


def _fill(file, labels):
    with file.open(encoding="utf-8-sig", newline="") as opened:
        header, *rows = list(csv.reader(opened))
    column = header.index("label")
    for row in rows:
        row[column] = labels.get(row[0], "")
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([header, *rows])


def test_labels_are_written_with_something_between_and_none_where_none_applies(tmp_path):
    people = HumanQueue(TASK, tmp_path / "to_label.csv")
    assert people.annotate(ITEMS) == []
    _fill(people.file, {"0": "joy|Anger", "1": "none", "2": "?", "3": "fear; joy"})
    given = {one.item_id: one for one in people.annotate(ITEMS)}
    assert {i: one.label for i, one in given.items()} == {
        "0": ("anger", "joy"), "1": (), "2": None, "3": ("fear", "joy"),
    }  # fmt: skip
    assert given["1"].decision == "accepted"
    assert given["2"].decision == "deferred"


def test_what_is_wrong_is_named_and_stays(tmp_path, caplog):
    people = HumanQueue(TASK, tmp_path / "to_label.csv")
    people.annotate(ITEMS)
    _fill(people.file, {"0": "joy|hate", "1": "joy"})
    with caplog.at_level(logging.WARNING):
        given = people.annotate(ITEMS)
    assert [one.item_id for one in given] == ["1"]
    assert "column label: 'hate' is not a label of task 'emotions'" in caplog.text
    assert "joy|hate" in people.file.read_text(encoding="utf-8-sig")


def test_json_lines_may_hold_lists(tmp_path):
    people = HumanQueue(TASK, tmp_path / "to_label.jsonl")
    people.annotate(ITEMS)
    labels = [["joy", "fear"], [], "anger|joy", "", None]
    rows = [json.loads(line) for line in people.file.read_text().splitlines()]
    content = [{**row, "label": label} for row, label in zip(rows, labels, strict=True)]
    people.file.write_text("\n".join(map(json.dumps, content)))
    given = {one.item_id: one.label for one in people.annotate(ITEMS)}
    assert given == {"0": ("fear", "joy"), "1": (), "2": ("anger", "joy")}


def test_a_workbook_has_no_list_to_choose_one_label_from(tmp_path):
    people = HumanQueue(TASK, tmp_path / "to_label.xlsx")
    people.annotate(ITEMS)
    book = load_workbook(people.file)
    assert not book.worksheets[0].data_validations.dataValidation
    single = HumanQueue(Task("one", TASK.names), tmp_path / "one.xlsx")
    single.annotate(ITEMS)
    assert load_workbook(single.file).worksheets[0].data_validations.dataValidation


@pytest.mark.parametrize("suffix", [".csv"])
def test_people_are_told_how(tmp_path, suffix):
    people = HumanQueue(TASK, tmp_path / f"to_label{suffix}")
    people.annotate(ITEMS)
    told = (tmp_path / "HOW_TO_LABEL.txt").read_text()
    assert "those of these labels that apply" in " ".join(told.split())
    assert "such as anger|joy" in told or "such as joy|anger" in told
    assert "joy, anger, fear that apply, with | between them, or none" in people.request
    first = people.file.read_text(encoding="utf-8-sig").splitlines()[0]
    assert "with | between them, or none if none does" in first
