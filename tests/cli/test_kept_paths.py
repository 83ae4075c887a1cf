"""Paths in a run directory: relative where they can be, and found again after a move."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from llmal.config.kept_paths import with_found_paths, with_relative_paths


def _project(folder: Path) -> dict[str, Any]:
    for name in ("pool.csv", "prompts/mine.yaml", "models/small/config.json", "runs/x/own.sqlite"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return {
        "task": {"guidelines": "/see/the/book", "labels": ["../a", "b"]},
        "data": {
            "pool": str(folder / "pool.csv"),
            "test": {"hub": str(folder / "models"), "split": "test"},
        },
        "lm": {"model": str(folder / "models" / "small"), "url": ["http://localhost/v1"]},
        "embedder": {"model": "all-MiniLM-L6-v2"},
        "learner": {"name": "linear"},
        "generator": {
            "name": "back_translation",
            "forward": str(folder / "models" / "small"),
            "backward": "opus/de-en",
        },
        "annotator": [
            {"name": "llm", "prompt": str(folder / "prompts" / "mine.yaml")},
            {"name": "llm", "prompt": "label"},
        ],
        "ledger": f"sqlite:///{folder / 'runs' / 'x' / 'own.sqlite'}",
        "directory": str(folder / "runs" / "x"),
    }


def test_files_models_and_prompts_become_relative_and_names_stay(tmp_path: Path):
    content = _project(tmp_path / "project")
    directory = tmp_path / "project" / "runs" / "x"
    kept = with_relative_paths(copy.deepcopy(content), directory)
    assert kept["data"] == {
        "pool": "../../pool.csv",
        "test": {"hub": "../../models", "split": "test"},
    }
    assert kept["lm"]["model"] == "../../models/small"
    assert [one["prompt"] for one in kept["annotator"]] == ["../../prompts/mine.yaml", "label"]
    assert kept["generator"]["forward"] == "../../models/small"
    assert kept["generator"]["backward"] == "opus/de-en"
    assert kept["ledger"] == "sqlite:///own.sqlite"
    assert kept["directory"] == "."
    for name in ("task", "embedder", "learner"):
        assert kept[name] == content[name]
    assert with_found_paths(kept, directory) == content


def test_what_was_moved_along_is_found_and_what_was_not_is_where_it_was(tmp_path: Path):
    content = _project(tmp_path / "project")
    kept = with_relative_paths(copy.deepcopy(content), tmp_path / "project" / "runs" / "x")
    (tmp_path / "new" / "runs").mkdir(parents=True)
    for name in ("pool.csv", "runs/x"):
        (tmp_path / "project" / name).rename(tmp_path / "new" / name)
    was = tmp_path / "project" / "runs" / "x"
    found = with_found_paths(kept, tmp_path / "new" / "runs" / "x", was)
    assert found["directory"] == str(tmp_path / "new" / "runs" / "x")
    assert found["data"]["pool"] == str(tmp_path / "new" / "pool.csv")
    assert found["ledger"] == f"sqlite:///{tmp_path / 'new' / 'runs' / 'x' / 'own.sqlite'}"
    assert found["lm"]["model"] == content["lm"]["model"]
    assert found["annotator"] == content["annotator"]


def test_a_database_and_a_hub_stay_as_they_are(tmp_path: Path):
    content = {"ledger": "postgresql+psycopg://u@host/db", "data": {"pool": "hub:ag_news"}}
    kept = with_relative_paths(copy.deepcopy(content), tmp_path)
    assert kept == {**content, "directory": "."}
    assert with_found_paths(kept, tmp_path) == {**content, "directory": str(tmp_path)}


def test_a_run_goes_on_after_a_move_and_says_nothing_of_it(
    project: Any, llmal: Any, tmp_path: Path
):
    project(
        embedder=None,
        start={"items": 6, "selector": "random"},
        selector={"name": "random"},
        budget={"human_labels": 12, "batch": 6},
    )
    (tmp_path / "first").mkdir()
    for name in ("pool.csv", "test.csv", "topics.yaml"):
        (tmp_path / name).rename(tmp_path / "first" / name)
    assert llmal("run", tmp_path / "first" / "topics.yaml").exit_code == 0
    moved = (tmp_path / "first").rename(tmp_path / "second") / "topics.yaml"
    more = moved.read_text(encoding="utf-8").replace("human_labels: 12", "human_labels: 18")
    moved.write_text(more, encoding="utf-8")
    result = llmal("run", moved)
    assert result.exit_code == 0, result.stderr
    assert "warning" not in result.stderr
    assert "18 items are labelled" in result.stdout
    # By its own configuration it goes on too, and nothing is begun where it was.
    again = llmal("run", tmp_path / "second" / "run" / "config.yaml")
    assert "18 items are labelled" in again.stdout
    assert not (tmp_path / "first").exists()
