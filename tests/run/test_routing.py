"""Campaigns in which a routing policy says who is asked, killed and gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from promised import SMALL
from routed import (
    MACHINES,
    all_said,
    answers_to,
    campaign_of,
    finish,
    finish_with_kills,
    pilot_of,
    truth_of,
)
from told_answers import content_of, pool_of

from llmal import Annotation, Budget, WorkOrder
from llmal.annotators.policies import (
    Ask,
    Band,
    Cascade,
    InTurn,
    Machine,
    People,
    RoutingPolicy,
    Stands,
    ThreeWay,
)
from llmal.guarantee import Guarantee
from llmal.guarantee.seeding import UniformSeed
from llmal.ledger import Ledger

ITEMS = [f"i{n:04d}" for n in range(120)]
BAND = Band(low=0.5, high=0.85)


def _expected(
    policy: RoutingPolicy, item_id: str, names: Sequence[str] = MACHINES
) -> tuple[set[str], str | None]:
    """Who is asked about an item, and the label that stands; None where people are asked."""
    machines = [Machine(one, lambda answer: (answer.confidence or 0.0) >= 0.9) for one in names]
    said: dict[int, Annotation] = {}
    while True:
        [route] = policy.route([said], machines)
        match route:
            case Ask(place):
                said[place] = all_said(item_id, names)[place]
            case Stands(place):
                label = said[place].label
                assert isinstance(label, str)
                return {names[n] for n in said}, label
            case People():
                return {names[n] for n in said}, None


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


def _fits(directory: Path) -> list[Any]:
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        return [one.data["fit"] for one in ledger.events() if one.kind == "routing"]


def _started(orders: Sequence[WorkOrder]) -> list[str]:
    return [i for one in orders if one.phase in ("start", "seed") for i in one.items.ids()]


FITTED: dict[str, tuple[Cascade | ThreeWay, tuple[str, ...]]] = {
    "cascade": (Cascade(max_error=0.2, alpha=0.3), MACHINES),
    "three_way": (ThreeWay(max_error=0.2, alpha=0.3), ("small", "large")),
}
START = {"start_items": 100, "budget": Budget(batch=100)}


@pytest.mark.parametrize(("policy", "machines"), FITTED.values(), ids=FITTED)
def test_a_policy_is_fitted_to_what_people_labelled_first_and_routes_by_that(
    policy: Cascade | ThreeWay, machines: tuple[str, ...], tmp_path: Path
) -> None:
    pool = pool_of(240, tmp_path)
    with campaign_of(pool, tmp_path / "run", policy, machines, **START) as campaign:
        orders = finish(campaign, until="review")
        pilot = _started(orders)
        fit = policy.fit(pilot_of(pilot, machines), campaign.router.machines)
        assert _fits(tmp_path / "run") == [fit]
        assert fit != policy.fit([], campaign.router.machines), "something can be shown"
        fitted = policy.fitted(fit)
        asked = {
            stage: {i for one in orders if one.stage == stage for i in one.items.ids()}
            for stage in machines
        }
        labels = campaign.labels
        for i in pilot:
            assert all(i in asked[stage] for stage in machines)
            assert labels[i].label == truth_of(i)
        for i in set(pool.ids()) - set(pilot):
            wanted, label = _expected(fitted, i, machines)
            assert {stage for stage in machines if i in asked[stage]} == wanted
            assert (labels[i].label if i in labels else None) == label
        finish(campaign)
        assert len(campaign.labels) == 240
    wanted_content = content_of(tmp_path / "run" / "ledger.sqlite")
    killed = tmp_path / "killed"
    assert finish_with_kills(pool, killed, policy, 1, machines=machines, **START) == 0
    assert _fits(killed) == [fit]
    assert content_of(killed / "ledger.sqlite") == wanted_content


@pytest.mark.parametrize(("policy", "machines"), FITTED.values(), ids=FITTED)
def test_behind_a_promise_a_policy_is_fitted_to_the_seed(
    policy: Cascade | ThreeWay, machines: tuple[str, ...], tmp_path: Path
) -> None:
    pool = pool_of(240, tmp_path)
    parts = {**SMALL, "seed": UniformSeed(least=100, share=0.0)}
    with campaign_of(
        pool,
        tmp_path / "run",
        policy,
        machines,
        guarantee=Guarantee(max_error=0.1, parts=parts),
    ) as campaign:
        orders = finish(campaign)
        fit = policy.fit(pilot_of(_started(orders), machines), campaign.router.machines)
        assert _fits(tmp_path / "run") == [fit]
        assert campaign.certificate is not None
        assert {*campaign.labels, *campaign.audited} == {*pool.ids()}


def test_too_few_labels_of_people_fit_nothing_and_people_review_all(tmp_path: Path) -> None:
    with campaign_of(pool_of(60, tmp_path), tmp_path / "run", Cascade(), start_items=20) as one:
        finish(one)
        assert _fits(tmp_path / "run") == [{"thresholds": [None, None, None]}]
        assert {label.kind for label in one.labels.values()} == {"human"}


def test_what_is_asked_of_machines_is_never_more_than_the_pool(tmp_path: Path) -> None:
    """Plans count each machine for every item once, those among them that a policy is fitted to."""
    pool = pool_of(120, tmp_path)
    with campaign_of(
        pool, tmp_path / "run", Cascade(max_error=0.2, alpha=0.3), start_items=60
    ) as campaign:
        orders = finish(campaign)
    for stage in MACHINES:
        asked = [i for one in orders if one.stage == stage for i in one.items.ids()]
        assert len(asked) == len(set(asked)) <= 120


def test_an_order_says_how_much_of_its_stage_is_answered(tmp_path: Path) -> None:
    with campaign_of(pool_of(60, tmp_path), tmp_path / "run", BAND) as campaign:
        finish(campaign, until="sweep")
        order = campaign.ask()
        assert order is not None
        assert (order.stage, order.answered, len(order.items)) == ("small", 0, 20)
        campaign.tell(answers_to(order)[:5])
        again = campaign.ask()
        assert again is not None
        assert (again.stage, again.answered, len(again.items)) == ("small", 5, 15)


def test_stages_can_be_worked_at_side_by_side(tmp_path: Path) -> None:
    """Whoever asks for a later machine gets what the first has left to it, and no more."""
    with campaign_of(pool_of(60, tmp_path), tmp_path / "run", BAND) as campaign:
        finish(campaign, until="sweep")
        order = campaign.ask("small")
        assert order is not None
        assert campaign.ask("middle") is None
        part = answers_to(order)[:10]
        campaign.tell(part)
        wanted = {one.item_id for one in part if "middle" in _expected(BAND, one.item_id)[0]}
        later = campaign.ask("middle")
        assert {*(later.items.ids() if later is not None else ())} == wanted
        assert wanted
