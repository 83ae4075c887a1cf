"""The file that people see, and what spreadsheets do to it on its way back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from llmal.annotators import Context, HumanQueue
from llmal.annotators.row_matching import is_respelt
from llmal.core.records import Annotation, Item
from llmal.core.spreadsheets import guard, is_changed, unguard
from llmal.errors import AnnotationError
from llmal.ledger import Ledger
from llmal.task import Task

TASK = Task(
    "Anliegen",
    {"Störung": "etwas geht nicht", "Rechnung": "Geld", "TRUE": "true"},
    guidelines="What does the\ncustomer want?",
)
FIRST = Context(round=0)


def _item(id: str, text: str = "", **extra: Any) -> Item:
    return Item(id, text or f"Text von {id.strip()}", extra=extra)


def _table(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def _save(path: Path, rows: list[list[str]], delimiter: str = ",", encoding: str = "utf-8-sig"):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))


def _labels(given: list[Annotation]) -> dict[str, str | None]:
    return {one.item_id: one.label for one in given}


def _problems(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [one.getMessage().partition(", ")[2] for one in caplog.records]
    caplog.clear()
    return said


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


# What people see


def test_the_file_shows_labels_context_and_how_to_fill_it_in(tmp_path: Path):
    items = [
        _item("1", customer="Müller", tickets=3, guess="Rechnung", vector=[0.1, 0.2]),
        _item("2", customer=None, vip=True),
    ]
    HumanQueue(TASK, tmp_path / "out.csv", hidden=["guess"]).annotate(items, FIRST)
    assert (tmp_path / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    header, *rows = _table(tmp_path / "out.csv")
    *names, how = header
    assert names == ["id", "text", "label", "note", "customer", "tickets", "vip"]
    assert how == ("<- write into label: Störung | Rechnung | TRUE | ? = skip | nothing = not yet")
    assert rows == [
        ["1", "Text von 1", "", "", "Müller", "3", "", ""],
        ["2", "Text von 2", "", "", "", "", "true", ""],
    ]
    help_text = (tmp_path / "HOW_TO_LABEL.txt").read_text(encoding="utf-8")
    for part in ("Open out.csv", "Störung: etwas geht nicht", "What does the", "Write ? into"):
        assert part in help_text


def test_only_the_context_that_was_asked_for_is_shown(tmp_path: Path):
    items = [_item("1", customer="Müller", label="theirs")]
    queue = HumanQueue(TASK, tmp_path / "out.csv", context=["label"])
    queue.annotate(items, FIRST)
    assert _table(tmp_path / "out.csv")[0][:5] == ["id", "text", "label", "note", "context:label"]
    assert _table(tmp_path / "out.csv")[1][4] == "theirs"
    with pytest.raises(AnnotationError, match=r"no column 'costumer' to show to people; its fur"):
        HumanQueue(TASK, tmp_path / "x.csv", context=["costumer"]).annotate(items, FIRST)


def test_many_labels_stand_in_the_help_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    task = Task("intents", [f"intent {n}" for n in range(77)])
    queue = HumanQueue(task, name="the expert")
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        queue.attach(opened.queue, tmp_path)
        queue.annotate([_item("1")], FIRST)
        file = tmp_path / "to_label-the_expert.csv"
        rows = _table(file)
        assert "one of the 77 labels in HOW_TO_LABEL-the_expert.txt" in rows[0][-1]
        assert "intent 76" in (tmp_path / "HOW_TO_LABEL-the_expert.txt").read_text()
        assert "one of the 77 labels in HOW_TO_LABEL-the_expert.txt" in queue.request
        rows[1][2] = "something else altogether"
        _save(file, rows)
        queue.annotate([_item("1")], FIRST)
    assert _problems(caplog) == [
        "line 2, column label: 'something else altogether' is not a label of task 'intents'; "
        "its labels stand "
        "in HOW_TO_LABEL-the_expert.txt (? skips an item)"
    ]


def test_the_request_names_labels_and_guidelines():
    assert HumanQueue(TASK).request == (
        'write Störung, Rechnung or TRUE into the column "label" (? skips an item), save, and run '
        "again; guidelines: What does the customer want?"
    )


# As spreadsheets save


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [
        (",", "utf-8"),
        (";", "utf-8-sig"),
        (";", "cp1252"),
        ("\t", "utf-16"),
        ("\t", "cp1252"),
    ],
)
def test_every_way_in_which_excel_saves_is_read(tmp_path: Path, delimiter: str, encoding: str):
    items = [_item(id, f'Grüße, {id}; "so"\nzwei Zeilen') for id in ("ä1", "b2", "c3")]
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    queue.annotate(items, FIRST)
    rows = _table(tmp_path / "out.csv")
    rows[1][2:4] = ["störung", "schön"]
    rows[2][2:4] = ["true", ""]
    # Excel fills short rows up and ends each line with \r\n.
    _save(tmp_path / "out.csv", [[*row, "", ""] for row in rows], delimiter, encoding)
    first, second = queue.annotate(items, FIRST)
    assert (first.item_id, first.label, first.rationale) == ("ä1", "Störung", "schön")
    assert (second.item_id, second.label) == ("b2", "TRUE")
    # What waits still stands there, readable, and is taken from the same spreadsheet again.
    encoded = encoding if encoding == "utf-16" else "utf-8-sig"
    text = (tmp_path / "out.csv").read_bytes().decode(encoded)
    header, waiting = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    assert (header[0], waiting[0]) == ("id", "c3")
    assert waiting[1] == items[2].text
    waiting[2] = "?"
    _save(tmp_path / "out.csv", [header, waiting], delimiter, encoding)
    assert _labels(queue.annotate(items[2:], FIRST)) == {"c3": None}


def test_an_excel_file_has_labels_to_choose_from_and_a_sheet_on_how_to(tmp_path: Path):
    items = [_item("007", "=1+1", customer="1E5"), _item("42"), _item("x")]
    queue = HumanQueue(TASK, tmp_path / "out.xlsx")
    queue.annotate(items, FIRST)
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["items", "how to label", "labels"]
    sheet = book["items"]
    assert [cell.value for cell in sheet[1]] == ["id", "text", "label", "note", "customer"]
    assert [cell.value for cell in sheet[2]] == ["007", "=1+1", None, None, "1E5"]
    assert {cell.data_type for cell in sheet[2] if cell.value} == {"s"}
    [choice] = sheet.data_validations.dataValidation
    assert (str(choice.sqref), choice.formula1) == ("C2:C4", "=labels!$A$1:$A$4")
    assert [cell.value for cell in book["labels"]["A"]] == ["Störung", "Rechnung", "TRUE", "?"]
    assert "Störung: etwas geht nicht" in str(book["how to label"]["A7"].value)
    sheet["C2"], sheet["D2"] = "Rechnung", "two euros"
    # As a person types it: Excel makes a number and a truth value of these.
    sheet["A3"], sheet["C3"] = 42, True
    book.save(tmp_path / "out.xlsx")
    given = queue.annotate(items, FIRST)
    assert _labels(given) == {"007": "Rechnung", "42": "TRUE"}
    assert given[0].rationale == "two euros"
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert [row[0] for row in book["items"].values] == ["id", "x"]
    book["items"]["C2"] = "?"
    book.save(tmp_path / "out.xlsx")
    assert _labels(queue.annotate(items[2:], FIRST)) == {"x": None}
    assert (tmp_path / "labelled-000.xlsx").exists()


def test_a_file_that_was_saved_under_another_ending_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    queue.annotate([_item("1")], FIRST)
    (tmp_path / "out.xlsx").touch()
    queue.annotate([_item("1")], FIRST)
    assert [one.getMessage() for one in caplog.records] == [
        f"{tmp_path / 'out.xlsx'} is not read; save it as out.csv"
    ]


def test_what_is_no_excel_file_is_named(tmp_path: Path):
    (tmp_path / "out.xlsx").write_bytes(b"PK\x03\x04 but no more")
    with pytest.raises(AnnotationError, match=r"out\.xlsx: the file is no Excel file"):
        HumanQueue(TASK, tmp_path / "out.xlsx").annotate([_item("1")], FIRST)


# Ids


def test_ids_that_differ_in_space_alone_are_two_items(tmp_path: Path):
    items = [_item("A1", "first"), _item("A1 ", "second")]
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    queue.annotate(items, FIRST)
    rows = _table(tmp_path / "out.csv")
    assert [row[0] for row in rows[1:]] == ["A1", "A1 "]
    rows[2][2] = "Rechnung"
    _save(tmp_path / "out.csv", rows)
    assert _labels(queue.annotate(items, FIRST)) == {"A1 ": "Rechnung"}


def test_ids_that_lost_their_space_are_told_apart_by_their_texts(tmp_path: Path):
    items = [_item("A1", "first"), _item("A1 ", "second")]
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    queue.annotate(items, FIRST)
    rows = _table(tmp_path / "out.csv")
    rows[1][2], rows[2][2] = "Störung", "Rechnung"
    _save(tmp_path / "out.csv", [[row[0].strip(), *row[1:]] for row in rows])
    assert _labels(queue.annotate(items, FIRST)) == {"A1": "Störung", "A1 ": "Rechnung"}


def test_ids_that_lost_their_space_and_have_one_text_wait(tmp_path: Path):
    items = [_item("A1", "same"), _item("A1 ", "same")]
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    queue.annotate(items, FIRST)
    rows = _table(tmp_path / "out.csv")
    rows[2][0], rows[2][2] = "A1", "Rechnung"
    _save(tmp_path / "out.csv", [rows[0], rows[2]])
    assert _labels(queue.annotate(items, FIRST)) == {"A1": "Rechnung"}
    assert [row[0] for row in _table(tmp_path / "out.csv")[1:]] == ["A1 "]


@pytest.mark.parametrize("typed", ["ab ", "ab", " ab"])
def test_an_id_that_was_padded_by_a_database_gets_its_answer(tmp_path: Path, typed: str):
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    queue.annotate([_item("ab "), _item("other")], FIRST)
    rows = _table(tmp_path / "out.csv")
    rows[1][0], rows[1][2] = typed, "Rechnung"
    _save(tmp_path / "out.csv", rows)
    [given] = queue.annotate([_item("ab "), _item("other")], FIRST)
    assert (given.item_id, given.label) == ("ab ", "Rechnung")
    assert given.provenance.get("id in the file") == (None if typed == "ab " else typed)


@pytest.mark.parametrize(
    ("id", "saved"),
    [
        ("007", "7"),
        ("00123", "123"),
        ("12e4", "1.20E+05"),
        ("12e4", "1,2E+05"),
        ("1234567890123456", "1.23457E+15"),
        ("1234567890123456", "1234567890123450"),
        ("1.50", "1.5"),
        ("true", "WAHR"),
        ("Ab\u0301", "Ab\u0301".encode().decode()),
        ("é", "e\u0301"),
    ],
)
def test_an_id_that_a_spreadsheet_changed_is_known_by_its_text(tmp_path: Path, id: str, saved: str):
    items = [_item(id, "one"), _item("8", "two")]
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    queue.annotate(items, FIRST)
    rows = _table(tmp_path / "out.csv")
    rows[1][0], rows[1][2] = saved, "Rechnung"
    _save(tmp_path / "out.csv", rows)
    assert _labels(queue.annotate(items, FIRST)) == {id: "Rechnung"}


@pytest.mark.parametrize(
    ("cell", "id"),
    [("7", "8"), ("7", "7.1"), ("a1", "A1"), ("1.2E+05", "130000"), ("01-Mar", "MAR1"), ("", "0")],
)
def test_other_ids_are_other_ids(cell: str, id: str):
    assert not is_respelt(cell, id)


def test_an_id_that_was_changed_is_nobodys_without_the_same_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    items = [_item("007", "one"), _item("8", "two")]
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    header = ["id", "text", "label", "note"]
    _save(tmp_path / "out.csv", [header, ["7", "other", "Rechnung", ""]])
    assert queue.annotate(items, FIRST) == []
    assert _problems(caplog) == [
        "line 2, column id: no item '7' is waiting for a label; it has one already, or its id "
        "was changed"
    ]
    _save(tmp_path / "out.csv", [header, ["MAR1", "one", "Rechnung", ""]])
    assert queue.annotate(items, FIRST) == []
    assert _problems(caplog) == [
        "line 2, column id: no item 'MAR1' is waiting for a label; the text is that of '007', "
        "write this id "
        "back"
    ]
    # Without the texts there is nothing to tell by.
    _save(tmp_path / "out.csv", [["id", "label"], ["7", "Rechnung"]])
    assert queue.annotate(items, FIRST) == []
    assert len(_problems(caplog)) == 1


def test_columns_that_were_sorted_apart_are_noticed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    items = [_item("a", "one"), _item("b", "two"), _item("c", "three")]
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    queue.annotate(items, FIRST)
    header, *rows = _table(tmp_path / "out.csv")
    for row, id in zip(rows, ("b", "c", "a"), strict=True):
        row[0], row[2] = id, "Rechnung"
    _save(tmp_path / "out.csv", [header, *rows])
    assert queue.annotate(items, FIRST) == []
    assert _problems(caplog)[0] == (
        "line 2, column id: the row has the id 'b' and the text of item 'a'; put ids and texts "
        "together "
        "again (sort whole rows only)"
    )


def test_a_text_that_a_person_mended_is_no_obstacle(tmp_path: Path):
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    queue.annotate([_item("a", "Recieved nothing"), _item("b")], FIRST)
    rows = _table(tmp_path / "out.csv")
    rows[1][1:3] = ["Received nothing", "Störung"]
    _save(tmp_path / "out.csv", rows)
    assert _labels(queue.annotate([_item("a", "Recieved nothing")], FIRST)) == {"a": "Störung"}


def test_labels_that_begin_with_an_apostrophe_are_read_as_they_were_typed(tmp_path: Path):
    queue = HumanQueue(Task("t", ["'-1", "-1"]), tmp_path / "out.csv")
    items = [_item("a"), _item("b"), _item("c")]
    header = ["id", "text", "label"]
    rows = [["a", "x", "''-1"], ["b", "x", "'-1"], ["c", "x", "-1"]]
    _save(tmp_path / "out.csv", [header, *rows])
    assert _labels(queue.annotate(items, FIRST)) == {"a": "'-1", "b": "-1", "c": "-1"}


# Nothing is lost


def test_a_file_that_was_open_all_along_may_be_saved_over(
    tmp_path: Path, ledger: Ledger, caplog: pytest.LogCaptureFixture
):
    """The program of a person still has the rows that were taken meanwhile."""
    items = [_item(id) for id in "abcd"]
    queue = HumanQueue(TASK)
    queue.attach(ledger.queue, tmp_path)
    queue.annotate(items, FIRST)
    file = tmp_path / "to_label.csv"
    rows = _table(file)
    rows[1][2], rows[2][2], rows[3][2] = "Störung", "?", "Rechnung"
    _save(file, rows)
    assert len(queue.annotate(items, FIRST)) == 3
    rows[3][2], rows[4][2] = "TRUE", "TRUE"
    _save(file, [*rows])
    left = [_item("d"), _item("e")]
    assert _labels(queue.annotate(left, FIRST)) == {"d": "TRUE"}
    assert _problems(caplog) == [
        "line 4, column label: item 'c' has the label 'Rechnung' already, and an answer that "
        "was taken is not "
        "changed; remove the row"
    ]
    assert [row[0] for row in _table(file)[1:]] == ["c", "e"]
    assert {i: one.label for i, one in ledger.labels().items()} == {
        "a": "Störung",
        "c": "Rechnung",
        "d": "TRUE",
    }


def test_a_file_that_is_saved_while_it_is_read_is_left_to_the_next_run(
    tmp_path: Path, ledger: Ledger
):
    items = [_item(id) for id in "abc"]
    queue = HumanQueue(TASK)
    queue.attach(ledger.queue, tmp_path)
    queue.annotate(items, FIRST)
    file = tmp_path / "to_label.csv"
    rows = _table(file)
    rows[1][2] = "Störung"
    _save(file, rows)
    answer = ledger.queue.answer

    def while_somebody_saves(*given: Any) -> int:
        rows[2][2] = "Rechnung"
        _save(file, rows)
        return answer(*given)

    ledger.queue.answer = while_somebody_saves  # type: ignore[method-assign]
    assert _labels(queue.annotate(items, FIRST)) == {"a": "Störung"}
    ledger.queue.answer = answer  # type: ignore[method-assign]
    assert _table(file)[2][2] == "Rechnung"
    assert _labels(queue.annotate(items[1:], FIRST)) == {"b": "Rechnung"}
    assert [row[0] for row in _table(file)[1:]] == ["c"]


def test_notes_of_all_rows_of_an_item_are_kept(tmp_path: Path):
    queue = HumanQueue(TASK, tmp_path / "out.csv")
    header = ["id", "text", "label", "note"]
    rows = [["a", "x", "", "first"], ["a", "x", "Störung", "second"]]
    _save(tmp_path / "out.csv", [header, *rows])
    [given] = queue.annotate([_item("a"), _item("b")], FIRST)[:1]
    assert (given.label, given.rationale) == ("Störung", "first; second")


# Cells


@pytest.mark.parametrize(
    "cell",
    ["=A1", "007", " 12", "1E5", "1.5", "1,5", "3-4", "10%", "MAR1", "1-Dez", "TRUE", "falsch"],
)
def test_what_a_spreadsheet_would_change_is_guarded(cell: str):
    assert is_changed(cell)
    assert guard(cell) == f"'{cell}"
    assert unguard(guard(cell)) == cell


@pytest.mark.parametrize("cell", ["7", "17", "a1", "train-3", "marching 4 ways", "'a", "", "x=1"])
def test_other_cells_are_left_as_they_are(cell: str):
    assert guard(cell) == unguard(cell) == cell
