"""One test for all routing policies: what routers and campaigns rely on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pytest

from llmal.annotators.policies import (
    REGISTRY,
    Answers,
    Ask,
    FittedPolicy,
    Machine,
    People,
    PilotItem,
    Route,
    RoutingPolicy,
    Stands,
    last_answer_stands,
)
from llmal.core.records import Annotation

NAMES = ("animal", "food", "tool")
OPTIONS: dict[str, dict[str, Any]] = {}
"""For those that need some."""

MACHINES: dict[str, int] = {"three_way": 2}
"""How many machines a policy works with, where that is not three."""


def _machines(name: str) -> list[Machine]:
    def accepts(annotation: Annotation) -> bool:
        return (annotation.confidence or 0.0) >= 0.8

    return [Machine("abc"[place], accepts) for place in range(MACHINES.get(name, 3))]


def _answer(place: int, label: str | None, sure: float) -> Annotation:
    shares = None
    if label is not None:
        shares = {one: sure if one == label else (1 - sure) / 2 for one in NAMES}
    return Annotation("i", label, "abc"[place], "llm", probabilities=shares)


def _all_answers(machines: int) -> list[Answers]:
    """Every subset of machines with every answer, sure, half sure and unsure."""
    answers = [None, *((place_free, sure) for place_free in NAMES[:2] for sure in (0.95, 0.7, 0.4))]
    found: list[Answers] = []
    for said in product(["unasked", *answers], repeat=machines):
        found.append(
            {
                place: _answer(place, *((None, 0.0) if one is None else one))  # type: ignore[misc]
                for place, one in enumerate(said)
                if one != "unasked"
            }
        )
    return found


def _policy(name: str) -> RoutingPolicy:
    policy: RoutingPolicy = REGISTRY.make(name, OPTIONS.get(name), offers={"seed": 3})
    policy.check(_machines(name), people=True)
    return policy


def _pilot(machines: int, count: int = 200) -> list[PilotItem]:
    """Items of which sure answers are right, and unsure ones mostly wrong."""
    rng = np.random.default_rng(5)
    items = []
    for n in range(count):
        label = NAMES[n % 3]
        said = {}
        for place in range(machines):
            sure = round(float(rng.uniform(0.34, 1.0)), 3)
            right = rng.random() < (1.0 if sure > 0.6 else 0.4)
            said[place] = _answer(place, label if right else NAMES[(n + 1) % 3], sure)
        items.append(PilotItem(label, said))
    return items


def _cases() -> list[Any]:
    cases = []
    for name in REGISTRY.names():
        cases += [pytest.param(name, False, id=name)]
        if isinstance(_policy(name), FittedPolicy):
            cases += [pytest.param(name, True, id=f"{name}, fitted")]
    return cases


def _ready(name: str, fitted: bool) -> RoutingPolicy:
    policy = _policy(name)
    if fitted:
        assert isinstance(policy, FittedPolicy)
        fit = policy.fit(_pilot(len(_machines(name))), _machines(name))
        policy = policy.fitted(json.loads(json.dumps(fit)))
    return policy


def _check(route: Route, said: Answers, machines: int) -> None:
    match route:
        case Ask(place):
            assert place not in said
            assert 0 <= place < machines
        case Stands(place):
            assert said[place].label is not None
        case _:
            assert route == People()


@pytest.mark.parametrize(("name", "fitted"), _cases())
def test_only_who_has_not_answered_is_asked_and_only_labels_stand(name: str, fitted: bool) -> None:
    machines = _machines(name)
    answers = _all_answers(len(machines))
    for policy in (_ready(name, fitted), last_answer_stands(_ready(name, fitted))):
        for route, said in zip(policy.route(answers, machines), answers, strict=True):
            _check(route, said, len(machines))


@pytest.mark.parametrize(("name", "fitted"), _cases())
def test_an_item_goes_its_way_whatever_it_is_asked_together_with(name: str, fitted: bool) -> None:
    machines, policy = _machines(name), _ready(name, fitted)
    answers = _all_answers(len(machines))[::7]
    together = policy.route(answers, machines)
    assert [policy.route([said], machines)[0] for said in answers] == together
    backwards: list[Mapping[int, Annotation]] = [dict([*said.items()][::-1]) for said in answers]
    assert policy.route(backwards[::-1], machines)[::-1] == together
    assert policy.route([], machines) == []


@pytest.mark.parametrize(("name", "fitted"), _cases())
def test_a_machine_is_asked_first_and_under_an_audit_every_item_gets_a_label(
    name: str, fitted: bool
) -> None:
    machines = _machines(name)
    policy = last_answer_stands(_ready(name, fitted))
    assert isinstance(policy.route([{}], machines)[0], Ask)
    for whole in _all_answers(len(machines)):
        if len(whole) < len(machines) or any(one.label is None for one in whole.values()):
            continue
        said: dict[int, Annotation] = {}
        route = policy.route([said], machines)[0]
        while isinstance(route, Ask):
            said[route.machine] = whole[route.machine]
            route = policy.route([said], machines)[0]
        assert isinstance(route, Stands)


@pytest.mark.parametrize("name", [n for n, fitted in (c.values for c in _cases()) if fitted])  # type: ignore[misc]
def test_what_is_fitted_is_the_same_for_the_same_pilot_and_bears_any(name: str) -> None:
    machines, policy = _machines(name), _policy(name)
    assert isinstance(policy, FittedPolicy)
    pilot = _pilot(len(machines))
    assert policy.fit(pilot, machines) == policy.fit(pilot, machines)
    silent = [PilotItem("food", {place: _answer(place, None, 0.0)}) for place in range(2)]
    for few in ([], pilot[:3], silent, [PilotItem("food", {})] * 40):
        again = policy.fitted(policy.fit(few, machines))
        for route, said in zip(
            again.route(_all_answers(len(machines))[:50], machines),
            _all_answers(len(machines))[:50],
            strict=True,
        ):
            _check(route, said, len(machines))
