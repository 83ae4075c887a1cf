"""Files that cannot be used: one sentence each, with file and line."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pandas as pd
import pytest

from llmal.errors import DataError
from llmal.pool import Pool


def _rows(count: int) -> list[str]:
    return [json.dumps({"id": n, "text": f"text {n}", "label": "x"}) for n in range(1, count + 1)]


def _error(tmp_path, name: str, content: str | bytes, **options) -> str:
    """What is said about a file of that name and content, without its path."""
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError) as caught:
        Pool.from_file(file, cache=tmp_path / "cache", **options)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert "\n" not in message
    return message.removeprefix(str(file))


def test_missing_file_directory_and_unknown_extension(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv: there is no such file"):
        Pool.from_file(tmp_path / "nowhere.csv", cache=tmp_path)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="not a file"):
        Pool.from_file(tmp_path / "folder.csv", cache=tmp_path)
    assert "the extension '.doc' is unknown; known are .csv" in _error(tmp_path, "p.doc", "x")
    assert "no extension" in _error(tmp_path, "p", "x")


@pytest.mark.parametrize("name", ["p.csv", "p.jsonl", "p.json", "p.parquet"])
def test_empty_file(tmp_path, name):
    assert _error(tmp_path, name, "") == ": the file is empty; give a file with texts"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", "text,label\n"),
        ("p.jsonl", "\n\n"),
        ("p.json", "[ ]"),
        ("p.json", "  "),
        ("p.csv.gz", gzip.compress(b"", mtime=0)),  # its bytes are in the name of the test
    ],
)
def test_file_without_rows(tmp_path, name, content):
    assert ": there are no rows" in _error(tmp_path, name, content)


def test_missing_columns_suggest_a_near_one(tmp_path):
    content = "txt,label\na,b\n"
    assert _error(tmp_path, "p.csv", content) == (
        ": there is no text column 'text'; the columns are 'txt', 'label', did you mean 'txt'?"
    )
    said = _error(tmp_path, "p.csv", content, text="txt", gold="Label ")
    assert "there is no gold column 'Label '" in said
    assert "did you mean 'label'?" in said
    rows = "\n".join(_rows(3))
    assert _error(tmp_path, "p.jsonl", rows, gold="labels").startswith(": there is no gold column")
    assert "no id column 'key'" in _error(tmp_path, "p.csv", content, text="txt", id="key")


def test_text_missing_in_a_later_row(tmp_path):
    content = '{"text": "a"}\n{"texts": "b"}\n'
    assert _error(tmp_path, "p.jsonl", content).startswith(", line 2: there is no text column")


def test_broken_json_in_line_57(tmp_path):
    rows = _rows(100)
    rows[56] = rows[56][:-1]
    said = _error(tmp_path, "p.jsonl", "\n".join(rows))
    assert said.startswith(", line 57: this is not valid JSON: ")
    assert ", line 57" in _error(tmp_path, "p.jsonl.gz", gzip.compress("\n".join(rows).encode()))


@pytest.mark.parametrize(
    ("row", "kind"), [("[1]", "list"), ('"a"', "string"), ("3", "number"), ("null", "null")]
)
def test_row_that_is_no_object(tmp_path, row, kind):
    said = _error(tmp_path, "p.jsonl", f'{{"text": "a"}}\n{row}\n')
    assert said.startswith(f", line 2: the row is a JSON {kind}, not an object")


def test_broken_json_list(tmp_path):
    good = '[\n{"text": "a"},\n{"text": "b"}'
    cases = {
        good: ", line 3: a comma or the closing ] is missing",
        good + ",\n]": ", line 4: there is a comma before the closing ]",
        good + "]\nx": ", line 4: there is more after the closing ]",
        good + ',\n{"text": \n"c" "d"}]': ", line 5: this is not valid JSON",
        good + ',\n{"text": "c': ", line 4: this is not valid JSON",
        good + ",\n7]": ", line 4: an object is expected here",
        '{"text": "a"}\n{"text": "b"}': ", line 1: the file is not a JSON list of objects",
        "hello": ", line 1: the file is not a JSON list of objects",
    }
    for content, expected in cases.items():
        assert _error(tmp_path, "p.json", content).startswith(expected)


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv"])
def test_invalid_utf8(tmp_path, kind):
    rows = {
        "jsonl": [row.encode() for row in _rows(30)],
        "json": [b"[", *(row.encode() + b"," for row in _rows(28)), b'{"text": ""}]'],
        "csv": [b"text", *(b"text %d" % n for n in range(29))],
    }[kind]
    rows[16] = rows[16].replace(b"text ", b"t\xe4xt ")
    said = _error(tmp_path, f"p.{kind}", b"\n".join(rows))
    assert said.startswith(", line 17: byte 0xe4 is not valid UTF-8; name the encoding")


def test_duplicate_ids_name_both_lines(tmp_path):
    rows = _rows(9)
    rows[7] = rows[7].replace('"id": 8', '"id": 3')
    assert _error(tmp_path, "p.jsonl", "\n".join(rows)) == (
        ", line 8: the id '3' of line 3 stands here again; give every row an id of its own"
    )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": 2, "text": None}, "the text in column 'text' is null"),
        ({"id": 2, "text": 5}, "the text in column 'text' is of type int, not a string"),
        ({"id": None, "text": "b"}, "the id in column 'id' is empty"),
        ({"id": "", "text": " "}, "there is nothing in any column; remove the row"),
        ({"id": 1.5, "text": "b"}, "the id in column 'id' is of type float"),
        ({"text": "b"}, "there is no id column 'id'"),
        (
            {"id": 2, "text": "b", "label": ["x"]},
            "there is a list of labels, and rows before have one label each",
        ),
        ({"id": 2, "text": "b\ud800"}, "the row holds half a surrogate pair"),
    ],
)
def test_row_that_cannot_be_used(tmp_path, row, expected):
    content = _rows(1)[0] + "\n" + json.dumps(row)
    assert _error(tmp_path, "p.jsonl", content, gold="label").startswith(f", line 2: {expected}")


def test_id_that_only_later_rows_have(tmp_path):
    content = '{"text": "a"}\n{"text": "b", "id": "1"}\n'
    said = _error(tmp_path, "p.jsonl", content)
    assert said.startswith(", line 2: this row has an 'id', but the first row has none")


def test_csv_rows_of_the_wrong_width(tmp_path):
    content = 'text,label\n"a\nb",x\n\nc\n'
    said = _error(tmp_path, "p.csv", content)
    assert said.startswith(", line 5: the row has 1 fields where the header has 2")
    said = _error(tmp_path, "p.tsv", "text\tlabel\na\tx\ty\n")
    assert said.startswith(", line 2: the row has 3 fields where the header has 2")


def test_csv_quote_that_is_never_closed(tmp_path):
    said = _error(tmp_path, "p.csv", 'text,label\na,x\n"b,y\nc,z\n')
    assert said.startswith(", line 3: the row that starts here is not valid")


def test_columns_of_one_name(tmp_path):
    assert ", line 1: two columns are named 'a'" in _error(tmp_path, "p.csv", "text,a,a\n1,2,3\n")
    frame = pd.DataFrame([["t", "u"]], columns=["text", "text"])
    with pytest.raises(DataError, match="two columns are named 'text'"):
        Pool.from_pandas(frame, cache=tmp_path)


def test_gzip_that_is_none_or_is_cut_off_or_is_not_named_so(tmp_path):
    lines = "\n".join(_rows(20_000)).encode()
    packed = gzip.compress(lines)
    for kind in ("jsonl", "json", "parquet"):
        name = f"p.{kind}"
        assert "named .gz but is not gzipped" in _error(tmp_path, f"{name}.gz", lines)
        assert "is gzipped but not named .gz" in _error(tmp_path, name, packed)
    said = _error(tmp_path, "p.jsonl.gz", packed[: len(packed) // 2])
    assert "the gzipped file ends too early" in said
    assert ", line " in said
    broken = bytearray(packed)
    broken[len(packed) // 2] ^= 0xFF
    broken[-5] ^= 0xFF
    said = _error(tmp_path, "p.jsonl.gz", bytes(broken))
    assert "damaged" in said or "not valid" in said


def test_parquet_that_is_none(tmp_path):
    assert ": the file is not valid Parquet" in _error(tmp_path, "p.parquet", b"PAR1 nonsense")


def test_columns_that_make_no_sense(tmp_path):
    for options, expected in [
        ({"text": []}, "no text column is named"),
        ({"text": ["a", "a"]}, "named twice"),
        ({"text": "a", "gold": "a"}, "both as text and as gold"),
    ]:
        with pytest.raises(DataError, match=expected):
            Pool.from_pandas(pd.DataFrame({"a": ["x"]}), cache=tmp_path, **options)


def test_lists_that_do_not_fit(tmp_path):
    with pytest.raises(DataError, match="2 texts but 1 values for gold"):
        Pool.from_texts(["a", "b"], ["x"], cache=tmp_path)
    with pytest.raises(DataError, match="give a list of strings"):
        Pool.from_texts("abc", cache=tmp_path)
    with pytest.raises(DataError, match="row 2: the text in column 'text' is null"):
        Pool.from_texts(["a", None], cache=tmp_path)


def test_cache_that_fills_up(tmp_path):
    (tmp_path / "p.jsonl").write_text("\n".join(_rows(20_000)))
    code = (
        "import resource, sys; from llmal.pool import Pool; from llmal.errors import DataError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: Pool.from_file(sys.argv[1], cache=sys.argv[2])\n"
        "except DataError as error: print(error)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "p.jsonl"), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "the cache directory cannot be written (File too large)" in done.stdout
    assert [one.suffix for one in (tmp_path / "cache" / "pools").iterdir()] == [".lock"]


def test_cache_below_a_file(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(DataError, match=r"cache directory cannot be written.*LLMAL_CACHE"):
        Pool.from_texts(["a"], cache=tmp_path / "cache")
