"""A small labelling job of its own for the tests of the command line."""

from __future__ import annotations

import csv
import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

SENTENCES = {
    "sport": [
        "The home team won the match in extra time",
        "A young striker scored two goals in the derby",
        "The tennis champion lost the final in straight sets",
        "Fans cheered as the runner broke the national record",
    ],
    "food": [
        "The soup needs a little more salt and pepper",
        "Bake the bread for forty minutes in a hot oven",
        "This small restaurant serves very good pasta",
        "A ripe tomato makes a much better salad",
    ],
    "weather": [
        "Heavy rain is expected along the coast tonight",
        "The storm left a thick layer of snow on the hills",
        "It stays sunny and warm until the weekend",
        "Strong wind has closed the bridge to lorries",
    ],
}


def rows(count: int, prefix: str) -> list[dict[str, str]]:
    labels = list(SENTENCES)
    made = []
    for number in range(count):
        label = labels[number % 3]
        text = f"{SENTENCES[label][number // 3 % 4]} (note {prefix}{number})"
        made.append({"id": f"{prefix}{number}", "text": text, "label": label})
    return made


def write_csv(path: Path, content: Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(content[0]))
        writer.writeheader()
        writer.writerows(content)


def _config(**sections: Any) -> dict[str, Any]:
    return {
        "task": {
            "name": "topics",
            "labels": {"sport": "games and teams", "food": "cooking", "weather": "rain and sun"},
            "guidelines": "What is the note about?",
        },
        "data": {"pool": "pool.csv", "test": "test.csv", "gold": "label"},
        "annotator": [{"name": "human", "via": "gold"}],
        "start": {"items": 6},
        "budget": {"human_labels": 18, "batch": 6},
        "directory": "run",
        **sections,
    }


def _write_project(folder: Path, **sections: Any) -> Path:
    write_csv(folder / "pool.csv", rows(90, "p"))
    # The same words in another order: the test set holds no sentence of the pool.
    test = [{**row, "text": " ".join(row["text"].split()[::-1])} for row in rows(30, "t")]
    write_csv(folder / "test.csv", test)
    path = folder / "topics.yaml"
    path.write_text(yaml.safe_dump(_config(**sections), sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Writes pool, test set and configuration; sections given replace those that there are."""
    return lambda **sections: _write_project(tmp_path, **sections)


@pytest.fixture(scope="session")
def _finished_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes each run once, by the command; nobody may change it."""
    from llmal.cli.app import app

    @functools.cache
    def made(sections: str) -> Path:
        folder = tmp_path_factory.mktemp("finished")
        result = CliRunner().invoke(
            app, ["run", str(_write_project(folder, **json.loads(sections)))]
        )
        assert result.exit_code == 0, result.stderr
        return folder

    return lambda **sections: made(json.dumps(sections))


@pytest.fixture
def finished(_finished_runs: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Gives the configuration of a project that has been run, with a copy of all it has made."""

    def copy(**sections: Any) -> Path:
        shutil.copytree(_finished_runs(**sections), tmp_path, dirs_exist_ok=True)
        return tmp_path / "topics.yaml"

    return copy


@pytest.fixture
def llmal() -> Callable[..., Any]:
    """Calls the command in this process; gives exit_code, stdout and stderr."""
    from llmal.cli.app import app

    return lambda *words: CliRunner().invoke(app, [str(one) for one in words])


@pytest.fixture
def process() -> Callable[..., subprocess.Popen[str]]:
    """Starts the command in a process of its own."""

    def start(*words: object, stdout: Any = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", "from llmal.cli import main; main()", *map(str, words)],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    return start


@pytest.fixture
def json_of() -> Callable[[Any], Any]:
    """The one JSON object that is all of a result's stdout."""

    def read(result: Any) -> Any:
        assert result.stdout.count("\n") == 1, result.stdout
        return json.loads(result.stdout)

    return read
