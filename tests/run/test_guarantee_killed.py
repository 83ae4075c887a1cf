"""A campaign with a promise that is killed again and again ends as one that was left alone."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import sqlalchemy as sa
from places import KINDS, ledger_place
from promised import SMALL, PartlyLearnt, all_of, campaign_of, finish
from told_answers import pool_of

from llmal import Pool
from llmal.guarantee import Guarantee

_GUARANTEE = Guarantee(0.15, parts={**SMALL, "score": PartlyLearnt()})


def _lived_through(pool: Pool, directory: Path, place: str, statement: int) -> bool:
    """Go on in a process of its own that ends at one of its statements; whether it came further."""
    child = os.fork()
    if not child:
        count, done = 0, False

        def end(*_: object) -> None:
            nonlocal count
            count += 1
            if count == statement:
                os.kill(os.getpid(), 9)

        sa.event.listen(sa.Engine, "before_cursor_execute", end)
        sa.event.listen(sa.Engine, "commit", end)
        try:
            with campaign_of(pool, directory, ledger=place, guarantee=_GUARANTEE) as campaign:
                finish(campaign)
            done = True
        finally:
            os._exit(0 if done else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -9)
    return code == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_statement_the_end_is_the_same(tmp_path: Path, kind: str, seed: int) -> None:
    pool = pool_of(80, tmp_path / "cache")
    rng = random.Random(seed)
    with campaign_of(pool, tmp_path / "whole", guarantee=_GUARANTEE) as campaign:
        finish(campaign)
    expected = all_of(tmp_path / "whole" / "ledger.sqlite")
    assert expected["certificates"]
    assert any("'learner'" in one for one in expected["annotations"])
    with ledger_place(kind, tmp_path) as place:
        kills = 0
        # To open the ledger and to begin a round takes up to 160 statements.
        while not _lived_through(pool, tmp_path / "killed", place, rng.randint(150, 220)):
            kills += 1
        assert kills > 1
        assert all_of(place) == expected


@pytest.mark.slow
def test_killed_once_at_whatever_statement_the_end_is_the_same(tmp_path: Path) -> None:
    pool = pool_of(60, tmp_path / "cache")
    with campaign_of(pool, tmp_path / "whole", guarantee=_GUARANTEE) as campaign:
        finish(campaign)
    expected = all_of(tmp_path / "whole" / "ledger.sqlite")
    statement = 20
    while True:
        run = tmp_path / f"killed-{statement}"
        place = str(run / "ledger.sqlite")
        if _lived_through(pool, run, place, statement):
            break
        assert _lived_through(pool, run, place, 10**9)
        assert all_of(place) == expected, statement
        statement += 7
    assert statement > 400
