"""Everything that a run has in its ledger can be got out, with the columns that came in."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_from_disk

from llmal.config import load_config
from llmal.core.records import Annotation, SyntheticItem, Usage
from llmal.factory.kept_config import KeptConfig
from llmal.factory.pools import open_pool
from llmal.ledger import Ledger
from llmal.run.events import Event

ROWS = [
    {
        "ticket_id": "007",
        "customer": "Müller",
        "text": "=1 goal",
        "note": "VIP",
        "topic": "sport",
    },
    {"ticket_id": "1E5", "customer": "", "text": "soup\nwith salt", "note": "", "topic": "food"},
    {"ticket_id": "42", "customer": "O'Hara", "text": "rain; snow", "note": "new", "topic": ""},
    {"ticket_id": "9", "customer": "Ann", "text": "nobody was asked", "note": "", "topic": "food"},
]
ANSWERS = [
    Annotation(
        "007",
        "sport",
        "llm",
        "llm",
        {"sport": 0.9, "food": 0.1},
        rationale="goals are sport",
        usage=Usage(requests=2, prompt_tokens=70, completion_tokens=9, money=0.25),
        provenance={"prompt": "label", "demonstrations": ["9"]},
        flags=("truncated",),
        round=0,
    ),
    Annotation(
        "1E5",
        "sport",
        "llm",
        "llm",
        {"sport": 0.6, "food": 0.4},
        decision="deferred",
        rationale="unsure",
        usage=Usage(requests=2, prompt_tokens=70, money=0.25),
        round=0,
    ),
    Annotation(
        "1E5",
        "food",
        "anna",
        "human",
        rationale="it says soup",
        usage=Usage(human_labels=1, money=2.0),
        round=0,
    ),
    Annotation(
        "42", "food", "llm", "llm", {"sport": 0.5, "food": 0.5}, decision="deferred", round=1
    ),
    Annotation(
        "42",
        None,
        "anna",
        "human",
        decision="deferred",
        rationale="neither of them",
        usage=Usage(human_labels=1, money=2.0),
        flags=("skipped",),
        round=1,
    ),
]
SYNTHETIC = [
    SyntheticItem("s1", "a match", "sport", "writer", usage=Usage(requests=1)),
    SyntheticItem("s2", "a", "food", "writer", False, "length", "too short"),
]


def _configuration(folder: Path) -> Path:
    with (folder / "pool.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(ROWS[0]))
        writer.writeheader()
        writer.writerows(ROWS)
    content = {
        "task": {"name": "topics", "labels": ["sport", "food"]},
        "data": {"pool": "pool.csv", "gold": "topic", "id": "ticket_id"},
        "embedder": None,
        "annotator": [{"name": "human", "via": "queue", "as": "anna"}],
        "learner": {"name": "linear"},
        "directory": "runs/topics",
    }
    path = folder / "topics.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The directory of a run that two annotators have worked on."""
    folder = tmp_path / "project"
    folder.mkdir()
    return _run(folder)


def _run(folder: Path) -> Path:
    config = load_config(_configuration(folder))
    directory = config.directory
    pool = open_pool(config, config.data.pool)
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        ledger.bind(task=config.task_object().fingerprint, pool=pool.fingerprint)
        for number, ids in enumerate((["007", "1E5"], ["42"])):
            ledger.start_round(
                number,
                phase="query",
                selector="margin",
                item_ids=ids,
                scores=[0.5, float("nan")][: len(ids)],
                why=["close", "closer"][: len(ids)],
            )
            ledger.finish_round(number, {"labelled": len(ids)})
        ledger.append(ANSWERS)
        ledger.add_synthetic(SYNTHETIC)
        ledger.spend("selection", Usage(requests=3, money=0.5), key="select-1")
        ledger.event("warning", "something happened", {"why": "because"})
        ledger.queue.put("anna", ["42"], 2)
    KeptConfig.of(config)(Event("step", "", {}))
    return directory


def _read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _rows(llmal: Any, run: Path, *options: str) -> list[dict[str, Any]]:
    result = llmal("export", run, "--out", "-", *options)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


