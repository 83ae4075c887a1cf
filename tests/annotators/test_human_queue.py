"""People who label in a file: written, filled in, checked row by row, and taken back."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmal.annotators import Context, HumanQueue
from llmal.core.records import Annotation, Item, Usage
from llmal.errors import AnnotationError, ConfigError, LedgerError
from llmal.ledger import Ledger
from llmal.task import Task

FIRST = Context(round=0)


def _task() -> Task:
    return Task("trec", ["Number", "Person", "Location"])


def _items(*ids: str) -> list[Item]:
    return [Item(i, f"What is {i} ?", {"text": f"What is {i} ?"}) for i in ids or ("a", "b", "c")]


def _queue(folder: Path, name: str = "out.csv", **more: Any) -> HumanQueue:
    return HumanQueue(_task(), folder / name, **more)


def _saved(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def _read(path: Path) -> list[dict[str, str]]:
    """The rows, without the cell of the first line that says how to fill them in."""
    return [
        {name: row[name] for name in row if not str(name).startswith("<-")} for row in _saved(path)
    ]


def _fill(path: Path, labels: dict[str, str], notes: dict[str, str] | None = None) -> None:
    """Fill in labels as a person would, and save the rest as it stands."""
    rows = _saved(path)
    for row in rows:
        row["label"] = labels.get(row["id"], row["label"])
        row["note"] = (notes or {}).get(row["id"], row["note"])
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _labels(given: list[Annotation]) -> dict[str, str | None]:
    return {one.item_id: one.label for one in given}


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What was said, as the report will have it."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    listener = Listener(logging.WARNING)
    logger = logging.getLogger("llmal")
    logger.addHandler(listener)
    yield said
    logger.removeHandler(listener)


# Out and back


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_items_go_out_in_order_and_wait(tmp_path: Path, name: str):
    queue = _queue(tmp_path, name)
    assert queue.annotate(_items(), FIRST) == []
    path = tmp_path / name
    rows = (
        _read(path)
        if name.endswith("csv")
        else [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    )
    assert rows == [
        {"id": i, "text": f"What is {i} ?", "label": "", "note": ""} for i in ("a", "b", "c")
    ]


def test_what_is_filled_in_comes_back(tmp_path: Path):
    queue = HumanQueue(_task(), tmp_path / "out.csv", cost=0.5, name="anna")
    queue.annotate(_items(), FIRST)
    _fill(tmp_path / "out.csv", {"b": " Person ", "a": "Number"}, {"b": "surely"})
    first, second = queue.annotate(_items(), FIRST)
    assert (first.item_id, first.label, first.rationale) == ("a", "Number", None)
    assert (second.item_id, second.label, second.rationale) == ("b", "Person", "surely")
    assert second.annotator == "anna"
    assert second.kind == "human"
    assert second.usage == Usage(human_labels=1, money=0.5)
    assert second.provenance == {"file": "out.csv", "line": 3}
    assert (second.round, second.decision) == (0, "accepted")


def test_what_is_taken_leaves_the_file_and_the_rest_waits(tmp_path: Path):
    queue = _queue(tmp_path)
    queue.annotate(_items(), FIRST)
    _fill(tmp_path / "out.csv", {"b": "Person"}, {"c": "come back to this"})
    queue.annotate(_items(), FIRST)
    rows = _read(tmp_path / "out.csv")
    assert [(row["id"], row["label"], row["note"]) for row in rows] == [
        ("a", "", ""),
        ("c", "", "come back to this"),
    ]
    _fill(tmp_path / "out.csv", {"a": "Number", "c": "Location"})
    assert _labels(queue.annotate(_items("a", "c"), FIRST)) == {"a": "Number", "c": "Location"}


def test_a_finished_file_is_put_aside(tmp_path: Path):
    for number in (0, 1):
        queue = _queue(tmp_path)
        queue.annotate(_items(), Context(round=number))
        _fill(tmp_path / "out.csv", dict.fromkeys("abc", "Person"))
        assert len(queue.annotate(_items(), Context(round=number))) == 3
        assert not (tmp_path / "out.csv").exists()
        aside = _read(tmp_path / f"labelled-{number:03d}.csv")
        assert [row["label"] for row in aside] == ["Person"] * 3


def test_what_was_put_aside_is_never_written_over(tmp_path: Path):
    for label in ("Person", "Number", "Location"):
        queue = _queue(tmp_path)
        queue.annotate(_items("a"))
        _fill(tmp_path / "out.csv", {"a": label})
        queue.annotate(_items("a"))
    kept = {p.name: _read(p)[0]["label"] for p in tmp_path.glob("labelled*.csv")}
    assert kept == {
        "labelled.csv": "Person",
        "labelled-2.csv": "Number",
        "labelled-3.csv": "Location",
    }


def test_a_question_mark_skips(tmp_path: Path):
    queue = _queue(tmp_path)
    queue.annotate(_items(), FIRST)
    _fill(tmp_path / "out.csv", {"a": "?"}, {"a": "could be both"})
    [given] = queue.annotate(_items(), FIRST)
    assert (given.item_id, given.label, given.decision) == ("a", None, "deferred")
    assert (given.flags, given.rationale) == (("skipped",), "could be both")
    assert given.usage.human_labels == 1


def test_a_file_that_nobody_touched_is_left_alone(tmp_path: Path):
    queue = _queue(tmp_path)
    queue.annotate(_items(), FIRST)
    before = (tmp_path / "out.csv").stat()
    assert queue.annotate(_items(), FIRST) == []
    after = (tmp_path / "out.csv").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_items_of_a_new_round_join_those_that_wait(tmp_path: Path):
    queue = _queue(tmp_path)
    queue.annotate(_items("a"), FIRST)
    _fill(tmp_path / "out.csv", {}, {"a": "hm"})
    queue.annotate(_items("a", "b"), FIRST)
    assert [(row["id"], row["note"]) for row in _read(tmp_path / "out.csv")] == [
        ("a", "hm"),
        ("b", ""),
    ]


def test_blank_rows_that_wait_no_longer_leave_the_file(tmp_path: Path):
    queue = _queue(tmp_path)
    queue.annotate(_items("a", "b"), FIRST)
    queue.annotate(_items("b"), FIRST)
    assert [row["id"] for row in _read(tmp_path / "out.csv")] == ["b"]


def test_asking_about_nothing_leaves_the_file_alone(tmp_path: Path):
    queue = _queue(tmp_path)
    queue.annotate(_items(), FIRST)
    _fill(tmp_path / "out.csv", {"a": "Person"})
    assert queue.annotate([], FIRST) == []
    assert _read(tmp_path / "out.csv")[0]["label"] == "Person"


def test_several_text_columns_go_out_one_by_one(tmp_path: Path):
    item = Item("1", "p\nh", {"premise": "p", "hypothesis": "h"})
    _queue(tmp_path).annotate([item])
    assert _read(tmp_path / "out.csv") == [
        {"id": "1", "premise": "p", "hypothesis": "h", "label": "", "note": ""}
    ]


def test_a_text_column_called_note_is_shown_beside_the_note(tmp_path: Path):
    item = Item("1", "see me", {"note": "see me"})
    queue = _queue(tmp_path)
    queue.annotate([item])
    assert _read(tmp_path / "out.csv") == [
        {"id": "1", "text:note": "see me", "label": "", "note": ""}
    ]
    _fill(tmp_path / "out.csv", {"1": "Person"})
    assert queue.annotate([item])[0].rationale is None


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_any_text_survives(tmp_path: Path, name: str):
    texts = [
        'a, "b"; c\td',
        "two\nlines",
        "line\u2028separator\x85",
        "naïve 日本 🙂",
        "x" * 200_000,
    ]
    items = [Item(f"i{n}", text, {"text": text}) for n, text in enumerate(texts)]
    queue = _queue(tmp_path, name)
    queue.annotate(items, FIRST)
    content = (tmp_path / name).read_text(encoding="utf-8")
    if name.endswith("csv"):
        assert [row["text"] for row in _read(tmp_path / name)] == texts
        _fill(tmp_path / name, {item.id: "Person" for item in items})
    else:
        filled = content.replace('"label": ""', '"label": "Person"')
        (tmp_path / name).write_text(filled, encoding="utf-8")
    given = queue.annotate(items, FIRST)
    assert _labels(given) == {item.id: "Person" for item in items}


# Spreadsheets


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2", "@cmd", "'=1", "\tx", "''-1"])
def test_a_text_is_never_a_formula(tmp_path: Path, text: str):
    _queue(tmp_path).annotate([Item("1", text, {"text": text})])
    assert _read(tmp_path / "out.csv")[0]["text"] == f"'{text}"


def test_json_lines_hold_the_text_as_it_is(tmp_path: Path):
    _queue(tmp_path, "out.jsonl").annotate([Item("1", "=1+1", {"text": "=1+1"})])
    assert json.loads((tmp_path / "out.jsonl").read_text())["text"] == "=1+1"


@pytest.mark.parametrize(
    "item_id",
    ["=a", "-1", "007", "1234567890123456", "12345e67", "3-4", "2024-01-31", "'=a", "''007", "'a"],
)
def test_ids_that_a_spreadsheet_would_change_come_back(tmp_path: Path, item_id: str):
    queue = _queue(tmp_path)
    queue.annotate(_items(item_id, "other"))
    written = _read(tmp_path / "out.csv")[0]["id"]
    assert written == (item_id if item_id == "'a" else f"'{item_id}")
    _fill(tmp_path / "out.csv", {written: "Person"})
    assert _labels(queue.annotate(_items(item_id, "other"))) == {item_id: "Person"}


@pytest.mark.parametrize("item_id", ["17", "0", "27c35e6e9373877f", "train-3", "a=b"])
def test_other_ids_go_out_as_they_are(tmp_path: Path, item_id: str):
    _queue(tmp_path).annotate(_items(item_id))
    assert _read(tmp_path / "out.csv")[0]["id"] == item_id


def test_labels_that_look_like_formulas_can_be_typed(tmp_path: Path):
    queue = HumanQueue(Task("polarity", ["-1", "+1"]), tmp_path / "out.csv")
    queue.annotate(_items("a", "b"))
    _fill(tmp_path / "out.csv", {"a": "-1", "b": "'+1"})
    assert _labels(queue.annotate(_items("a", "b"))) == {"a": "-1", "b": "+1"}


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_spreadsheet_may_save_it_its_own_way(tmp_path: Path, delimiter: str, mark: str):
    queue = _queue(tmp_path)
    queue.annotate(_items(), FIRST)
    lines = ["id,text,label,note", "a,What; is,,", "b,What is,Person,", "c,What is,,later"]
    text = mark + "\r\n".join(line.replace(",", delimiter) for line in lines[:1] + lines[2:])
    (tmp_path / "out.csv").write_bytes(text.encode())
    assert _labels(queue.annotate(_items(), FIRST)) == {"b": "Person"}
    kept = (tmp_path / "out.csv").read_bytes().decode()
    assert kept.splitlines() == [
        (mark + "id,text,label,note").replace(",", delimiter),
        "c,What is,,later".replace(",", delimiter),
        "a,What is a ?,,".replace(",", delimiter),
    ]


def test_columns_that_people_add_stay(tmp_path: Path):
    queue = _queue(tmp_path)
    queue.annotate(_items("a", "b"), FIRST)
    (tmp_path / "out.csv").write_text("who,label,id\nme,Person,a\nyou,,b\n")
    assert _labels(queue.annotate(_items("a", "b", "c"), FIRST)) == {"a": "Person"}
    assert _read(tmp_path / "out.csv") == [
        {"who": "you", "label": "", "id": "b"},
        {"who": "", "label": "", "id": "c"},
    ]


# Wrong rows


def _csv_problem(folder: Path, warnings: list[str], *rows: str) -> dict[str, str | None]:
    queue = _queue(folder)
    path = folder / "out.csv"
    path.write_text("\n".join(["id,text,label,note", *rows, ""]), encoding="utf-8")
    given = queue.annotate(_items(), FIRST)
    warnings[:] = [said.removeprefix(f"{path}, ") for said in warnings]
    return _labels(given)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            "a,x,Persn,",
            "line 3, column label: 'Persn' is not a label of task 'trec'; its labels are "
            "Number, Person, "
            "Location, did you mean 'Person'? (? skips an item)",
        ),
        (
            "a,x,zzz,",
            "line 3, column label: 'zzz' is not a label of task 'trec'; its labels are Number, "
            "Person, Location "
            "(? skips an item)",
        ),
        (
            "q,x,Person,",
            "line 3, column id: no item 'q' is waiting for a label; it has one already, or its "
            "id was changed",
        ),
        (",x,Person,", "line 3: the row has no id; write its id back, or remove the row"),
        (
            "a,x,y,Person,oh",
            "line 3: the row has 5 cells and the first line 4; put a cell that holds the separator "
            "between quotation marks",
        ),
    ],
)
def test_a_wrong_row_is_named_and_stays_and_the_right_one_is_kept(
    tmp_path: Path, warnings: list[str], row: str, problem: str
):
    assert _csv_problem(tmp_path, warnings, "b,x,Person,", row) == {"b": "Person"}
    assert warnings == [problem]
    assert row in (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert {one["id"] for one in _read(tmp_path / "out.csv")} >= {"a", "c"}


def test_two_labels_for_one_item_are_left_to_people(tmp_path: Path, warnings: list[str]):
    rows = ("a,x,Person,", "b,x,Person,", "a,x,Number,sorry")
    assert _csv_problem(tmp_path, warnings, *rows) == {"b": "Person"}
    assert warnings == [
        "line 4, column label: item 'a' is 'Number' here and 'Person' in line 2; clear one of them"
    ]
    kept = _read(tmp_path / "out.csv")
    assert [(row["id"], row["label"], row["note"]) for row in kept] == [
        ("a", "Person", ""),
        ("a", "Number", "sorry"),
        ("c", "", ""),
    ]


def test_one_of_two_labels_cleared_is_one_label(tmp_path: Path, warnings: list[str]):
    assert _csv_problem(tmp_path, warnings, "a,x,,", "a,x,Number,") == {"a": "Number"}
    assert warnings == []
    assert [row["id"] for row in _read(tmp_path / "out.csv")] == ["b", "c"]


def test_the_same_label_twice_is_one_label(tmp_path: Path, warnings: list[str]):
    assert _csv_problem(tmp_path, warnings, "a,x,Number,", "a,x,Number,") == {"a": "Number"}
    assert warnings == []


def test_a_right_and_an_unknown_label_for_one_item_are_not_taken(
    tmp_path: Path, warnings: list[str]
):
    assert _csv_problem(tmp_path, warnings, "a,x,Number,", "a,x,Numbr,") == {}
    assert warnings == [
        "line 3, column label: 'Numbr' is not a label of task 'trec'; its labels are Number, "
        "Person, Location, "
        "did you mean 'Number'? (? skips an item)"
    ]


def test_lines_are_counted_where_rows_begin(tmp_path: Path, warnings: list[str]):
    rows = ('a,"two\nlines",Person,', "", 'b,"x",Persn,"a\nb"')
    assert _csv_problem(tmp_path, warnings, *rows) == {"a": "Person"}
    assert [said.split(":")[0] for said in warnings] == ["line 5, column label"]


def test_a_wrong_row_that_is_mended_is_taken(tmp_path: Path, warnings: list[str]):
    _csv_problem(tmp_path, warnings, "a,x,Persn,", "b,x,Person,")
    _fill(tmp_path / "out.csv", {"a": "Person"})
    assert _labels(_queue(tmp_path).annotate(_items("a", "c"), FIRST)) == {"a": "Person"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"id": "a", "label": "Person"', "line 2: this is not valid JSON"),
        ("[" * 100_000, "line 2: this is not valid JSON"),
        ('["a", "Person"]', "line 2: this is not an object with an id and a label"),
        ('{"label": "Person"}', "line 2: this is not an object with an id and a label"),
        (
            '{"id": "a", "label": ["Person"]}',
            "line 2, column label: \"['Person']\" is not a label of task 'trec'; its labels are "
            "Number, Person, "
            "Location, did you mean 'Person'? (? skips an item)",
        ),
    ],
)
def test_a_broken_line_of_json_is_named_and_stays(
    tmp_path: Path, warnings: list[str], line: str, problem: str
):
    path = tmp_path / "out.jsonl"
    path.write_text(f'{{"id": "b", "label": "Person"}}\n{line}\n', encoding="utf-8")
    given = _queue(tmp_path, "out.jsonl").annotate(_items(), FIRST)
    assert _labels(given) == {"b": "Person"}
    assert warnings == [f"{path}, {problem}"]
    assert path.read_text(encoding="utf-8").splitlines()[0] == line


@pytest.mark.parametrize("blank", ['{"id": "a"}', '{"id": "a", "label": null}', ""])
def test_json_without_a_label_waits(tmp_path: Path, warnings: list[str], blank: str):
    (tmp_path / "out.jsonl").write_text(f'{blank}\n{{"id": "b", "label": "Person"}}')
    given = _queue(tmp_path, "out.jsonl").annotate(_items(), FIRST)
    assert _labels(given) == {"b": "Person"}
    assert warnings == []


def test_numbers_of_json_are_labels(tmp_path: Path):
    (tmp_path / "out.jsonl").write_text('{"id": 7, "label": 0}\n{"id": 8, "label": 1}\n')
    queue = HumanQueue(Task("t", ["0", "1"]), tmp_path / "out.jsonl")
    assert _labels(queue.annotate(_items("7", "8", "9"))) == {"7": "0", "8": "1"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b"id,text,note\na,x,\n",
            ", line 1: the column 'label' is gone; keep the first line as it was written; nothing "
            "of the file was taken yet",
        ),
        (
            b"number,text,label\na,x,Person\n",
            ", line 1: the column 'id' is gone; keep the first line as it was written; nothing of "
            "the file was taken yet",
        ),
        (
            b"",
            ", line 1: the column 'id' is gone; keep the first line as it was written; nothing of "
            "the file was taken yet",
        ),
        (
            "id,text,label\na,x,Person\n".encode("utf-16")[:-1],
            ", line 2: the file is not UTF-16; save it as UTF-8; nothing of it was taken yet",
        ),
        (
            b'"id,text,label,note";;\r\n"a,What is a ?,,";Person;\r\n',
            ", line 1: every row stands in one cell; open the file by the import of the "
            "spreadsheet, with commas, or have it written as Excel (file: to_label.xlsx); nothing "
            "of it was taken yet",
        ),
        (
            b"id,label,label\na,Person,Number\n",
            ", line 1: there are several columns 'label'; keep the first line as it was written; "
            "nothing of the file was taken yet",
        ),
        (
            b'id,text,label,note\na,x,Person,\nb,x,Number,"no end\nc,x,Person,\n',
            ", line 3: the row cannot be read (unexpected end of data); close the quotation marks "
            "of its cells; nothing of the file was taken yet",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_left_alone(
    tmp_path: Path, content: bytes, problem: str
):
    path = tmp_path / "out.csv"
    path.write_bytes(content)
    with pytest.raises(AnnotationError) as caught:
        _queue(tmp_path).annotate(_items(), FIRST)
    assert str(caught.value) == f"{path}{problem}"
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path):
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(AnnotationError, match="labels cannot be read"):
        _queue(tmp_path).annotate(_items(), FIRST)
    # The disk takes names of 255 characters, and the file that is written beside has a longer one.
    with pytest.raises(AnnotationError, match="the file for people cannot be written"):
        _queue(tmp_path, f"{'n' * 245}.csv").annotate(_items(), FIRST)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"file": "out.xls"},
            "the file for people is 'out.xls'; it must end in .csv, .xlsx or .jsonl",
        ),
        ({"cost": -1.0}, "cost is -1.0; it must be 0 or more"),
        (
            {"task": Task("t", ["a", "?"])},
            "task 't' has the label '?', by which people skip an item; rename the label",
        ),
    ],
)
def test_a_queue_that_cannot_be_says_why(options: dict[str, Any], sentence: str):
    with pytest.raises(ConfigError) as caught:
        HumanQueue(**{"task": _task(), **options})
    assert str(caught.value) == sentence


# Killed


def test_killed_in_the_middle_of_writing_the_file_is_whole(tmp_path: Path):
    program = """
