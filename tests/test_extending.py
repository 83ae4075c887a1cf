"""A package of plug-ins, as `docs/extending.md` has it, installed and used by name."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

PAGE = Path(__file__).resolve().parent.parent / "docs" / "extending.md"
ROOT = PAGE.parent.parent
WORDS = {
    1: ["bad", "awful", "broken", "a waste of money"],
    2: ["poor", "weak", "dull", "slow"],
    3: ["so so", "average", "plain", "fair"],
    4: ["good", "fine", "solid", "handy"],
    5: ["great", "superb", "perfect", "a delight"],
}
THINGS = ["lamp", "kettle", "chair", "phone", "book"]


def _blocks() -> dict[str, str]:
    """The files on the page, by their paths."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == len(dict(found)) == 9
    return dict(found)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip has installed the package of the page into."""
    folder = tmp_path_factory.mktemp("stars")
    for name, content in _blocks().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    target = ["--target", str(folder / "site"), str(folder / "stars")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *target], check=True)
    assert [*(folder / "site").glob("stars-1.0.dist-info/entry_points.txt")]
    return folder / "site"


@pytest.fixture
def llmal(
    installed: Path, tmp_path: Path, tiny_lm_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Calls llmal in a folder with the configuration of the page, where the package is found."""
    rows = [
        f'{grade}{n},"The {THINGS[n % 5]} was {words[n % 4]}, number {n}",{grade} stars,{grade}'
        for n in range(10)
        for grade, words in WORDS.items()
    ]
    (tmp_path / "reviews.csv").write_text("id,text,stars,grade\n" + "\n".join(rows) + "\n")
    text = _blocks()["stars.yaml"].replace("smollm2-135m-instruct", str(tiny_lm_path))
    (tmp_path / "stars.yaml").write_text(text)
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.chdir(tmp_path)
    from llmal.cli.app import app

    return lambda *words: CliRunner().invoke(app, list(words))


