"""Commands on a configuration that extends another one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml


def _extending(config: Path) -> None:
    """The same configuration in two files."""
    whole = yaml.safe_load(config.read_text("utf-8"))
    own = {key: whole.pop(key) for key in ("task", "data")}
    (config.parent / "below.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), "utf-8")
    config.write_text(yaml.safe_dump({"extends": "below.yaml", **own}, sort_keys=False), "utf-8")


def test_the_plan_is_that_of_the_whole(project, llmal, json_of):
    config = project(embedder=None, start={"items": 6, "selector": "random"}, selector="random")
    whole = json_of(llmal("plan", config, "--json"))
    _extending(config)
    assert json_of(llmal("plan", config, "--json")) == whole


@pytest.mark.slow
def test_a_run_goes_on_and_tells_what_has_changed_in_what_it_extends(finished, llmal, tmp_path):
    config = finished()
    kept = (tmp_path / "run" / "config.yaml").read_text("utf-8")
    _extending(config)
    again = llmal("run", config, "--quiet")
    assert again.exit_code == 0, again.stderr
    assert "has changed" not in again.stderr
    assert (tmp_path / "run" / "config.yaml").read_text("utf-8").splitlines()[1:] == (
        kept.splitlines()[1:]
    )
    with (tmp_path / "below.yaml").open("a") as file:
        file.write("committee: 7\n")
    again = llmal("run", config, "--quiet")
    assert "has changed since this run began: committee was 10, is 7" in again.stderr