import sys
from pathlib import Path
from llmal.annotators import HumanQueue
from llmal.core.records import Item
from llmal.task import Task
queue = HumanQueue(Task("t", ["a", "b"]), Path(sys.argv[1]) / "out.csv")
items = [Item(str(n), "word " * 40) for n in range(20_000)]
print("ready", flush=True)
while True:
    queue.annotate(items)
    queue.annotate(items[:1])
"""
    for wait in (0.05, 0.2, 0.45):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        while not (tmp_path / "out.csv").exists():
            time.sleep(0.01)
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        rows = _read(tmp_path / "out.csv")
        assert len(rows) in (1, 20_000)
        assert rows[-1]["text"] == "word " * 40


# In a run


def test_answers_are_in_the_ledger_when_they_leave_the_file(tmp_path: Path):
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        queue = HumanQueue(_task())
        queue.attach(ledger.queue, tmp_path)
        queue.annotate(_items(), FIRST)
        assert ledger.queue.open("human") == ["a", "b", "c"]
        _fill(tmp_path / "to_label.csv", {"a": "Number", "b": "?"})
        given = queue.annotate(_items(), FIRST)
        assert ledger.queue.open("human") == ["c"]
        assert list(ledger.annotations()) == given
        assert ledger.append(given) == 0
        assert {i: one.label for i, one in ledger.labels().items()} == {"a": "Number"}


def test_what_the_ledger_refuses_stays_in_the_file(tmp_path: Path):
    ledger = Ledger.open(tmp_path / "ledger.sqlite")
    queue = HumanQueue(_task())
    queue.attach(ledger.queue, tmp_path)
    queue.annotate(_items(), FIRST)
    _fill(tmp_path / "to_label.csv", {"a": "Number", "b": "Person"})
    before = (tmp_path / "to_label.csv").read_bytes()
    ledger.close()
    with pytest.raises(LedgerError):
        queue.annotate(_items(), FIRST)
    assert (tmp_path / "to_label.csv").read_bytes() == before
    with Ledger.open(tmp_path / "ledger.sqlite") as again:
        assert list(again.annotations()) == []
        queue.attach(again.queue, tmp_path)
        assert _labels(queue.annotate(_items(), FIRST)) == {"a": "Number", "b": "Person"}
        assert again.annotated("human", 0) == {"a", "b"}


def test_each_queue_has_a_file_of_its_own(tmp_path: Path):
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        for name in ("human", "anna", "the expert/2"):
            queue = HumanQueue(_task(), name=name)
            queue.attach(ledger.queue, tmp_path)
            queue.annotate(_items(), FIRST)
    assert {path.name for path in tmp_path.glob("*.csv")} == {
        "to_label.csv",
        "to_label-anna.csv",
        "to_label-the_expert_2.csv",
    }
