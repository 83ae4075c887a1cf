"""The demo, as `make demo` calls it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import llmal

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture
def demo(tmp_path):
    """Runs the demo in a copy of the examples; gives stdout and stderr."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")

    def run(*options: object, **environment: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "examples/demo.py", *map(str, options)],
            cwd=tmp_path,
            env={**os.environ, "LLMAL_CACHE": str(tmp_path / "cache"), **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, done.stderr

    return run


def _headings(stdout: str) -> list[str]:
    return [line.split(":")[0] for line in stdout.strip().splitlines()]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_is_a_configuration(path):
    assert llmal.load_config(path).data.gold == "label"


@pytest.mark.slow
def test_the_demo_with_a_model_of_ones_own(demo, tiny_lm_path, tmp_path):
    stdout, _ = demo("--lm", tiny_lm_path, "--backend", "transformers")
    assert _headings(stdout) == ["Done", "Cost", "Quality", "Look at", "Next"]
    assert "by llm" in stdout
    assert "synthetic ones kept" in stdout
    assert (tmp_path / "runs" / "town-desk-lm" / "report.html").is_file()


@pytest.mark.slow
def test_the_demo_goes_on_by_similarity_where_there_is_no_model(demo, tmp_path):
    stdout, stderr = demo(PIP_NO_INDEX="1", PIP_FIND_LINKS="", HF_HUB_OFFLINE="1")
    assert "no language model: the model 'smollm2-135m-instruct' is not on this machine" in stderr
    assert _headings(stdout) == ["Done", "Cost", "Quality", "Look at", "Next"]
    assert "by similarity" in stdout
    assert (tmp_path / "runs" / "town-desk-similarity" / "report.html").is_file()
