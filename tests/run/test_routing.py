"""Campaigns in which a routing policy says who is asked, killed and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from promised import SMALL
from routed import MACHINES, all_said, campaign_of, finish, finish_with_kills, truth_of
from told_answers import content_of, pool_of

from llmal import Annotation, Budget
from llmal.annotators.policies import (
    Ask,
    Band,
    InTurn,
    Machine,
    People,
    RoutingPolicy,
    Stands,
)
from llmal.guarantee import Guarantee
from llmal.ledger import Ledger

ITEMS = [f"i{n:04d}" for n in range(120)]
BAND = Band(low=0.5, high=0.85)


def _expected(policy: RoutingPolicy, item_id: str) -> tuple[set[str], str | None]:
    """Who is asked about an item, and the label that stands; None where people are asked."""
    machines = [Machine(one, lambda answer: (answer.confidence or 0.0) >= 0.9) for one in MACHINES]
    said: dict[int, Annotation] = {}
    while True:
        [route] = policy.route([said], machines)
        match route:
            case Ask(place):
                said[place] = all_said(item_id)[place]
            case Stands(place):
                label = said[place].label
                assert isinstance(label, str)
                return {MACHINES[n] for n in said}, label
            case People():
                return {MACHINES[n] for n in said}, None


@pytest.mark.parametrize("policy", [BAND, InTurn()], ids=["band", "threshold"])
def test_a_sweep_asks_as_the_policy_says_and_people_the_rest(
    policy: RoutingPolicy, tmp_path: Path
) -> None:
    with campaign_of(pool_of(120, tmp_path), tmp_path / "run", policy) as campaign:
        orders = finish(campaign)
        labels = campaign.labels
    by_people = {i for one in orders if one.phase == "start" for i in one.items.ids()}
    asked: dict[str, set[str]] = {}
    for order in orders:
        for i in order.items.ids():
            if order.phase == "sweep":
                assert order.stage not in asked.get(i, set())
                asked.setdefault(i, set()).add(order.stage)
    reviewed = {i for one in orders if one.phase == "review" for i in one.items.ids()}
    kinds = set()
    for i in ITEMS:
        if i in by_people:
            continue
        machines, label = _expected(policy, i)
        assert asked[i] == machines
        assert (i in reviewed) == (label is None)
        assert labels[i].label == (truth_of(i) if label is None else label)
        kinds.add((len(machines), label is None))
    assert len(kinds) >= 4, "the pool has items that go different ways"


def test_without_a_policy_a_named_threshold_changes_nothing(tmp_path: Path) -> None:
    found = []
    for name, policy in (("with", InTurn()), ("without", None)):
        with campaign_of(pool_of(120, tmp_path), tmp_path / name, policy) as campaign:
            orders = finish(campaign)
            labels = {i: (one.label, one.annotator) for i, one in campaign.labels.items()}
        found.append((labels, [(one.phase, one.stage, one.items.ids()) for one in orders]))
    assert found[0] == found[1]


OPTIONS: dict[str, dict[str, Any]] = {
    "off": {},
    "certify": {"guarantee": Guarantee(max_error=0.2, parts=SMALL), "budget": Budget(batch=5)},
    "model": {"objective": "model", "budget": Budget(batch=30, rounds=2)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_killed_and_told_in_disorder_it_comes_to_the_same(
    options: dict[str, Any], tmp_path: Path
) -> None:
    pool = pool_of(120, tmp_path)
    with campaign_of(pool, tmp_path / "at-once", BAND, **options) as campaign:
        finish(campaign)
    wanted = content_of(tmp_path / "at-once" / "ledger.sqlite")
    for seed in range(1 if options else 2):
        directory = tmp_path / f"killed-{seed}"
        assert finish_with_kills(pool, directory, BAND, seed, **options) == 0
        assert content_of(directory / "ledger.sqlite") == wanted


def test_under_a_promise_the_policy_says_who_is_asked_and_the_audit_what_stays(
    tmp_path: Path,
) -> None:
    with campaign_of(
        pool_of(120, tmp_path), tmp_path / "run", BAND, **OPTIONS["certify"]
    ) as campaign:
        orders = finish(campaign, until="looks")
        swept = {
            stage: {i for one in orders if one.stage == stage for i in one.items.ids()}
            for stage in MACHINES
        }
        assert len(swept["large"]) < len(swept["middle"]) < len(swept["small"])
        by_people = {i for one in orders if one.phase == "seed" for i in one.items.ids()}
        for i in set(ITEMS) - by_people:
            assert {stage for stage in MACHINES if i in swept[stage]} == _expected(BAND, i)[0]
        with Ledger.open(tmp_path / "run" / "ledger.sqlite") as ledger:
            standing = ledger.labels()
        silent = {i for i in ITEMS if all_said(i)[0].label is None}
        assert set(ITEMS) - silent <= standing.keys(), "nothing is left without a label"
        finish(campaign)
        certificate = campaign.certificate
        assert certificate is not None
        delivered = {**campaign.labels, **campaign.audited}
    assert set(delivered) == set(ITEMS)
    if certificate.holds:
        assert sum(one.label != truth_of(i) for i, one in delivered.items()) <= 24


def test_a_batch_of_a_model_goes_through_the_policy_to_people(tmp_path: Path) -> None:
    with campaign_of(pool_of(60, tmp_path), tmp_path / "run", BAND, **OPTIONS["model"]) as campaign:
        orders = finish(campaign)
        labels = campaign.labels
    picked = {i for one in orders for i in one.items.ids()}
    assert len(picked) == 60
    to_people = {i for one in orders if one.stage == "human" for i in one.items.ids()}
    for i in picked:
        label = _expected(BAND, i)[1]
        assert (i in to_people) == (label is None)
        assert labels[i].label == (label or truth_of(i))
