"""A user's mistakes, each told in one sentence: what, where, what to do. Nothing is lost."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llmal.cli.app import app
from llmal.ledger import Ledger

GOOD = [
    {"id": f"i{n}", "text": f"{text} {n}", "label": label}
    for n, (text, label) in enumerate(
        [("a cat in the barn", "animal"), ("soup with bread for lunch", "food")] * 40
    )
]


def _write(folder: Path, *, rows: list[dict] | None = None, **changes: str) -> Path:
    """A configuration that works, with lines of it replaced."""
    lines = {
        "task": "task: {name: farm, labels: [animal, food]}",
        "data": "data: {pool: pool.jsonl, gold: label}",
        "annotator": "annotator: [{name: human, via: gold}]",
        "start": "start: {selector: random, items: 10}",
        "selector": "selector: {name: random}",
        "budget": "budget: {human_labels: 20, batch: 10}",
        "directory": "directory: run",
        **changes,
    }
    if not (folder / "pool.jsonl").exists():
        content = [json.dumps(row) for row in (GOOD if rows is None else rows)]
        (folder / "pool.jsonl").write_text("".join(f"{line}\n" for line in content))
    config = folder / "farm.yaml"
    config.write_text("\n".join(lines.values()) + "\n")
    return config


def _error(config: Path) -> str:
    """What `llmal run` says on stderr; one sentence, and no traceback."""
    result = CliRunner().invoke(app, ["run", str(config), "--quiet"])
    assert result.exit_code == 1, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    return errors[0]


def _lines() -> list[str]:
    return [json.dumps(row) for row in GOOD]


def test_the_configuration_works(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", str(_write(tmp_path)), "--quiet"])
    assert result.exit_code == 0, result.output


def test_empty_file(tmp_path: Path) -> None:
    error = _error(_write(tmp_path, rows=[]))
    assert "pool.jsonl" in error
    assert "empty" in error


def test_missing_text_column(tmp_path: Path) -> None:
    error = _error(_write(tmp_path, rows=[{"txt": "a", "label": "food"}]))
    assert "'text'" in error
    assert "txt" in error


def test_broken_json_in_line_57(tmp_path: Path) -> None:
    lines = _lines()
    lines[56] = lines[56][:-5]
    (tmp_path / "pool.jsonl").write_text("\n".join(lines))
    assert "pool.jsonl, line 57" in _error(_write(tmp_path))


def test_invalid_utf8(tmp_path: Path) -> None:
    lines = [line.encode() for line in _lines()]
    lines[3] = lines[3].replace(b"soup", b"so\xffup")
    (tmp_path / "pool.jsonl").write_bytes(b"\n".join(lines))
    error = _error(_write(tmp_path))
    assert "line 4" in error
    assert "UTF-8" in error


def test_duplicate_ids(tmp_path: Path) -> None:
    rows = [dict(row) for row in GOOD]
    rows[9]["id"] = "i2"
    error = _error(_write(tmp_path, rows=rows))
    assert "'i2'" in error
    assert "3" in error
    assert "10" in error


def test_gold_label_that_the_task_lacks(tmp_path: Path) -> None:
    rows = [dict(row) for row in GOOD]
    rows[6]["label"] = "tool"
    error = _error(_write(tmp_path, rows=rows))
    assert "line 7" in error
    assert "'tool'" in error


def test_two_labels_with_one_name(tmp_path: Path) -> None:
    error = _error(_write(tmp_path, task="task: {name: farm, labels: [animal, food, animal]}"))
    assert "farm.yaml, line 1" in error
    assert "'animal'" in error


def test_unknown_key(tmp_path: Path) -> None:
    error = _error(_write(tmp_path, selector="selektor: {name: random}"))
    assert "farm.yaml, line 5" in error
    assert "'selektor'" in error
    assert "did you mean 'selector'" in error


def test_unknown_selector(tmp_path: Path) -> None:
    error = _error(_write(tmp_path, selector="selector: {name: margn}"))
    assert "farm.yaml, line 5, selector.name" in error
    assert "did you mean 'margin'" in error


@pytest.mark.parametrize("backend", ["vllm", "transformers"])
def test_model_path_that_is_not_there(tmp_path: Path, backend: str) -> None:
    config = _write(
        tmp_path,
        annotator="annotator: [{name: llm}]",
        lm=f"lm: {{backend: {backend}, model: ./no-such-model}}",
    )
    error = _error(config)
    assert "no-such-model" in error


def test_url_that_nobody_answers(tmp_path: Path) -> None:
    config = _write(
        tmp_path,
        annotator="annotator: [{name: llm}]",
        lm='lm: {url: "http://127.0.0.1:9/v1"}',
    )
    error = _error(config)
    assert "no model server answers at http://127.0.0.1:9/v1" in error


def test_run_directory_of_another_task(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["run", str(_write(tmp_path)), "--quiet"]).exit_code == 0
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        before = list(ledger.annotations())
    error = _error(_write(tmp_path, task="task: {name: other, labels: [animal, food]}"))
    assert error.endswith("run: the task has changed")
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        assert list(ledger.annotations()) == before


def test_budget_smaller_than_a_batch(tmp_path: Path) -> None:
    error = _error(
        _write(
            tmp_path,
            start="start: {selector: random, items: 5}",
            budget="budget: {human_labels: 5, batch: 10}",
        )
    )
    assert "farm.yaml, line 6, budget.human_labels" in error
    assert "smaller than budget.batch" in error


def test_text_longer_than_the_context(tmp_path: Path, tiny_lm_path: Path) -> None:
    rows = [dict(row) for row in GOOD[:12]]
    rows[0]["text"] = "a very long tale of a cat " * 2000
    config = _write(
        tmp_path,
        rows=rows,
        annotator="annotator: [{name: llm}]",
        objective="objective: labels",
        lm=f"lm: {{backend: transformers, model: {tiny_lm_path}, prompt_style: completion}}",
        budget="budget: {batch: 5}",
    )
    result = CliRunner().invoke(app, ["run", str(config), "--quiet"])
    assert result.exit_code == 0, result.output
    assert "texts are cut to the model's context" in result.stderr
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        flagged = {one.item_id for one in ledger.annotations() if one.flags}
    assert flagged == {"i0"}


def test_truncated_gzip(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join(_lines()).encode())
    (tmp_path / "pool.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    error = _error(_write(tmp_path, data="data: {pool: pool.jsonl.gz, gold: label}"))
    assert "pool.jsonl.gz" in error


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounting a small disk needs root"
)
def test_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        config = _write(
            tmp_path,
            directory="directory: disk/run",
            start="start: {selector: random, items: 1}",
            budget="budget: {batch: 1}",
        )
        error = _error(config)
        assert "disk" in error
        assert "free" in error
        with Ledger.open(disk / "run" / "ledger.sqlite") as ledger:
            kept = [one.item_id for one in ledger.annotations()]
        assert kept
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        result = CliRunner().invoke(app, ["run", str(config), "--quiet"])
        assert result.exit_code == 0, result.output
        with Ledger.open(disk / "run" / "ledger.sqlite") as ledger:
            after = [one.item_id for one in ledger.annotations()]
        assert after[: len(kept)] == kept
        assert len(after) == len(set(after)) == len(GOOD)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
        shutil.rmtree(disk, ignore_errors=True)