# Labels


def test_labels_come_with_the_input_and_with_all_that_is_known_of_them(run: Path, llmal: Any):
    result = llmal("export", run, "--to", "jsonl")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        f"2 labelled items, 1 synthetic one: {run / 'labels.jsonl'}\n"
        "the input has a column 'note' of its own, so that of llmal is called 'llmal_note'\n"
    )
    by_model, by_person, synthetic = _read_jsonl(run / "labels.jsonl")
    assert list(by_model)[:6] == ["id", *ROWS[0]]
    assert by_model == {
        "id": "007",
        **ROWS[0],
        "label": "sport",
        "by": "llm",
        "annotator": "llm",
        "confidence": 0.9,
        "probabilities": {"sport": 0.9, "food": 0.1},
        "rationale": "goals are sport",
        "llmal_note": [],
        "flags": ["truncated"],
        "round": 0,
        "synthetic": False,
        "gold": "sport",
    }
    assert {name: by_person[name] for name in ROWS[1]} == ROWS[1]
    assert (by_person["label"], by_person["by"], by_person["annotator"]) == (
        "food",
        "human",
        "anna",
    )
    assert (by_person["rationale"], by_person["llmal_note"]) == (None, ["it says soup"])
    assert by_person["probabilities"] is None
    assert (synthetic["id"], synthetic["text"], synthetic["label"]) == ("s1", "a match", "sport")
    assert (synthetic["synthetic"], synthetic["customer"]) == (True, None)


def test_all_adds_items_without_a_label_with_what_was_said_of_them(run: Path, llmal: Any):
    rows = {row["id"]: row for row in _rows(llmal, run, "--all")}
    assert list(rows) == ["007", "1E5", "42", "9", "s1"]
    skipped = rows["42"]
    assert (skipped["label"], skipped["suggestion"], skipped["by"]) == (None, "food", "llm")
    assert (skipped["llmal_note"], skipped["flags"]) == (["neither of them"], ["skipped"])
    assert skipped["probabilities"] == {"sport": 0.5, "food": 0.5}
    assert skipped["gold"] is None
    assert (rows["9"]["label"], rows["9"]["suggestion"], rows["9"]["customer"]) == (
        None,
        None,
        "Ann",
    )


def test_every_format_holds_the_same(run: Path, llmal: Any, tmp_path: Path):
    for to in ("jsonl", "csv", "xlsx", "parquet", "hf"):
        words = ("export", run, "--what", "annotations", "--out", tmp_path / f"out.{to}")
        result = llmal(*words, "--to", to)
        assert result.exit_code == 0, result.stderr
    rows = _read_jsonl(tmp_path / "out.jsonl")
    assert len(rows) == len(ANSWERS)
    packed = [{**row, "provenance": json.dumps(row["provenance"])} for row in rows]
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == packed
    assert load_from_disk(str(tmp_path / "out.hf")).to_list() == packed
    flat = [
        {
            **{k: v for k, v in row.items() if k not in ("probabilities", "flags")},
            "probabilities[sport]": (row["probabilities"] or {}).get("sport"),
            "probabilities[food]": (row["probabilities"] or {}).get("food"),
            "flags": "; ".join(row["flags"]),
            "exact": {True: "true", False: "false", None: None}[row["exact"]],
        }
        for row in packed
    ]
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        as_csv = list(csv.DictReader(file))
    assert as_csv == [{k: "" if v is None else str(v) for k, v in row.items()} for row in flat]
    header, *cells = openpyxl.load_workbook(tmp_path / "out.xlsx").active.values
    as_xlsx = [dict(zip(header, row, strict=True)) for row in cells]
    assert as_xlsx == [{k: None if v == "" else v for k, v in row.items()} for row in flat]


