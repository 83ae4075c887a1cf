"""Routing policies: who is asked, and whose answer stands, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from llmal.annotators import Context, Recorded, Router, SimulatedHuman, Stage, Threshold
from llmal.annotators.policies import (
    Answers,
    Ask,
    Band,
    Cascade,
    InTurn,
    LearnerOrMachine,
    Machine,
    People,
    PilotItem,
    Route,
    RoutingPolicy,
    Stands,
    ThreeWay,
    last_answer_stands,
)
from llmal.core.records import Annotation, Item, Usage
from llmal.errors import ConfigError
from llmal.statistics.fixed_sequence import loosest_threshold

LABELS = ["yes", "no"]
Said = Mapping[int, tuple[str | None, float | None]]


def _accepts(minimum: float) -> Callable[[Annotation], bool]:
    return Threshold(minimum).accepts


MACHINES = [Machine(name, _accepts(0.9)) for name in ("a", "b", "c")]


def _said(said: Said) -> Answers:
    return {
        place: Annotation(
            "i",
            label,
            MACHINES[place].name,
            "llm",
            probabilities=None
            if label is None or sure is None
            else {label: sure, {"yes": "no", "no": "yes"}[label]: 1 - sure},
        )
        for place, (label, sure) in said.items()
    }


def _route(policy: RoutingPolicy, said: Said, machines: Sequence[Machine] = MACHINES) -> Route:
    [route] = policy.route([_said(said)], machines)
    return route


@pytest.mark.parametrize(
    ("said", "route"),
    [
        ({}, Ask(0)),
        ({0: ("yes", 0.9)}, Stands(0)),
        ({0: ("yes", 0.89)}, Ask(1)),
        ({0: (None, None)}, Ask(1)),
        ({0: ("yes", 0.89), 1: ("no", 0.95)}, Stands(1)),
        ({0: ("yes", 0.5), 1: ("yes", 0.5), 2: ("yes", 0.5)}, People()),
    ],
)
def test_in_turn_until_one_is_sure(said: Said, route: Route) -> None:
    assert _route(InTurn(), said) == route


@pytest.mark.parametrize(
    ("said", "route"),
    [
        ({}, Ask(0)),
        ({0: ("yes", 0.9)}, Stands(0)),
        ({0: ("yes", 0.59)}, People()),
        ({0: ("yes", None)}, People()),
        ({0: ("yes", 0.6)}, Ask(1)),
        # However sure the second is: it is its vote that counts.
        ({0: ("yes", 0.6), 1: ("yes", 0.5)}, Stands(1)),
        ({0: ("yes", 0.6), 1: ("no", 0.99)}, Ask(2)),
        ({0: ("yes", 0.6), 1: ("no", 0.99), 2: ("no", 0.5)}, Stands(2)),
        ({0: ("yes", 0.6), 1: ("no", 0.99), 2: ("yes", 0.5)}, Stands(2)),
        ({0: ("yes", 0.6), 1: ("no", 0.99), 2: (None, None)}, People()),
        ({0: (None, None)}, Ask(1)),
        ({0: (None, None), 1: ("no", 0.8)}, Ask(2)),
        # One vote and nobody has another: two can agree no more.
        ({0: (None, None), 1: (None, None)}, People()),
        # Told before its turn.
        ({1: ("no", 0.99)}, Ask(0)),
    ],
)
def test_a_band_stands_votes_or_goes_to_people(said: Said, route: Route) -> None:
    assert _route(Band(low=0.6, high=0.9, agree=2), said) == route


def test_a_band_of_three_votes_stops_as_soon_as_three_cannot_agree() -> None:
    policy = Band(low=0.6, high=0.9, agree=3)
    assert _route(policy, {0: ("yes", 0.7), 1: ("no", 0.9)}) == People()
    assert _route(policy, {0: ("yes", 0.7), 1: ("yes", 0.9)}) == Ask(2)


def test_where_an_audit_decides_the_last_answer_stands() -> None:
    policy = last_answer_stands(Band(low=0.6, high=0.9))
    assert _route(policy, {0: ("yes", 0.3)}) == Stands(0)
    assert _route(policy, {0: ("yes", 0.7)}) == Ask(1)
    everybody: Said = {0: ("yes", 0.7), 1: ("no", 0.7), 2: (None, None)}
    assert _route(policy, everybody) == Stands(1)
    assert _route(policy, {0: (None, None), 1: (None, None), 2: (None, None)}) == People()


def _items(*answers: tuple[str | None, float, str, str]) -> list[Item]:
    """What three machines say of items whose gold is "no"; the first says how sure it is."""
    return [
        Item(f"i{n}", f"text {n}", gold="no", extra={"a": a, "sure": sure, "b": b, "c": c})
        for n, (a, sure, b, c) in enumerate(answers)
    ]


def _router(policy: RoutingPolicy | None, *, people: bool = True) -> Router:
    machines = [
        Recorded("a", labels=LABELS, confidence="sure", name="a"),
        Recorded("b", labels=LABELS, name="b"),
        Recorded("c", labels=LABELS, name="c"),
    ]
    return Router([*machines, *([SimulatedHuman(cost=0.5)] if people else [])], policy)


def _told(given: Sequence[Annotation]) -> list[tuple[str, str, str | None, str]]:
    return [(one.item_id, one.annotator, one.label, one.decision) for one in given]


def test_a_router_asks_as_the_band_says() -> None:
    items = _items(
        ("yes", 0.95, "no", "no"),
        ("yes", 0.3, "yes", "yes"),
        ("yes", 0.7, "yes", "no"),
        ("yes", 0.7, "no", "yes"),
        (None, 0.7, "yes", "no"),
    )
    assert _told(_router(Band()).annotate(items)) == [
        ("i0", "a", "yes", "accepted"),
        ("i1", "a", "yes", "deferred"),
        ("i2", "a", "yes", "deferred"),
        ("i3", "a", "yes", "deferred"),
        ("i4", "a", None, "deferred"),
        ("i2", "b", "yes", "accepted"),
        ("i3", "b", "no", "deferred"),
        ("i4", "b", "yes", "deferred"),
        ("i3", "c", "yes", "accepted"),
        ("i4", "c", "no", "deferred"),
        ("i1", "human", "no", "accepted"),
        ("i4", "human", "no", "accepted"),
    ]


def test_the_plan_of_a_router_with_a_policy_is_as_dear_as_can_be() -> None:
    items = _items(("yes", 0.95, "no", "no"), ("yes", 0.3, "yes", "yes"))
    plan = _router(Band()).plan(items, Context())
    assert plan.highest.human_labels == 2
    assert plan.highest.money == 1.0
    assert len(plan.execute()) == 3


def test_a_named_threshold_does_as_a_router_without_a_policy() -> None:
    items = _items(
        *[
            (a, sure, b, c)
            for a in ("yes", "no", None)
            for sure in (0.2, 0.89, 0.9, 1.0)
            for b in ("yes", "no")
            for c in ("yes", "no")
        ]
    )
    for people in (True, False):
        with_policy = _router(InTurn(), people=people).annotate(items)
        without = _router(None, people=people).annotate(items)
        assert _told(with_policy) == _told(without)


@pytest.mark.parametrize(
    ("stages", "policy", "message"),
    [
        (
            [SimulatedHuman(), Recorded("a", labels=LABELS)],
            InTurn(),
            "people come first",
        ),
        ([SimulatedHuman()], InTurn(), "all annotators are people"),
        (
            [
                Recorded("a", labels=LABELS, confidence="s", name="a"),
                Recorded("b", labels=LABELS, name="b"),
            ],
            Band(),
            "no annotator is one",
        ),
        (
            [Recorded("a", labels=LABELS, confidence="s"), SimulatedHuman()],
            Band(),
            "2 answers can not agree where 1 machines are asked",
        ),
        (
            [
                Recorded("a", labels=LABELS, name="a"),
                Recorded("b", labels=LABELS, name="b"),
                SimulatedHuman(),
            ],
            Band(),
            "'a' come without confidence",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    stages: Sequence[Stage], policy: RoutingPolicy, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Router(stages, policy)


@pytest.mark.parametrize("options", [{"low": 0.9, "high": 0.5}, {"high": 1.5}, {"agree": 1}])
def test_a_band_that_is_none_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"^(low is|agree is)"):
        Band(**options)  # type: ignore[arg-type]


def _pilot(*groups: tuple[int, str, Said]) -> list[PilotItem]:
    """Items in groups: how many, what people say, and what the machines say."""
    return [PilotItem(label, _said(said)) for count, label, said in groups for _ in range(count)]


def test_a_cascade_fits_each_model_to_what_those_before_it_leave() -> None:
    # Two models, so each is tested at 0.05: 0.9 ** 30 = 0.042 passes, and 1 wrong of 46 does
    # (0.048), but 1 of 45 does not (0.052).
    pilot = _pilot(
        (30, "yes", {0: ("yes", 0.9), 1: ("no", 0.99)}),
        (15, "yes", {0: ("yes", 0.8), 1: ("yes", 0.7)}),
        (1, "no", {0: ("yes", 0.8), 1: ("no", 0.7)}),
        (40, "no", {0: ("yes", 0.7), 1: ("no", 0.7)}),
        (9, "no", {0: (None, None), 1: ("yes", 0.6)}),
    )
    policy = Cascade(max_error=0.1, alpha=0.1)
    two = MACHINES[:2]
    assert policy.fit(pilot, two) == {"thresholds": [0.8, 0.7]}
    assert policy.fit(pilot[1:], two) == {"thresholds": [None, None]}
    # Of the second model 29 are right alone: fewer than 30 show nothing.
    assert policy.fit(pilot[:75], two) == {"thresholds": [0.8, None]}
    fitted = policy.fitted({"thresholds": [0.8, None]})
    assert _route(fitted, {}, two) == Ask(0)
    assert _route(fitted, {0: ("yes", 0.8)}, two) == Stands(0)
    assert _route(fitted, {0: ("yes", 0.79)}, two) == Ask(1)
    assert _route(fitted, {0: ("yes", 0.79), 1: ("yes", 1.0)}, two) == People()


def test_a_cascade_holds_to_the_annotators_thresholds_until_it_is_fitted() -> None:
    assert _route(Cascade(), {0: ("yes", 0.9)}) == Stands(0)
    assert _route(Cascade(), {0: ("yes", 0.89)}) == Ask(1)


def test_a_cascade_takes_labels_without_confidence_all_or_none() -> None:
    right = _pilot((40, "yes", {0: ("yes", None)}))
    wrong = _pilot((40, "no", {0: ("yes", None)}))
    policy = Cascade()
    assert policy.fit(right, MACHINES[:1]) == {"thresholds": [0.0]}
    assert policy.fit([*right, *wrong], MACHINES[:1]) == {"thresholds": [None]}
    assert _route(policy.fitted({"thresholds": [0.0]}), {0: ("no", None)}) == Stands(0)


@pytest.mark.parametrize(
    ("below", "threshold"),
    [
        ([], 0.9),
        ([(0.8, 15, 1)], 0.9),
        ([(0.8, 16, 1)], 0.8),
        # The first that fails ends it, however good what comes after it.
        ([(0.8, 15, 1), (0.7, 500, 0)], 0.9),
        ([(0.8, 16, 1), (0.7, 500, 0)], 0.7),
    ],
)
def test_the_loosest_threshold_by_hand(
    below: Sequence[tuple[float, int, int]], threshold: float
) -> None:
    groups = [(0.9, 30, 0), *below]
    confidence = np.repeat([one[0] for one in groups], [one[1] for one in groups])
    wrong = np.concatenate([np.arange(count) < errors for _, count, errors in groups])
    found = loosest_threshold(confidence, wrong, max_error=0.1, alpha=0.05)
    assert found == threshold
    turned = loosest_threshold(confidence[::-1], wrong[::-1], max_error=0.1, alpha=0.05)
    assert turned == threshold
    assert loosest_threshold(confidence[:29], wrong[:29], max_error=0.1, alpha=0.05) is None


@pytest.mark.parametrize(
    ("said", "route"),
    [
        ({}, Ask(0)),
        # However sure the learner is: the machine may be surer.
        ({0: ("yes", 0.99)}, Ask(1)),
        ({0: ("yes", 0.95), 1: ("no", 0.92)}, Stands(0)),
        ({0: ("yes", 0.95), 1: ("no", 0.96)}, Stands(1)),
        ({0: ("yes", 0.95), 1: ("no", 0.95)}, Stands(1)),
        ({0: ("yes", 0.95), 1: ("no", None)}, Stands(0)),
        ({0: ("yes", 0.95), 1: (None, None)}, Stands(0)),
        ({0: ("yes", 0.89), 1: ("yes", 0.88)}, Ask(2)),
        ({0: (None, None), 1: ("yes", 0.9)}, Stands(1)),
        ({0: (None, None), 1: ("yes", 0.8), 2: ("no", 0.9)}, Stands(2)),
        ({0: ("yes", 0.89), 1: ("yes", 0.88), 2: ("yes", 0.87)}, People()),
        ({0: (None, None), 1: (None, None), 2: (None, None)}, People()),
    ],
)
def test_of_learner_and_machine_the_surer_stands(said: Said, route: Route) -> None:
    assert _route(LearnerOrMachine(), said) == route


def test_a_learner_alone_is_refused() -> None:
    with pytest.raises(ConfigError, match="takes a learner and a machine"):
        Router([Recorded("a", labels=LABELS, confidence="s"), SimulatedHuman()], LearnerOrMachine())


def test_three_ways_by_hand() -> None:
    two = MACHINES[:2]
    policy = ThreeWay(low=0.5, high=0.9)
    assert _route(policy, {}, two) == Ask(0)
    assert _route(policy, {0: ("yes", 0.9)}, two) == Stands(0)
    assert _route(policy, {0: ("yes", 0.89)}, two) == Ask(1)
    assert _route(policy, {0: ("yes", 0.5), 1: ("no", 0.1)}, two) == Stands(1)
    assert _route(policy, {0: ("yes", 0.5), 1: (None, None)}, two) == People()
    assert _route(policy, {0: ("yes", 0.49)}, two) == People()
    assert _route(policy, {0: (None, None)}, two) == People()


@pytest.mark.parametrize(
    ("costs", "max_error", "each", "wanted"),
    [
        # The fast model is right at 0.9, the strong one at 0.6 too; at 0.3 nobody is.
        ((1, 10, 100), 0.1, 40, {"low": 0.6, "high": 0.9}),
        # For little less than a person the strong one is not worth its place on the path: the
        # step to the fast one alone comes first, and fails.
        ((1, 99, 100), 0.1, 40, {"low": 0.9, "high": 0.9}),
        # As many wrong ones are borne as there are: everything stands, at the fast one's price.
        ((1, 10, 100), 0.9, 40, {"low": 0.3, "high": 0.3}),
        # 21 items in each half: none wrong would still be 0.9 ** 21 = 0.11.
        ((1, 10, 100), 0.1, 14, {"low": 2.0, "high": 2.0}),
    ],
)
def test_three_ways_are_fitted_by_cost_and_tested_on_the_other_half(
    costs: tuple[float, ...], max_error: float, each: int, wanted: Mapping[str, float]
) -> None:
    pilot = _pilot(
        (each, "yes", {0: ("yes", 0.9), 1: ("yes", 0.9)}),
        (each, "yes", {0: ("no", 0.6), 1: ("yes", 0.9)}),
        (each, "yes", {0: ("no", 0.3), 1: ("no", 0.9)}),
    )
    for seed in range(3):
        policy = ThreeWay(costs=costs, max_error=max_error, alpha=0.1, seed=seed)
        told = {"costs": list(costs), "costs by": "options"}
        assert policy.fit(pilot, MACHINES[:2]) == {**wanted, **told}
    nothing = ThreeWay().fit([], MACHINES[:2])
    assert _route(ThreeWay().fitted(nothing), {0: ("yes", 1.0)}, MACHINES[:2]) == People()


def _priced(pilot: list[PilotItem], money: Sequence[float], person: float) -> list[PilotItem]:
    """The same where each machine's answer took money, and a person's label does."""
    return [
        PilotItem(
            one.label,
            {n: replace(said, usage=Usage(money=money[n])) for n, said in one.answers.items()},
            person,
        )
        for one in pilot
    ]


def test_three_ways_cost_what_models_and_people_cost() -> None:
    pilot = _pilot(
        (40, "yes", {0: ("yes", 0.9), 1: ("yes", 0.9)}),
        (40, "yes", {0: ("no", 0.6), 1: ("yes", 0.9)}),
        (40, "yes", {0: ("no", 0.3), 1: ("no", 0.9)}),
    )
    policy = ThreeWay(max_error=0.1, alpha=0.1)
    cheap = policy.fit(_priced(pilot, (0.001, 0.01), 0.1), MACHINES[:2])
    assert cheap["costs"] == pytest.approx([0.001, 0.01, 0.1])
    assert (cheap["low"], cheap["high"], cheap["costs by"]) == (0.6, 0.9, "prices")
    # A strong model that is hardly cheaper than people is not asked.
    dear = policy.fit(_priced(pilot, (0.001, 0.099), 0.1), MACHINES[:2])
    assert (dear["low"], dear["high"]) == (0.9, 0.9)
    for unknown in (pilot, _priced(pilot, (0.01, 0.001), 0.1), _priced(pilot, (0.1, 0.2), 0.0)):
        fit = policy.fit(unknown, MACHINES[:2])
        assert fit["costs"] == [1, 10, 100]
        assert fit["costs by"].startswith("usual proportions")
    own = ThreeWay(costs=(1, 10, 100)).fit(_priced(pilot, (0.001, 0.099), 0.1), MACHINES[:2])
    assert own["costs by"] == "options"


@pytest.mark.parametrize(
    "options", [{"costs": [1, 2]}, {"costs": [1, 100, 10]}, {"low": 0.9, "high": 0.8}]
)
def test_three_ways_without_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^(costs is|low is)"):
        ThreeWay(**options)
