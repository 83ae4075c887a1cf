"""A campaign with a routing policy that is killed at its statements ends as one left alone."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from places import KINDS, ledger_place
from promised import SMALL
from routed import campaign_of, finish
from told_answers import content_of, pool_of

from llmal import Budget, Pool
from llmal.annotators.policies import Band, Cascade, RoutingPolicy
from llmal.guarantee import Guarantee
from llmal.ledger import Ledger

CAMPAIGNS: dict[str, tuple[RoutingPolicy, dict[str, Any]]] = {
    "cascade": (Cascade(max_error=0.2, alpha=0.3), {"start_items": 60, "budget": Budget(batch=60)}),
    "band, promise": (Band(), {"guarantee": Guarantee(max_error=0.2, parts=SMALL)}),
}


def _lived_through(
    pool: Pool, directory: Path, place: str, policy: RoutingPolicy, options: Any, statement: int
) -> bool:
    """Go on in a process of its own that ends at one of its statements; whether it came through."""
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
            with campaign_of(pool, directory, policy, ledger=place, **options) as campaign:
                finish(campaign)
            done = True
        finally:
            os._exit(0 if done else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -9)
    return code == 0


def _decided(place: str | Path) -> list[tuple[str, str, str, str]]:
    with Ledger.open(place) as ledger:
        decided = [(one.item_id, one.stage, one.rule, one.outcome) for one in ledger.decisions()]
    assert len(decided) == len(set(decided)), "nothing is decided twice"
    return sorted(decided)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("policy", "options"), CAMPAIGNS.values(), ids=CAMPAIGNS)
def test_killed_at_any_statement_items_go_the_same_way(
    policy: RoutingPolicy, options: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    pool = pool_of(120, tmp_path / "cache")
    rng = random.Random(7)
    with campaign_of(pool, tmp_path / "whole", policy, **options) as campaign:
        finish(campaign)
    whole = tmp_path / "whole" / "ledger.sqlite"
    assert any(rule == "routing" for _, _, rule, _ in _decided(whole))
    with ledger_place(kind, tmp_path) as place:
        kills = 0
        # To open the ledger and to begin a round takes up to 160 statements.
        while not _lived_through(
            pool, tmp_path / "killed", place, policy, options, rng.randint(150, 240)
        ):
            kills += 1
            assert kills < 100
        assert kills > 1
        assert content_of(place) == content_of(whole)
        assert _decided(place) == _decided(whole)