def test_a_run_of_plug_ins_from_a_package(llmal: Any, tmp_path: Path) -> None:
    done = llmal("run", "stars.yaml", "--json")
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "finished"
    picks = llmal("export", "run", "--what", "rounds", "--out", "-")
    rounds = [json.loads(line) for line in picks.stdout.splitlines()]
    told = [(one["phase"], one["selector"]) for one in rounds]
    assert told[0] == ("start", "random")
    assert told[2] == ("query", "disputed") or told[1] == ("query", "disputed")
    assert ("spot_check", "random") in told
    assert [one for one, _ in told].count("query") == 3
    labels = (tmp_path / "run" / "labels.fasttext").read_text().splitlines()
    assert len(labels) >= 8
    assert all(re.match(r"stars:[1-5] \w", line) for line in labels)
    exported = llmal(
        *("export", "run", "--format", "fasttext", "--option", "prefix=__label__"),
        *("--out", "labels.fasttext"),
    )
    assert exported.exit_code == 0, exported.stderr
    again = (tmp_path / "labels.fasttext").read_text()
    assert again == "".join(f"{line}\n" for line in labels).replace("stars:", "__label__")
    synthetic = llmal("export", "run", "--what", "synthetic", "--out", "-")
    written = [json.loads(line) for line in synthetic.stdout.splitlines()]
    assert {one["generator"] for one in written} == {"slots"}
    assert {one["label"] for one in written} == {"1", "2", "3", "4", "5"}
    told_of = llmal("export", "run", "--what", "annotations", "--out", "-").stdout.splitlines()
    machine = [one for one in map(json.loads, told_of) if one["by"] == "llm"]
    assert machine
    assert any("Shrunk" in json.dumps(one["provenance"]) for one in machine)
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["status"] == "finished"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "kind: {name: rating, unit: stars}",
            "kind: {name: rating, unt: stars}",
            "stars.yaml, line 3, task.kind.unt: rating has no option 'unt'; its options are unit",
        ),
        (
            "kind: {name: rating, unit: stars}",
            "kind: ratng",
            "stars.yaml, line 3, task.kind: there is no 'ratng' among the spaces; did you mean "
            "'rating'?",
        ),
        (
            "kind: {name: rating, unit: stars}",
            "kind: single",
            "line 2, column 'stars': '1 stars' is not a label of task 'reviews'; its labels are 1,",
        ),
        (
            'kind: {name: rating, unit: stars}\n  labels: {"1": bad, "2": poor, "3": so so, '
            '"4": good, "5": great}\ndata: {pool: reviews.csv, gold: stars}',
            "labels: ['1', '2', '3', '4', '5']\ndata: {pool: reviews.csv, gold: grade}",
            "the selector disputed works with a grade, and task 'reviews' takes one label an item",
        ),
        (
            "calibrate: {name: shrunk, steps: 11}",
            "calibrate: {name: shrunk, steps: many}",
            "stars.yaml, line 8, annotator[0].calibrate.steps: shrunk: steps is 'many'; give",
        ),
        (
            "{name: disputed, power: 1.5}",
            "{name: disputed, power: -1}",
            "stars.yaml, line 11, selector.power: power is -1; give a number above 0",
        ),
        (
            "{name: spot_check, items: 3, after: 2}",
            "{name: spot_check, items: 3, every: 2}",
            "stars.yaml, line 12, phases[1].every: spot_check has no option 'every'; its options",
        ),
        (
            'words: {"1": [awful, a waste], "5": [a delight, superb]}',
            "words: {six: [odd]}",
            "stars.yaml, line 15, generator.words: words has 'six', which is no label of the task",
        ),
        (
            'exports: {name: fasttext, prefix: "stars:"}',
            'exports: {name: fasttext, prefx: "stars:"}',
            "stars.yaml, line 18, exports.prefx: fasttext has no option 'prefx'; its options are "
            "prefix",
        ),
    ],
)
def test_what_is_wrong_with_a_plug_in_is_said_with_its_line(
    llmal: Any, tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    text = (tmp_path / "stars.yaml").read_text()
    assert text.count(old) == 1
    (tmp_path / "stars.yaml").write_text(text.replace(old, new))
    refused = llmal("run", "stars.yaml")
    assert refused.exit_code == 1
    assert sentence in " ".join(refused.stderr.split())
    assert isinstance(refused.exception, SystemExit)
    assert not (tmp_path / "run" / "ledger.sqlite").exists()


def _rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    text = page.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def _named_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_what_the_page_says_to_open_is_there() -> None:
    for part, opened, model, *_ in _rows(PAGE, "What to open"):
        for name in _named_in(opened) + _named_in(model):
            if not re.search(r"\.py$|\.yaml$|/$", name):
                continue
            there = ROOT / name if name.startswith(("prompts/", "benchmarks/")) else None
            assert (there or ROOT / "llmal" / name).exists(), (part, name)


def test_every_group_of_entry_points_is_on_the_page() -> None:
    """A registry is of no use to those who do not know of its group."""
    sources = [one.read_text(encoding="utf-8") for one in (ROOT / "llmal").rglob("*.py")]
    rooms = {room for text in sources for room in re.findall(r'Registry\(\s*"(\w+)"', text)}
    rooms -= {"lm"}  # YAML has a section of its own for it, and takes no others
    told = {name for row in _rows(PAGE, "What to open") for name in _named_in(row[3])}
    assert {f"llmal.{room}" for room in rooms} == told


def test_every_room_is_in_the_table_of_rooms() -> None:
    told = {
        name.rstrip("/")
        for row in _rows(PAGE.parent / "architecture.md", "Rooms")
        for name in _named_in(row[0])
    }
    rooms = {
        one.name
        for one in (ROOT / "llmal").iterdir()
        if (one.is_dir() and (one / "__init__.py").exists())
        or (one.suffix == ".py" and not one.name.startswith("__"))
    }
    assert rooms - {"icl"} <= told, "llmal.icl is deprecated, and warns"
    assert {name for name in told if name != "prompts"} <= rooms