def test_a_spreadsheet_gets_umlauts_and_zeros_as_they_are(run: Path, llmal: Any, tmp_path: Path):
    told = llmal("export", run, "--out", tmp_path / "out.csv").stdout
    assert (tmp_path / "out.csv").read_bytes().startswith("\ufeffid,ticket_id,".encode())
    # Two columns of ids, "007" and "1E5" in both, and a formula.
    assert (
        "a spreadsheet that opens this file would change 5 of its cells, such as '007'; "
        "--format xlsx keeps them as they are"
    ) in told
    assert "--format xlsx" not in llmal("export", run, "--out", tmp_path / "out.xlsx").stdout
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    first = {head.value: cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    for column, value in {"id": "007", "customer": "Müller", "text": "=1 goal"}.items():
        assert (first[column].value, first[column].data_type) == (value, "s")
        assert first[column].number_format == "@"
    assert sheet.freeze_panes == "A2"


def test_a_text_too_long_for_excel_is_cut_and_said_so(tmp_path: Path, llmal: Any):
    from llmal.core.tables import Column, write_table

    rows = [{"text": "x" * 40_000, "score": float("nan")}, {"text": "\x00bad", "score": 1.5}]
    columns = [Column("text"), Column("score", "number")]
    assert write_table(tmp_path / "out.xlsx", "xlsx", columns, rows) == 2
    _, first, second = openpyxl.load_workbook(tmp_path / "out.xlsx").active.values
    assert (len(first[0]), first[1]) == (32_767, None)
    assert second == ("\ufffdbad", 1.5)


# Everything else


def test_annotations_are_every_answer_of_everybody(run: Path, llmal: Any):
    rows = _rows(llmal, run, "--what", "annotations")
    for row, one in zip(rows, ANSWERS, strict=True):
        by_person = one.kind == "human"
        assert row["id"] == row["ticket_id"] == one.item_id
        assert row["customer"] == next(r for r in ROWS if r["ticket_id"] == one.item_id)["customer"]
        assert (row["label"], row["annotator"], row["by"]) == (one.label, one.annotator, one.kind)
        assert (row["decision"], row["round"]) == (one.decision, one.round)
        assert row["llmal_note"] == (one.rationale if by_person else None)
        assert row["rationale"] == (None if by_person else one.rationale)
        assert row["probabilities"] == one.probabilities
        assert row["flags"] == list(one.flags)
        assert row["provenance"] == dict(one.provenance)
        assert {name: row[name] for name in one.usage.as_dict()} == one.usage.as_dict()


def test_spending_adds_up_to_what_the_run_cost(run: Path, llmal: Any):
    rows = _rows(llmal, run, "--what", "spending")
    assert [(row["purpose"], row["key"], row["money"]) for row in rows] == [
        ("annotation", "anna", 4.0),
        ("annotation", "llm", 0.5),
        ("selection", "select-1", 0.5),
    ]
    with Ledger.open(run / "ledger.sqlite") as ledger:
        total = ledger.total_usage().as_dict()
    assert {name: sum(row[name] for row in rows) for name in total} == total


def test_synthetic_texts_come_with_their_refusals(run: Path, llmal: Any):
    rows = _rows(llmal, run, "--what", "synthetic")
    assert [(row["id"], row["text"], row["accepted"], row["refused_by"]) for row in rows] == [
        ("s1", "a match", True, None),
        ("s2", "a", False, "length"),
    ]
    assert rows[0]["requests"] == 1


def test_picks_rounds_queue_and_events_are_there(run: Path, llmal: Any):
    picks = _rows(llmal, run, "--what", "picks")
    assert [(one["id"], one["round"], one["rank"], one["score"], one["why"]) for one in picks] == [
        ("007", 0, 1, 0.5, "close"),
        ("1E5", 0, 2, None, "closer"),
        ("42", 1, 1, 0.5, "close"),
    ]
    assert picks[0]["customer"] == "Müller"
    rounds = _rows(llmal, run, "--what", "rounds")
    assert [(one["round"], one["picked"], one["metrics"]) for one in rounds] == [
        (0, 2, {"labelled": 2}),
        (1, 1, {"labelled": 1}),
    ]
    [asked] = _rows(llmal, run, "--what", "queue")
    assert (asked["id"], asked["queue"], asked["round"], asked["answered"]) == (
        "42",
        "anna",
        2,
        None,
    )
    [event] = _rows(llmal, run, "--what", "events")
    assert (event["kind"], event["data"]) == ("warning", {"why": "because"})


def test_decisions_and_what_is_more_than_a_first_answer_are_there(run: Path, llmal: Any):
    assert "stage" not in _rows(llmal, run, "--what", "annotations")[0]
    with Ledger.open(run / "ledger.sqlite") as ledger:
        first = next(ledger.annotations(kind="human"))
        other = "b" if first.label != "b" else "a"
        ledger.revise(
            [dataclasses.replace(first, label=other, probabilities=None, reason="a slip")]
        )
        ledger.decide("certified", [(first, "overruled")], round=1)
    rows = _rows(llmal, run, "--what", "annotations")
    assert {(one["stage"], one["purpose"], one["task_version"]) for one in rows} == {
        (one["annotator"], "train", 1) for one in rows
    }
    revised = [one for one in rows if one["revision"]]
    assert [(one["id"], one["label"], one["reason"]) for one in revised] == [
        (first.item_id, other, "a slip")
    ]
    decisions = _rows(llmal, run, "--what", "decisions")
    assert [one["rule"] for one in decisions] == [*["router"] * len(rows), "certified"]
    last = decisions[-1]
    assert (last["id"], last["revision"], last["outcome"]) == (first.item_id, 0, "overruled")
    assert last["round"] == 1


# Where to


def test_standard_output_holds_rows_alone(run: Path, llmal: Any):
    result = llmal("export", run, "--out", "-", "--to", "csv")
    assert [row["id"] for row in csv.DictReader(io.StringIO(result.stdout))] == ["007", "1E5", "s1"]
    assert result.stderr.startswith("2 labelled items, 1 synthetic one\n")
    assert llmal("export", run, "--out", "-", "--quiet").stderr == ""
    refused = llmal("export", run, "--out", "-", "--to", "parquet")
    assert refused.exit_code == 1
    assert "parquet cannot be written to standard output; use jsonl or csv" in refused.stderr
    assert llmal("export", run, "--out", "-", "--json").exit_code == 1


def test_the_name_of_the_file_says_the_format(run: Path, llmal: Any, json_of: Any, tmp_path: Path):
    result = json_of(llmal("export", run, "--out", tmp_path / "out.parquet", "--json"))
    assert (result["format"], result["rows"], result["labelled"]) == ("parquet", 3, 2)
    assert result["renamed"] == {"note": "llmal_note"}
    assert len(pq.read_table(tmp_path / "out.parquet").to_pylist()) == 3


def test_what_is_there_stays_there(run: Path, llmal: Any):
    assert llmal("export", run).exit_code == 0
    (run / "labels.jsonl").write_text("mine")
    result = llmal("export", run)
    assert result.exit_code == 1
    assert "labels.jsonl: the output is there already" in result.stderr
    assert (run / "labels.jsonl").read_text() == "mine"
    assert llmal("export", run, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--what", "lables"), "there is nothing called 'lables'; use labels, annotations, "),
        (("--to", "xls"), "there is no 'xls' among the exporters; did you mean 'xlsx'?"),
        (("--what", "events", "--all"), "--all has no effect on events; it is for --what labels"),
    ],
)
def test_what_cannot_be_exported_says_why(
    run: Path, llmal: Any, options: tuple[str, ...], sentence: str
):
    result = llmal("export", run, *options)
    assert result.exit_code == 1
    assert sentence in result.stderr


