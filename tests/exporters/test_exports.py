"""The exports of a configuration, and how one is put in its place."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmal.cli.app import app
from llmal.core.tables import Column
from llmal.errors import LlmalError
from llmal.exporters import REGISTRY, SUFFIXES, Table
from llmal.exporters.writing import STDOUT, name_of_exporter, write_export

HEAD = """\
task: {name: farm, labels: [animal, food]}
data: {pool: pool.csv, gold: label}
annotator: {name: human, via: gold}
start: {selector: random, items: 4}
selector: random
budget: {batch: 4, rounds: 1}
directory: run
"""


TWO = "exports:\n- csv\n- {name: jsonl, what: annotations, out: all.jsonl}\n"


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs a configuration of a small pool; what is given begins on line 8."""
    rows = [f"{n},The cow number {n} sleeps,animal" for n in range(12)]
    rows += [f"{n},The soup number {n} is hot,food" for n in range(12, 24)]
    (tmp_path / "pool.csv").write_text("id,text,label\n" + "\n".join(rows) + "\n")

    def command(text: str, *options: str) -> Any:
        (tmp_path / "farm.yaml").write_text(HEAD + text)
        return CliRunner().invoke(app, ["run", str(tmp_path / "farm.yaml"), *options])

    return command


def test_a_run_writes_the_exports_that_it_names(run: Any, tmp_path: Path) -> None:
    done = run(TWO, "--json")
    assert done.exit_code == 0, done.output
    places = [str(tmp_path / "run" / "labels.csv"), str(tmp_path / "all.jsonl")]
    assert json.loads(done.stdout)["exports"] == places
    labels = list(csv.DictReader(Path(places[0]).read_text("utf-8-sig").splitlines()))
    assert len(labels) == 8
    assert {one["label"] for one in labels} <= {"animal", "food"}
    lines = Path(places[1]).read_text().splitlines()
    assert sorted(json.loads(one)["id"] for one in lines) == sorted(one["id"] for one in labels)
    Path(places[1]).write_text("")
    assert (
        run("exports:\n- csv\n- {name: jsonl, what: annotations, out: all.jsonl}\n").exit_code == 0
    )
    assert Path(places[1]).read_text().splitlines() == lines


@pytest.mark.parametrize(
    ("exports", "sentence"),
    [
        ("exports: cvs", "line 8, exports: there is no 'cvs' among the exporters; did you mean "),
        (
            "exports: {name: csv, delimiter: x}",
            "line 8, exports.delimiter: csv has no option 'delimiter'; its options are what, out,",
        ),
        (
            "exports: {name: csv, what: lables}",
            "line 8, exports.what: there is nothing called 'lables'; use labels, annotations",
        ),
        (
            "exports: {name: csv, what: events, all: true}",
            "line 8, exports.all: all has no effect on events; it is for labels",
        ),
        ("exports: [csv, {name: csv, all: true}]", "another export is written to"),
        ("exports: {name: csv, out: there/labels.csv}", "there is no such directory"),
    ],
)
def test_what_is_wrong_with_an_export_is_said_before_the_run(
    run: Any, tmp_path: Path, exports: str, sentence: str
) -> None:
    refused = run(exports)
    assert refused.exit_code == 1
    assert sentence in " ".join(refused.stderr.split())
    assert not (tmp_path / "run" / "ledger.sqlite").exists()


class Rows(Table):
    """Three rows, the last of which may fail."""

    def __init__(self, fails: bool = False) -> None:
        from collections import Counter

        self.columns = [Column("id"), Column("n", "whole")]
        self.counts = Counter({"rows": 3})
        self.fails = fails

    def rows(self) -> Any:
        yield {"id": "a", "n": 1}
        yield {"id": "b", "n": 2}
        if self.fails:
            raise LlmalError("no third row")
        yield {"id": "=c", "n": 3}


@pytest.mark.parametrize("name", REGISTRY.names())
def test_an_export_is_there_whole_or_not_at_all(name: str, tmp_path: Path) -> None:
    exporter = REGISTRY.make(name)
    path = tmp_path / f"out{exporter.suffix}"
    assert write_export(exporter, path, Rows()).rows == 3
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    before = path.read_bytes() if path.is_file() else sorted(path.iterdir())
    with pytest.raises(LlmalError, match="no third row"):
        write_export(exporter, path, Rows(fails=True))
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert before == (path.read_bytes() if path.is_file() else sorted(path.iterdir()))


def test_the_end_of_a_name_says_the_exporter() -> None:
    for suffix, name in SUFFIXES.items():
        assert REGISTRY.get(name).suffix == suffix
        assert name_of_exporter(Path(f"labels{suffix.upper()}")) == name
    assert name_of_exporter(Path("labels.txt")) is None
    assert name_of_exporter(Path("labels")) is None


def test_texts_that_a_spreadsheet_changes_are_told_of(tmp_path: Path, capsys: Any) -> None:
    written = write_export(REGISTRY.make("csv"), tmp_path / "out.csv", Rows())
    assert "would change 1 of its cells, such as '=c'; --format xlsx keeps" in written.notes[0]
    assert write_export(REGISTRY.make("jsonl"), STDOUT, Rows()).notes == ()
    assert capsys.readouterr().out.splitlines()[0] == '{"id": "a", "n": 1}'
