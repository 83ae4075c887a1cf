"""Answers told out of order, twice, in part and by two processes at once: the same ledger."""

from __future__ import annotations

import io
import multiprocessing
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from places import KINDS, ledger_place
from promised import SMALL
from told_answers import campaign_of, content_of, finish, pool_of, tell_in_disorder

from llmal import Budget
from llmal.guarantee import Guarantee
from llmal.ledger import Ledger

REPOSITORY = Path(__file__).resolve().parents[2]

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "model": {"budget": Budget(batch=6, rounds=110)},
    "labels": {"objective": "labels", "budget": Budget(batch=4, human_labels=150)},
    "a promise": {"objective": "labels", "guarantee": Guarantee(parts=SMALL)},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("objective", CONFIGURATIONS)
def test_two_processes_that_tell_in_disorder_end_with_the_same_ledger(
    tmp_path: Path, objective: str, kind: str
) -> None:
    items, options = 700, CONFIGURATIONS[objective]
    pool = pool_of(items, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "whole", **options) as whole:
        orders = finish(whole)
        reason = whole.reason
    if objective == "model":
        assert len(orders) >= 200
    context = multiprocessing.get_context("spawn")
    directory = tmp_path / "told"
    directory.mkdir()
    with ledger_place(kind, directory) as place:
        workers = [
            context.Process(
                target=tell_in_disorder,
                args=(items, tmp_path / "cache", directory, place, seed, options),
            )
            for seed in (1, 2)
        ]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        assert [one.exitcode for one in workers] == [0, 0]
        assert content_of(place) == content_of(tmp_path / "whole" / "ledger.sqlite")
        with campaign_of(pool, directory, ledger=place, **options) as told:
            assert told.ask() is None
            assert told.reason == reason


def test_the_example_labels_in_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = str(REPOSITORY / "examples" / "ask_and_tell.py")
    words = ["--labels", "5", "--directory", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", [program, *words])

    def run(typed: str) -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        runpy.run_path(program, run_name="__main__")
        return capsys.readouterr().out

    first = run("roads\nwa\nwaste\n\n")
    assert "'wa' is not one of them" in first
    assert "2 texts have a label" in first
    second = run("?\nNoise\nparks\n")
    assert "the budget of 5 human labels is spent" in second
    assert "4 texts have a label" in second
    with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
        told = [(one.annotator, one.stage, one.label) for one in ledger.annotations()]
    assert told == [("me", "human", label) for label in ("Roads", "Waste", None, "Noise", "Parks")]