# Moved, and read-only


def test_paths_are_kept_relative_to_the_run_directory(run: Path):
    kept = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    assert kept["data"]["pool"] == "../../pool.csv"
    assert kept["directory"] == "."
    assert load_config(run / "config.yaml").directory == run
    assert load_config(run / "config.yaml").data.pool == run.parent.parent / "pool.csv"


def test_a_project_that_was_moved_is_exported_and_reported(run: Path, llmal: Any, tmp_path: Path):
    moved = (tmp_path / "project").rename(tmp_path / "elsewhere") / "runs" / "topics"
    assert len(_rows(llmal, moved)) == 3
    result = llmal("report", moved)
    assert result.exit_code == 0, result.stderr
    figures = json.loads((moved / "report.json").read_text(encoding="utf-8"))
    assert figures["delivered"]["items"] == 2
    assert figures["config"]["data"]["pool"] == str(tmp_path / "elsewhere" / "pool.csv")


def test_a_project_with_absolute_paths_that_was_moved_is_exported_too(
    run: Path, llmal: Any, tmp_path: Path
):
    """As llmal 0.1 wrote them."""
    config = run / "config.yaml"
    pool = tmp_path / "project" / "pool.csv"
    text = config.read_text().replace("../../pool.csv", str(pool))
    text = text.replace("directory: .", f"directory: {run}").partition("\n")[2]
    config.write_text(text)
    moved = (tmp_path / "project").rename(tmp_path / "elsewhere") / "runs" / "topics"
    assert len(_rows(llmal, moved)) == 3


