"""A project whose task and pool change half-way, as a person does it."""

from __future__ import annotations

import csv
import re
import shutil
import textwrap
from pathlib import Path

import pytest
import yaml

from llmal.ledger import Ledger

PAGE = Path(__file__).resolve().parents[2] / "docs" / "changing.md"

TICKETS = {
    "Bug": ["The app crashes when I open {}", "{} shows a blank page", "Saving {} fails"],
    "Account": ["I cannot log in to see {}", "Change the name on {}", "My password for {} is gone"],
    "Bill": ["I was charged twice for {}", "Where is the invoice for {}", "{} costs too much"],
}
THINGS = ["the calendar", "my report", "the map", "an order", "the album", "the chat", "the shop"]


def _tickets(count: int) -> list[dict[str, str]]:
    names = [*TICKETS]
    return [
        {
            "id": f"t{n:03d}",
            "text": f"{TICKETS[names[n % 3]][n // 3 % 3].format(THINGS[n % 7])}, ticket {n}",
            "team": f"team {n % 4}",
        }
        for n in range(count)
    ]


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)


def _truth(id: str) -> str:
    return [*TICKETS][int(id[1:]) % 3]


def _fill(file: Path, says: dict[str, str], most: int = 1000) -> list[str]:
    """Label rows of the file as a person would; the ids that were in it."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        header, *rows = csv.reader(opened)
    for row in rows[:most]:
        name = _truth(row[0])
        row[header.index("label")] = says.get(name, name)
    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        csv.writer(opened).writerows([header, *rows])
    return [row[0] for row in rows]


def _labels(run: Path) -> dict[str, str]:
    with Ledger.open(run / "ledger.sqlite") as ledger:
        return {id: str(one.label) for id, one in ledger.labels().items()}


def _blocks() -> list[str]:
    section = PAGE.read_text(encoding="utf-8").split("## An example")[1].split("\n## ")[0]
    return [textwrap.dedent(one) for one in re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)]


@pytest.fixture
def desk(tmp_path, llmal, monkeypatch):
    """The example of the page, with fifty labels."""
    monkeypatch.chdir(tmp_path)
    begun, _, _ = _blocks()
    (tmp_path / "desk.yaml").write_text(begun, encoding="utf-8")
    _write(tmp_path / "tickets.csv", _tickets(70))
    for _ in range(2):
        assert llmal("run", "desk.yaml", "--quiet").exit_code == 3
        _fill(tmp_path / "run" / "to_label.csv", {})
    assert llmal("run", "desk.yaml", "--quiet").exit_code == 3
    assert len(_labels(tmp_path / "run")) == 50
    return tmp_path


def _changed(desk: Path, **task: object) -> None:
    config = yaml.safe_load((desk / "desk.yaml").read_text(encoding="utf-8"))
    config["task"].update(task)
    (desk / "desk.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def test_the_example_of_the_page(desk, llmal):
    _, labels, refusal = _blocks()
    run = desk / "run"
    _changed(desk, **yaml.safe_load(labels))
    _write(desk / "tickets.csv", _tickets(90))
    before, kept = _labels(run), (run / "config.yaml").read_bytes()
    refused = llmal("run", "desk.yaml", "--quiet")
    assert refused.exit_code == 1
    told, found, _ = refused.stderr.partition("; to go on so: llmal run, or llmal label")
    assert found
    assert told == f"error: {run}: {refusal.strip()}"
    assert _labels(run) == before
    assert (run / "config.yaml").read_bytes() == kept

    accepted = llmal("run", "desk.yaml", "--accept-changes", "--quiet")
    assert accepted.exit_code == 3, accepted.stderr
    now = _labels(run)
    assert now == {
        id: {"Bug": "Crash"}.get(label, label) for id, label in before.items() if label != "Account"
    }
    # The round that was under way is finished first.
    file = run / "to_label.csv"
    assert "Crash | Login | Profile | Bill" in file.read_text(encoding="utf-8-sig")
    says = {"Bug": "Crash", "Account": "Login"}
    _fill(file, says)
    again = llmal("run", "desk.yaml", "--quiet")
    assert again.exit_code == 3, again.stderr
    header = file.read_text(encoding="utf-8-sig").splitlines()[0]
    assert "earlier label" in header
    asked = _fill(file, {"Bug": "Crash", "Account": "Profile"})
    assert set(asked) == {id for id, label in before.items() if label == "Account"}
    # The last label of the budget is for another.
    assert llmal("run", "desk.yaml", "--quiet").exit_code == 3
    assert "earlier label" not in file.read_text(encoding="utf-8-sig").splitlines()[0]
    _fill(file, says)
    finished = llmal("run", "desk.yaml", "--quiet")
    assert finished.exit_code == 0, finished.stderr
    assert {_labels(run)[id] for id in asked} == {"Profile"}

    for what in ("labels", "annotations", "picks", "queue", "events"):
        done = llmal("export", run, "--what", what, "--to", "csv", "--force", "--quiet")
        assert done.exit_code == 0, done.stderr
    with (run / "annotations.csv").open(encoding="utf-8-sig", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == 80
    first = {row["id"]: row for row in rows if row["task_version"] == "1"}
    assert {first[id]["label"] for id in before} == {"Bug", "Account", "Bill"}
    maps = {"Bug": "Crash", "Account": "", "Bill": "Bill"}
    assert all(first[id]["label_now"] == maps[label] for id, label in before.items())
    assert llmal("report", run, "--quiet").exit_code == 0
    assert "20 items are added" in (run / "report.html").read_text(encoding="utf-8")
    relabelled = llmal("relabel", run, asked[0], "Login")
    assert relabelled.exit_code == 0, relabelled.stderr
    assert _labels(run)[asked[0]] == "Login"


def test_a_pool_whose_items_are_gone_and_whose_texts_have_changed(desk, llmal):
    run = desk / "run"
    before = _labels(run)
    gone, written = [*before][:2]
    rows = [row for row in _tickets(70) if row["id"] != gone][::-1]
    for row in rows:
        row["floor"] = "2"
        if row["id"] == written:
            row["text"] = "Something else altogether"
    _write(desk / "tickets.csv", rows)
    refused = llmal("run", "desk.yaml", "--quiet")
    assert refused.exit_code == 1
    for words in (
        "the pool has changed",
        "1 item is gone; the items are reordered; the column 'floor' is new",
        "of 50 labels by people 48 are kept",
        "1 is about a text that has changed, which is a new question",
        "1 is of an item that is gone, and stays in the ledger",
    ):
        assert words in refused.stderr
    for command in (("report", run), ("export", run), ("relabel", run, written, "Bug")):
        done = llmal(*command)
        assert done.exit_code == 1
        assert "llmal run" in done.stderr
        assert "--accept-changes" in done.stderr
    assert llmal("run", "desk.yaml", "--accept-changes", "--quiet").exit_code == 3
    assert _labels(run).keys() >= before.keys() - {gone, written}
    for what in ("labels", "annotations", "picks"):
        done = llmal("export", run, "--what", what, "--force", "--quiet")
        assert done.exit_code == 0, done.stderr
    assert gone not in (run / "labels.jsonl").read_text(encoding="utf-8")
    assert gone in (run / "annotations.jsonl").read_text(encoding="utf-8")
    # All is as it was once the file is.
    _write(desk / "tickets.csv", _tickets(70))
    assert llmal("run", "desk.yaml", "--accept-changes", "--quiet").exit_code == 3
    assert llmal("export", run, "--force", "--quiet").exit_code == 0
    text = (run / "labels.jsonl").read_text(encoding="utf-8")
    assert all(f'"{id}"' in text for id in before)


def test_rows_that_were_filled_in_before_the_change_are_read_as_what_they_mean(desk, llmal):
    run = desk / "run"
    _, labels, _ = _blocks()
    file = run / "to_label.csv"
    waiting = _fill(file, {})
    rows = _tickets(70)
    other = next(id for id in waiting if _truth(id) == "Bill")
    for row in rows:
        if row["id"] == other:
            row["text"] = "Another text altogether"
    _write(desk / "tickets.csv", rows)
    _changed(desk, **yaml.safe_load(labels))
    done = llmal("run", "desk.yaml", "--accept-changes", "--quiet")
    assert done.exit_code == 3, done.stderr
    now = _labels(run)
    for id in waiting:
        expected = {"Bug": "Crash", "Account": None, "Bill": "Bill"}[_truth(id)]
        assert now.get(id) == (None if id == other else expected)
    assert "'Account' is no label of task 'desk' any more: it is 'Login' or 'Profile' now" in (
        done.stderr
    )
    assert f"the text of item '{other}' has changed since this row was written" in done.stderr


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (
            {"labels": {"Crash": {"was": "Bgu"}, "Account": "", "Bill": ""}},
            r"desk\.yaml, line \d+, task\.labels\.Crash\.was: label 'Crash' is said to have been "
            r"'Bgu', which was no label of this run; its labels were Bug, Account, Bill, did you "
            r"mean 'Bug'\?",
        ),
        (
            {"labels": {"Crash": {"was": ["Bug", "Bug"]}, "Account": "", "Bill": ""}},
            r"desk\.yaml, line \d+, task\.labels: label 'Crash' was 'Bug' twice; name each",
        ),
        (
            {"labels": {"Crash": {"was": []}, "Account": {"wass": "x"}, "Bill": ""}},
            r"task\.labels\.Account: unknown key 'wass'; did you mean 'was'\?",
        ),
        (
            {"when_changed": "forget"},
            r"desk\.yaml, line \d+, task\.when_changed: expected 'keep' or 'ask_again', got 'forg",
        ),
        (
            {"kind": "multi"},
            r"its answers were of the kind 'classification' and are 'multi' now.*another directory",
        ),
        ({"text": "body"}, r"there is no text column 'body'|no column 'body'"),
        (
            {"labels": ["Bug", "Account"]},
            r"the label 'Bill' is gone\n.* go back in the queue, shown with what they were",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence_and_changes_nothing(desk, llmal, task, sentence):
    run = desk / "run"
    before = _labels(run)
    shutil.copy(run / "ledger.sqlite", desk / "before.sqlite")
    _changed(desk, **task)
    done = llmal("run", "desk.yaml", "--quiet")
    assert done.exit_code == 1
    assert re.search(sentence, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert _labels(run) == before
    with Ledger.open(run / "ledger.sqlite") as ledger:
        assert len(ledger.task_versions()) == len(ledger.pool_versions()) == 1


def _with_known(folder: Path, labels: object) -> None:
    config = yaml.safe_load(_blocks()[0])
    config["data"]["labels"] = labels
    config["budget"] = {"human_labels": 20, "batch": 10}
    config["start"] = {"items": 10}
    (folder / "desk.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def test_a_run_starts_from_the_labels_of_a_column(tmp_path, llmal, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8").split("## Start from labels")[1].split("\n## ")[0]
    block = re.search(r"(?:^    .*\n)+", page, re.MULTILINE)
    assert block is not None
    known = yaml.safe_load(textwrap.dedent(block.group()))["data"]["labels"]
    assert known == {"column": "old_team", "by": "anna", "check": 30}
    rows = _tickets(70)
    for row in rows[:40]:
        # One in eight is wrong.
        number = int(row["id"][1:])
        row["old_team"] = "Bug" if number % 8 == 0 else _truth(row["id"])
    for row in rows[40:]:
        row["old_team"] = ""
    _write(tmp_path / "tickets.csv", rows)
    _with_known(tmp_path, {**known, "check": 12})
    waiting = llmal("run", "desk.yaml")
    assert waiting.exit_code == 3, waiting.stderr
    assert "40 known labels are taken in; people are asked about 12 of them again" in waiting.stderr
    file = tmp_path / "run" / "to_label.csv"
    assert "old_team" not in file.read_text(encoding="utf-8-sig").splitlines()[0]
    assert _labels(tmp_path / "run") == {}
    asked = _fill(file, {})
    assert len(asked) == 12
    assert {int(id[1:]) < 40 for id in asked} == {True}
    trusted = llmal("run", "desk.yaml")
    assert trusted.exit_code == 3, trusted.stderr
    assert re.search(
        r"people agree with \d+ of 12 known labels.*the others are trusted", (trusted.stderr)
    )
    labels = _labels(tmp_path / "run")
    assert len(labels) == 40
    assert all(labels[id] == _truth(id) for id in asked)
    assert llmal("export", tmp_path / "run", "--quiet").exit_code == 0
    text = (tmp_path / "run" / "labels.jsonl").read_text(encoding="utf-8")
    assert text.count('"anna"') == 28


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({}, r"desk\.yaml, line \d+, data\.labels: known labels need one source; name a column"),
        ({"column": "a", "file": "b.csv"}, r"data\.labels: known labels need one source"),
        ({"column": "team", "check": -1}, r"data\.labels\.check: expected a number of at least 0"),
        ({"column": "team", "trust_from": 3}, r"data\.labels\.trust_from: expected a number"),
        ({"column": "teem"}, r"tickets\.csv: there is no column 'teem' to take known labels from"),
        ("team", r"tickets\.csv, line 2, column 'team': 'team 0' is not a label"),
        ({"file": "gone.csv"}, r"gone\.csv: there is no such file"),
    ],
)
def test_known_labels_that_cannot_be_used_are_one_sentence(
    tmp_path, llmal, monkeypatch, labels, sentence
):
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "tickets.csv", _tickets(20))
    _with_known(tmp_path, labels)
    done = llmal("run", "desk.yaml", "--quiet")
    assert done.exit_code == 1
    assert re.search(sentence, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
