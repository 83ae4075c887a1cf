"""The columns that items came with: all of them, in their order, under their own names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llmal.pool import Pool
from llmal.pool.input_columns import InputColumns


def _pool(folder: Path, rows: list[dict[str, Any]], **roles: Any) -> Pool:
    file = folder / "pool.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return Pool.from_file(file, cache=folder, **roles)


def test_columns_keep_their_order_and_their_kinds(tmp_path: Path):
    rows = [
        {"z": 1, "text": "a", "share": 1, "open": True, "tags": ["x"], "mixed": 1, "empty": None},
        {"z": 2, "text": "b", "share": 0.5, "open": None, "tags": [], "mixed": "1", "late": "!"},
    ]
    pool = _pool(tmp_path, rows)
    assert pool.columns == {
        "z": "whole",
        "text": "text",
        "share": "number",
        "open": "flag",
        "tags": "any",
        "mixed": "any",
        "empty": "text",
        "late": "text",
    }
    assert list(pool.columns) == [*rows[0], "late"]
    inputs = InputColumns(pool, ("id", "label"))
    assert list(inputs.columns) == list(pool.columns)
    assert [inputs.values(item) for item in pool] == [
        {**dict.fromkeys(pool.columns), **row} for row in rows
    ]


def test_a_pool_that_was_imported_before_and_a_view_know_them_too(tmp_path: Path):
    rows = [{"text": str(n), "b": n, "a": n} for n in range(3)]
    first = _pool(tmp_path, rows)
    again = Pool.from_file(tmp_path / "pool.jsonl", cache=tmp_path)
    assert list(first.columns) == list(again.columns) == list(again[1:].columns)
    assert InputColumns(again[1:], ("id",)).values(again[2]) == rows[2]


def test_the_id_column_comes_back_under_its_own_name_beside_id(tmp_path: Path):
    pool = _pool(tmp_path, [{"ticket": 7, "text": "a"}], id="ticket")
    inputs = InputColumns(pool, ("id", "label"))
    assert inputs.values(pool[0]) == {"ticket": "7", "text": "a"}
    assert inputs.columns["ticket"] == "text"
    assert inputs.renamed == {}


def test_a_column_called_id_is_there_once_where_it_is_the_id(tmp_path: Path):
    pool = _pool(tmp_path, [{"id": "7", "text": "a"}])
    assert InputColumns(pool, ("id", "label")).values(pool[0]) == {"text": "a"}


def test_a_column_called_id_that_is_not_the_id_keeps_its_name(tmp_path: Path):
    pool = _pool(tmp_path, [{"id": 1, "ticket": "T-7", "text": "a"}], id="ticket")
    inputs = InputColumns(pool, ("id",))
    assert inputs.values(pool[0]) == {"id": 1, "ticket": "T-7", "text": "a"}
    assert inputs.own == {"id": "llmal_id"}


def test_a_gold_column_called_label_leaves_that_name_to_the_label(tmp_path: Path):
    pool = _pool(tmp_path, [{"text": "a", "label": "x"}], gold="label")
    inputs = InputColumns(pool, ("id", "label", "gold"))
    assert inputs.values(pool[0]) == {"text": "a"}
    assert inputs.own == {"id": "id", "label": "label", "gold": "gold"}


def test_a_gold_column_of_another_name_comes_back_under_it(tmp_path: Path):
    pool = _pool(tmp_path, [{"text": "a", "topic": "x"}], gold="topic")
    assert InputColumns(pool, ("label", "gold")).values(pool[0]) == {"text": "a", "topic": "x"}


def test_columns_of_llmal_give_way_and_say_so(tmp_path: Path):
    rows = [{"text": "a", "label": "theirs", "note": "n", "llmal_note": "m"}]
    pool = _pool(tmp_path, rows)
    inputs = InputColumns(pool, ("id", "label", "note", "gold"))
    assert inputs.values(pool[0]) == rows[0]
    assert inputs.renamed == {"label": "llmal_label", "note": "llmal_llmal_note"}


def test_numbers_beyond_64_bits_come_back(tmp_path: Path):
    pool = _pool(tmp_path, [{"text": "a", "n": 2**70}, {"text": "b", "n": 1}])
    assert pool.columns["n"] == "any"
    assert InputColumns(pool, ()).values(pool[0])["n"] == 2**70