def test_a_run_directory_that_was_moved_alone_is_exported(run: Path, llmal: Any, tmp_path: Path):
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    moved = run.rename(tmp_path / "a" / "b" / "c" / "run")
    assert len(_rows(llmal, moved)) == 3


def test_a_pool_that_is_gone_can_be_named(run: Path, llmal: Any, tmp_path: Path):
    pool = (tmp_path / "project" / "pool.csv").rename(tmp_path / "tickets.csv")
    for command in ("export", "report"):
        refused = llmal(command, run)
        assert refused.exit_code == 1
        missing = tmp_path / "project" / "pool.csv"
        assert (
            f"config.yaml: the pool of the run is not there: {missing}; say where it is with --data"
        ) in refused.stderr
    assert len(_rows(llmal, run, "--data", str(pool))) == 3
    assert llmal("report", run, "--data", pool).exit_code == 0
    other = tmp_path / "other.csv"
    other.write_text("ticket_id,text,topic\n1,other,food\n")
    refused = llmal("export", run, "--data", other)
    assert refused.exit_code == 1
    assert "the pool has changed since the run" in refused.stderr


def test_a_test_set_that_is_gone_is_left_out(run: Path, llmal: Any, tmp_path: Path):
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("test: null", "test: ../../test.csv"))
    result = llmal("report", run)
    assert result.exit_code == 0, result.stderr
    assert f"the test set of the run, {tmp_path / 'project' / 'test.csv'}, is not" in result.stderr


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    """Run the block without the powers of root, which no permission stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that other users can reach, with a cache for pools; pytest's own are closed."""
    made = Path(tempfile.mkdtemp())
    (made / "cache").mkdir()
    (made / "project").mkdir()
    monkeypatch.setenv("LLMAL_CACHE", str(made / "cache"))
    yield made
    for one in made.rglob("*"):
        one.chmod(0o777)
    shutil.rmtree(made)


def test_a_read_only_run_directory_is_exported_and_reported(open_directory: Path, llmal: Any):
    run = _run(open_directory / "project")
    before = sorted(one.name for one in run.iterdir())
    # Once as root, so that every module has been read; nobody may not look into all places.
    assert llmal("report", run, "--out", open_directory / "first").exit_code == 0
    _rows(llmal, run)
    for one in (open_directory, *open_directory.rglob("*")):
        one.chmod(0o777 if "project" not in one.parts else 0o555 if one.is_dir() else 0o444)
    with _unprivileged():
        assert len(_rows(llmal, run)) == 3
        assert llmal("export", run, "--out", open_directory / "labels.csv").exit_code == 0
        page = open_directory / "pages" / "topics.html"
        assert llmal("report", run, "--out", page).exit_code == 0
        assert page.stat().st_size > 10_000
        assert json.loads(page.with_suffix(".json").read_text())["delivered"]["items"] == 2
        refused = llmal("report", run)
        assert "name another --out" in refused.stderr
    assert sorted(one.name for one in run.iterdir()) == before
