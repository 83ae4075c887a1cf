"""One form in JSON for what files, frames and databases hold, going in and coming out."""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from llmal.core.json_form import json_form
from llmal.core.tables import Column, write_table
from llmal.errors import DataError
from llmal.pool import Pool

VALUES: dict[str, tuple[Any, Any]] = {
    "day": (datetime.date(2024, 2, 29), "2024-02-29"),
    "moment": (datetime.datetime(2024, 2, 29, 12, 30), "2024-02-29T12:30:00"),
    "clock": (datetime.time(12, 30), "12:30:00"),
    "span": (datetime.timedelta(minutes=2), 120.0),
    "price": (decimal.Decimal("1.50"), "1.50"),
    "key": (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    "bytes": (b"\x00\x01", "AAE="),
    "number": (np.int32(3), 3),
    "vector": (np.array([1.5, 2.0]), [1.5, 2.0]),
    "set": ({"b", "a"}, ["a", "b"]),
    "mapping": (MappingProxyType({"a": 1}), {"a": 1}),
}


@pytest.mark.parametrize("name", VALUES)
def test_pools_and_tables_have_one_form_for_a_value(name: str, tmp_path: Path) -> None:
    value, expected = VALUES[name]
    assert json_form(value) == expected
    rows = [{"text": "a", "extra": value}]
    out = tmp_path / "out.jsonl"
    write_table(out, "jsonl", [Column("text"), Column("extra", "any")], rows)
    assert json.loads(out.read_text())["extra"] == expected
    pool = Pool.from_pandas(pd.DataFrame(rows), cache=tmp_path / "cache")
    assert pool[0].extra["extra"] == expected


def test_what_has_no_form_is_refused_by_a_pool_and_written_as_text(tmp_path: Path) -> None:
    odd = Path("a/b")
    with pytest.raises(TypeError, match="has no form in JSON"):
        json_form(odd)
    rows = [{"text": "a", "extra": odd}]
    with pytest.raises(DataError, match=r"an extra column cannot be kept: a \w+ has no form"):
        Pool.from_pandas(pd.DataFrame(rows), cache=tmp_path / "cache")
    out = tmp_path / "out.jsonl"
    write_table(out, "jsonl", [Column("text"), Column("extra", "any")], rows)
    assert json.loads(out.read_text())["extra"] == "a/b"
