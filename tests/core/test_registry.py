"""Names in the configuration: ours, those of plug-ins, and those that nobody has."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from llmal.annotators import REGISTRY
from llmal.annotators.recorded import Recorded
from llmal.core.registry import Registry
from llmal.errors import ConfigError


def _plug_in(folder: Path, entries: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package as pip would install it, with entry points of its own."""
    (folder / "birds.py").write_text("class Owl:\n    pass\n", encoding="utf-8")
    described = folder / "birds-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: birds\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[llmal.annotators]\n{entries}\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "birds", raising=False)


def test_a_name_gives_its_class():
    assert REGISTRY.get("recorded") is Recorded


def test_names_are_sorted():
    assert Registry("nowhere", {"b": "x:Y", "a": "x:Z"}).names() == ["a", "b"]


def test_an_unknown_name_is_answered_with_a_near_one():
    with pytest.raises(ConfigError) as caught:
        REGISTRY.get("recoded")
    assert str(caught.value) == (
        "there is no 'recoded' among the annotators; did you mean 'recorded'?"
    )


def test_an_unknown_name_far_from_all_is_answered_with_all():
    with pytest.raises(ConfigError) as caught:
        Registry("owls", {"snowy": "x:Y", "barn": "x:Z"}).get("quux")
    assert str(caught.value) == "there is no 'quux' among the owls; known are barn, snowy"


def test_a_plug_in_adds_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert "owl" not in REGISTRY.names()
    _plug_in(tmp_path, "owl = birds:Owl", monkeypatch)
    assert "owl" in REGISTRY.names()
    assert REGISTRY.get("owl").__name__ == "Owl"


def test_a_plug_in_that_comes_and_goes_while_we_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "owl" not in REGISTRY.names()
    _plug_in(tmp_path, "owl = birds:Owl", monkeypatch)
    assert "owl" in REGISTRY.names()
    shutil.rmtree(tmp_path / "birds-1.0.dist-info")
    assert "owl" not in REGISTRY.names()


def test_a_plug_in_cannot_take_the_place_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _plug_in(tmp_path, "recorded = birds:Owl", monkeypatch)
    assert REGISTRY.get("recorded") is Recorded


@pytest.mark.parametrize("target", ["birds:Eagle", "reptiles:Newt"])
def test_a_plug_in_that_cannot_be_loaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
):
    _plug_in(tmp_path, f"owl = {target}", monkeypatch)
    with pytest.raises(ConfigError, match=f"the plug-in '{target}', which is 'owl' among the anno"):
        REGISTRY.get("owl")
