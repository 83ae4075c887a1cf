"""Files as spreadsheets, databases and old machines write them: read, or named with the option."""

from __future__ import annotations

import codecs
import datetime
import gzip
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from llmal.config import load_config
from llmal.errors import ConfigError, DataError
from llmal.factory.pools import open_pool
from llmal.pool import Pool
from llmal.pool.label_file import LabelFile
from llmal.pool.readers import Reading
from llmal.task import Task

ROWS = [
    ("id", "text", "label"),
    ("007", "Grüße aus Köln, €5; bis bald", "A"),
    ("8", 'sie sagte "nein"\nund ging', "B"),
    ("é", "naïve", ""),
]
TEXTS = [row[1] for row in ROWS[1:]]


def _csv(delimiter: str = ",", newline: str = "\n") -> str:
    def cell(text: str) -> str:
        quote = any(mark in text for mark in f'{delimiter}"\n')
        return '"' + text.replace('"', '""').replace("\n", newline) + '"' if quote else text

    return "".join(delimiter.join(map(cell, row)) + newline for row in ROWS)


def _pool(tmp_path: Path, content: bytes, name: str = "p.csv", **options: Any) -> Pool:
    (tmp_path / name).write_bytes(content)
    options = {"gold": "label", **options}
    return Pool.from_file(tmp_path / name, cache=tmp_path / "cache", **options)


def _error(tmp_path: Path, content: bytes, name: str = "p.csv", **options: Any) -> str:
    with pytest.raises((DataError, ConfigError)) as caught:
        _pool(tmp_path, content, name, **options)
    said = str(caught.value)
    assert "\n" not in said
    return said.removeprefix(str(tmp_path / name))


def _assert_whole(pool: Pool, newline: str = "\n") -> None:
    assert pool.ids() == ["007", "8", "é"]
    assert pool.texts() == [text.replace("\n", newline) for text in TEXTS]
    assert pool.gold() == ["A", "B", None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["p.csv", "p.tsv", "p.csv.gz"])
def test_delimiters_are_found_by_the_first_line(tmp_path: Path, delimiter: str, name: str):
    content = _csv(delimiter).encode()
    _assert_whole(_pool(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name))


def test_a_header_that_holds_several_delimiters(tmp_path: Path):
    content = b'"a,b,c";id;text;label\n1,2,3;x;one, two, three;A\n'
    assert _pool(tmp_path, content)[0].extra == {"a,b,c": "1,2,3"}
    content = b"id;text,label\nx;one,A\n"
    assert _pool(tmp_path, content, text="id;text").texts() == ["x;one"], "as many: the comma"


def test_a_delimiter_that_is_named(tmp_path: Path):
    assert _pool(tmp_path, b"text:label\na, b; c:A\n", delimiter=":").texts() == ["a, b; c"]
    content = b"id;text,label\nx;one,A\n"
    (tmp_path / "p.csv").write_bytes(content)
    pool = Pool.from_file(tmp_path / "p.csv", text="text,label", delimiter=";", cache=tmp_path)
    assert (pool.ids(), pool.texts()) == (["x"], ["one,A"])
    for tab in ("\t", "tab", "\\t"):
        assert _pool(tmp_path, b"text\tlabel\na,b\tA\n", delimiter=tab).texts() == ["a,b"]
    assert "the delimiter is ';;'" in _error(tmp_path, b"text\n", delimiter=";;")


def test_the_line_in_which_excel_names_its_delimiter(tmp_path: Path):
    _assert_whole(_pool(tmp_path, b"\xef\xbb\xbfsep=;\r\n" + _csv(";").encode()))
    said = _error(tmp_path, b"sep=;\ntext;label\na;A;x\n")
    assert said.startswith(", line 3: the row has 3 fields")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_line_ends(tmp_path: Path, newline: str, encoding: str):
    content = _csv(newline=newline).encode(encoding)
    _assert_whole(_pool(tmp_path, content), newline)
    rows = [json.dumps(dict(zip(ROWS[0], row, strict=True))) for row in ROWS[1:]]
    _assert_whole(_pool(tmp_path, newline.join(rows).encode(encoding), "p.jsonl"))
    listed = "[" + f",{newline}".join(rows) + "]"
    _assert_whole(_pool(tmp_path, listed.encode(encoding), "p.json"))


def test_a_stray_carriage_return_ends_no_line(tmp_path: Path):
    said = _error(tmp_path, b"text,label\na,A\nb\rc,B\nd,C\n")
    assert said.startswith(", line 3: the row that starts here is not valid")


MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("encoding", MARKS)
def test_a_mark_says_the_encoding(tmp_path: Path, encoding: str):
    _assert_whole(_pool(tmp_path, MARKS[encoding] + _csv().encode(encoding)))
    family = encoding.removesuffix("-le").removesuffix("-be")
    content = MARKS[encoding] + _csv().encode(encoding)
    _assert_whole(_pool(tmp_path, content, encoding=encoding))
    _assert_whole(_pool(tmp_path, content, encoding=family))
    said = _error(tmp_path, content, encoding="cp1252")
    assert said.startswith(f": the file begins with the mark of {family.upper()}")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16-be", "cp437", "mac_roman"])
@pytest.mark.parametrize("packed", [False, True])
def test_an_encoding_that_is_named(tmp_path: Path, encoding: str, packed: bool):
    content = _csv().replace("€", "x").encode(encoding)
    name = "p.csv.gz" if packed else "p.csv"
    content = gzip.compress(content) if packed else content
    pool = _pool(tmp_path, content, name, encoding=encoding)
    assert pool.texts()[0] == TEXTS[0].replace("€", "x")
    assert pool.ids() == ["007", "8", "é"]


def test_an_encoding_that_is_not_named_is_asked_for(tmp_path: Path):
    said = _error(tmp_path, _csv().encode("cp1252"))
    assert said == (
        ", line 2: byte 0xfc is not valid UTF-8; name the encoding, such as encoding: cp1252 "
        "(--encoding cp1252), or save it as UTF-8"
    )
    for order in ("le", "be"):
        said = _error(tmp_path, _csv().encode(f"utf-16-{order}"))
        assert said == (
            ": the file holds null bytes, as UTF-16 without a mark does; name the encoding: "
            f"utf-16-{order} (--encoding utf-16-{order})"
        )


def test_the_line_of_a_byte_that_the_named_encoding_lacks(tmp_path: Path):
    lines = "".join(f"text {n}\n" for n in range(40_000)).encode("ascii")
    content = b"label\n" + lines + b"\x81\n" + lines
    said = _error(tmp_path, content, encoding="cp1252", text="label", gold=None)
    assert said.startswith(", line 40002: byte 0x81 is not valid cp1252")
    (tmp_path / "p.json").write_bytes(b'[\n{"text": "a"},\n{"text": "\xe4"}]')
    with pytest.raises(DataError, match=r"line 3: byte 0xe4 is not valid ascii"):
        Pool.from_file(tmp_path / "p.json", encoding="ascii", cache=tmp_path)
    cut = "label\nabc\n".encode("utf-16")[:-1]
    assert "is not valid UTF-16" in _error(tmp_path, cut, text="label", gold=None)


@pytest.mark.parametrize("name", ["nonsense", "rot13", "hex", ""])
def test_an_encoding_that_there_is_not(tmp_path: Path, name: str):
    said = _error(tmp_path, b"text\n", encoding=name)
    assert said.startswith(f"there is no encoding {name!r}; such as utf-8, cp1252")


def test_an_option_that_a_format_has_not(tmp_path: Path):
    assert "a .jsonl file has no delimiter; leave delimiter out" in _error(
        tmp_path, b"{}", "p.jsonl", delimiter=";"
    )
    assert "a .csv file has no sheet" in _error(tmp_path, b"text\na\n", sheet="x")
    assert "a .xlsx file has no encoding" in _error(tmp_path, b"PK", "p.xlsx", encoding="utf-8")


def test_another_reading_is_another_import(tmp_path: Path):
    content = "text\nä\n".encode()
    (tmp_path / "p.csv").write_bytes(content)
    texts = [
        Pool.from_file(tmp_path / "p.csv", encoding=one, cache=tmp_path / "cache").texts()
        for one in (None, "latin-1", None)
    ]
    assert texts == [["ä"], ["Ã¤"], ["ä"]]


def _workbook(tmp_path: Path, sheets: dict[str, list[tuple[Any, ...]]], name: str = "p.xlsx"):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    return book, tmp_path / name


def test_a_workbook_reads_as_the_same_csv_would(tmp_path: Path):
    book, file = _workbook(tmp_path, {"Tickets": list(ROWS), "Empty": []})
    book.save(file)
    pool = Pool.from_file(file, gold="label", cache=tmp_path / "cache")
    _assert_whole(pool)
    (tmp_path / "p.csv").write_text(_csv(), encoding="utf-8")
    same = Pool.from_file(tmp_path / "p.csv", gold="label", cache=tmp_path / "cache")
    assert pool.fingerprint == same.fingerprint
    assert pool.where(1) == f"{file}, row 3"


