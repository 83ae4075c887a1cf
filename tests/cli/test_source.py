"""What commands outside a run draw their texts from: no copies, and nothing of the test set."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

import pytest

from llmal.cli.source import Source
from llmal.errors import DataError


def _write(path: Path, rows: list[tuple[str, str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("id", "text", "label"), *rows])


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """Ten texts, of which one stands twice and three are in the test set, one of them nearly."""
    rows = [
        (f"i{n}", f"text number {n} says what nobody knew of {n} before", "A") for n in range(10)
    ]
    _write(tmp_path / "pool.csv", [*rows, ("copy", rows[5][1], "A")])
    held_out = [(f"t{n}", rows[n][1], "B") for n in range(2)]
    _write(tmp_path / "test.csv", [*held_out, ("t2", f"{rows[2][1].upper()}!!", "B")])
    path = tmp_path / "task.yaml"
    path.write_text(
        "task: {name: t, labels: [A, B]}\n"
        "data: {pool: pool.csv, test: test.csv, gold: label}\n"
        "annotator: [{name: human, via: gold}]\n"
    )
    return path


@pytest.mark.parametrize("gold", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_candidates_are_not_of_the_test_set(
    task: Path, gold: bool, named: bool, caplog: pytest.LogCaptureFixture
):
    file = task.with_name("pool.csv") if named else None
    source = Source(task, file)
    with caplog.at_level(logging.WARNING):
        items = source.items(source.read(), file, gold=gold)
    assert [item.text.split()[2] for item in items] == [str(n) for n in range(3, 10)]
    said = [one.getMessage() for one in caplog.records if "test set" in one.getMessage()]
    assert len(said) == 1
    assert said[0].startswith(
        "3 items of the pool are in the test set too (2 with the same text, 1"
    )


def test_the_test_set_itself_has_no_candidates(task: Path):
    file = task.with_name("test.csv")
    source = Source(task, file)
    with pytest.raises(DataError) as caught:
        source.items(source.read(), file, gold=True)
    assert str(caught.value) == (
        f"{file}: every text is in the test set too; give other texts, or use them all the same "
        "with overlap: keep"
    )
    task.write_text(task.read_text().replace("gold: label", "gold: label, overlap: keep"))
    assert len(source.items(source.read(), file, gold=True)) == 3


def test_copies_apart_are_candidates_too(task: Path):
    task.write_text(task.read_text().replace("gold: label", "gold: label, duplicates: apart"))
    source = Source(task)
    items = source.items(source.read(), None, gold=True)
    assert len(items) == 8
