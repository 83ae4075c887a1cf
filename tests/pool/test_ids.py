"""Ids stay as they are written, are compared to the letter, and none looks like another."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from llmal.errors import DataError
from llmal.pool import Pool

ODD = ["A1", "a1", "01", "1", "001", "ab ", " cd", "caf\u00e9", "1.0", "1e5", "'7", "x\u200by"]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "frame", "texts"])
def test_ids_come_back_to_the_letter(tmp_path: Path, kind: str):
    frame = pd.DataFrame({"id": ODD, "text": [f"t{n}" for n in range(len(ODD))]})
    file = tmp_path / f"p.{kind}"
    if kind == "texts":
        pool = Pool.from_texts(list(frame.text), ids=ODD, cache=tmp_path)
    elif kind == "frame":
        pool = Pool.from_pandas(frame, cache=tmp_path)
    else:
        if kind == "jsonl":
            file.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
        elif kind == "csv":
            frame.to_csv(file, index=False)
        else:
            frame.to_parquet(file)
        pool = Pool.from_file(file, cache=tmp_path)
    assert pool.ids() == ODD
    assert pool.positions(ODD).tolist() == list(range(len(ODD)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A1", "A1 "),
        ("A1", "\tA1"),
        ("A 1", "A  1"),
        ("A 1", "A\u00a01"),
        ("caf\u00e9", "cafe\u0301"),
        ("A1", "A1\u200b"),
        ("A1", "\ufeffA1"),
        ("A1", "A\u00ad1"),
        ("A1", "A1\x00"),
    ],
)
def test_ids_that_look_the_same_are_refused_with_both_lines(tmp_path: Path, one: str, other: str):
    file = tmp_path / "p.jsonl"
    ids = ["x", one, "y", other, "z"]
    file.write_text("".join(json.dumps({"id": id, "text": id}) + "\n" for id in ids))
    with pytest.raises(DataError) as caught:
        Pool.from_file(file, cache=tmp_path)
    assert str(caught.value) == (
        f"{file}, line 4: the id {other!a} looks like {one!a} of line 2, and nobody "
        "could tell them apart; give every row an id of its own, which differs in more than space "
        "and Unicode form"
    )


@pytest.mark.parametrize("pair", [("A1", "a1"), ("01", "1"), ("1", "1.0"), ("A", "\uff21")])
def test_ids_that_look_different_are_different(tmp_path: Path, pair: tuple[str, str]):
    pool = Pool.from_texts(["t", "u"], ids=pair, cache=tmp_path)
    assert pool.positions(pair[::-1]).tolist() == [1, 0]


@pytest.mark.parametrize("id", [7, 7.0, np.int32(7), np.float64(7), np.str_("7"), "7"])
def test_a_whole_number_has_one_spelling(tmp_path: Path, id: Any):
    assert Pool.from_texts(["t"], ids=[id], cache=tmp_path).ids() == ["7"]


def test_ids_that_pandas_has_made_floats_of(tmp_path: Path):
    frame = pd.DataFrame({"id": np.array([12, 345678, 9], dtype=float), "text": list("abc")})
    frame.to_parquet(tmp_path / "p.parquet")
    assert Pool.from_file(tmp_path / "p.parquet", cache=tmp_path).ids() == ["12", "345678", "9"]
    assert Pool.from_pandas(frame, cache=tmp_path).ids() == ["12", "345678", "9"]


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        (1.5, "is of type float, not a string or a whole number"),
        (float(2**60), "may have lost digits"),
        (True, "is of type bool"),
        (None, "is empty"),
        (float("nan"), "is empty"),
        (pd.NA, "is empty"),
        ("", "is empty"),
        ("\u200b ", "holds nothing that can be seen"),
        ([1], "is of type list"),
    ],
)
def test_what_is_no_id(tmp_path: Path, id: Any, expected: str):
    with pytest.raises(DataError) as caught:
        Pool.from_texts(["t", "u"], ids=["a", id], cache=tmp_path)
    assert expected in str(caught.value)
    assert "row 2" in str(caught.value)


@pytest.mark.parametrize("asked", ["a1 ", "A1", "a1\u200b", "7.0", "007"])
def test_an_id_that_is_nearly_there_is_suggested_and_not_taken(tmp_path: Path, asked: str):
    pool = Pool.from_texts(["t", "u"], ids=["a1", "7"], cache=tmp_path)
    with pytest.raises(DataError, match=r"did you mean '(a1|7)'"):
        pool.positions([asked])


def test_an_id_that_looks_odd_alone_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        pool = Pool.from_texts(["t"], ids=["ab "], cache=tmp_path)
    assert pool[0].id == "ab "
    assert not caplog.records