def test_cells_of_a_workbook_are_read_as_they_are_shown(tmp_path: Path):
    head = ("id", "text", "label", "day", "at", "share", None, "note")
    day, moment = datetime.date(2024, 3, 1), datetime.datetime(2024, 3, 1, 9, 30)
    rows = [
        head,
        (7, "a", True, day, moment, 0.25, None, None),
        ("012", "b", False, None, None, 3.0, None, "x"),
        (),
        (42, "42", None, None, None, None, None, None),
    ]
    book, file = _workbook(tmp_path, {"S": rows})
    book["S"]["A2"].number_format = "00000"
    book["S"]["G2"].number_format = "0.00"  # a column with neither a name nor a cell
    book.save(file)
    pool = Pool.from_file(file, gold="label", cache=tmp_path / "cache")
    assert pool.ids() == ["00007", "012", "42"]
    assert pool.texts() == ["a", "b", "42"]
    assert pool.match_labels(Task("t", ["true", "false"])).gold() == ["true", "false", None]
    assert pool[0].extra == {
        "day": "2024-03-01", "at": "2024-03-01 09:30:00", "share": "0.25", "note": "",
    }  # fmt: skip
    assert pool[1].extra["share"] == "3"
    assert pool.where(2) == f"{file}, row 5"


def test_which_sheet_is_meant(tmp_path: Path):
    book, file = _workbook(
        tmp_path, {"One": [("text",), ("a",)], "Two": [("text",), ("b",)], "Three": []}
    )
    book.save(file)
    with pytest.raises(DataError) as caught:
        Pool.from_file(file, cache=tmp_path)
    assert str(caught.value) == (
        f"{file}: 2 sheets of the workbook have rows: 'One', 'Two'; name the one to read, "
        "sheet: One (--sheet 'One')"
    )
    assert Pool.from_file(file, sheet="Two", cache=tmp_path).texts() == ["b"]
    with pytest.raises(DataError, match="there is no sheet 'two'; its sheets are 'One', 'Two', 'T"):
        Pool.from_file(file, sheet="two", cache=tmp_path)
    with pytest.raises(DataError, match="there are no rows"):
        Pool.from_file(file, sheet="Three", cache=tmp_path)


def test_a_workbook_that_is_none(tmp_path: Path):
    assert "the file is not a valid workbook" in _error(tmp_path, b"text\n", "p.xlsx")
    assert "the file is not a valid workbook" in _error(
        tmp_path, b"PK\x03\x04" + b"\0" * 99, "p.xlsx"
    )
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512
    assert "protected by a password, or in the form of Excel before 2007" in _error(
        tmp_path, old, "p.xlsx"
    )
    assert "save the workbook as .xlsx" in _error(tmp_path, old, "p.xls")
    assert "two columns are named 'text'" in _error_of_book(tmp_path, [("text", "text"), "ab"])
    assert "two columns have no name" in _error_of_book(tmp_path, [("text", None, None), "abc"])


def _error_of_book(tmp_path: Path, rows: list[Any]) -> str:
    book, file = _workbook(tmp_path, {"S": [tuple(row) for row in rows]})
    book.save(file)
    with pytest.raises(DataError) as caught:
        Pool.from_file(file, cache=tmp_path)
    return str(caught.value)


def test_a_configuration_says_how_its_files_are_read(tmp_path: Path):
    (tmp_path / "p.csv").write_bytes(_csv(":").encode("cp1252"))
    (tmp_path / "t.jsonl").write_bytes('{"id": "1", "text": "ä", "label": "A"}'.encode("cp1252"))
    config = tmp_path / "c.yaml"

    def loaded(more: str) -> Any:
        config.write_text(
            "task: {name: t, labels: [A, B]}\n"
            f"data: {{pool: p.csv, test: t.jsonl, gold: label, {more}}}\n"
            "annotator: [{name: human, via: gold}]\n"
        )
        return load_config(config)

    wanted = loaded("encoding: cp1252, delimiter: ':'")
    _assert_whole(open_pool(wanted, wanted.data.pool))
    assert open_pool(wanted, wanted.data.test).texts() == ["ä"]
    with pytest.raises(ConfigError, match=r"c\.yaml, line 2, data.sheet: .* has no sheet"):
        open_pool(loaded("sheet: x"), wanted.data.pool)
    with pytest.raises(ConfigError, match=r"c\.yaml, line 2, data.encoding: there is no encoding"):
        open_pool(loaded("encoding: x"), wanted.data.pool)


def test_labels_from_a_spreadsheet(tmp_path: Path):
    pool = Pool.from_texts(["a", "b", "c"], ids=["007", "8", "ab "], cache=tmp_path / "cache")
    task = Task("t", ["Grün", "rot"])
    content = 'id;label;note\n\'007;GRÜN;\n8;rot;\n"ab ";;later\n'
    (tmp_path / "l.csv").write_bytes(content.encode("cp1252"))
    labels = LabelFile.read(tmp_path / "l.csv", pool, task, Reading(encoding="cp1252"))
    assert labels.positions.tolist() == [0, 1]
    assert labels.labels == ("Grün", "rot")
    book, file = _workbook(tmp_path, {"S": [("id", "label"), ("007", "grün"), (8, "Rot")]})
    book.save(file)
    labels = LabelFile.read(file, pool, task)
    assert (labels.positions.tolist(), labels.labels) == ([0, 1], ("Grün", "rot"))
