"""Stopping rules over histories that can be followed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from llmal.errors import ConfigError
from llmal.stopping import (
    REGISTRY,
    AgreementSettled,
    EntropySettled,
    Plateau,
    StoppingRule,
    TargetAccuracy,
)


def _history(name: str, *values: float | None) -> list[dict[str, Any]]:
    return [{name: value} for value in values]


def _tested(*values: tuple[float | None, int]) -> list[dict[str, Any]]:
    return [{"accuracy": accuracy, "test_items": items} for accuracy, items in values]


@pytest.mark.parametrize(
    ("values", "stops"),
    [
        ([], False),
        ([0.5], False),
        ([0.5, 0.5], False),
        ([0.5, 0.5, 0.5], True),
        ([0.5, 0.51, 0.519], False),
        ([0.5, 0.505, 0.509], True),
        ([0.5, 0.505, 0.51], False),
        ([0.5, 0.6, 0.4], False),
        ([0.6, 0.5, 0.5], True),
        ([0.6, 0.3, 0.5, 0.605], True),
        ([0.6, 0.3, 0.5, 0.61], False),
        ([0.2, 0.9, 0.91, 0.7], False),
        ([0.2, 0.9, 0.905, 0.7], True),
    ],
)
def test_plateau_compares_the_last_rounds_with_the_best_before(values: list[float], stops: bool):
    reason = Plateau(rounds=2, tolerance=0.01).reason(_history("accuracy", *values))
    assert (reason is not None) == stops


def test_plateau_says_what_it_saw():
    assert Plateau(rounds=2, tolerance=0.01).reason(_history("accuracy", 0.6, 0.5, 0.605)) == (
        "plateau: accuracy has not risen by 0.01 over 2 rounds (best before 0.600, since 0.605)"
    )


def test_plateau_without_tolerance_stops_when_nothing_rises():
    rule = Plateau(rounds=1, tolerance=0.0)
    assert rule.reason(_history("accuracy", 0.7, 0.7)) is not None
    assert rule.reason(_history("accuracy", 0.7, 0.7001)) is None


def test_rounds_that_were_not_tested_are_skipped():
    rule = Plateau(rounds=2, tolerance=0.01)
    gaps = [{"accuracy": None}, {}, *_history("accuracy", 0.5), {"other": 1.0}]
    assert rule.reason([*gaps, *_history("accuracy", 0.5), {}]) is None
    assert rule.reason([*gaps, *_history("accuracy", 0.5), {}, *_history("accuracy", 0.5)])


def test_target_accuracy_wants_the_lower_bound():
    # Wilson, z = 1.645: 95 of 100 is at least 0.901; 47 of 50 at least 0.856; 94 of 100, 0.888.
    rule = TargetAccuracy(0.9)
    assert rule.reason(_tested((0.95, 100))) == (
        "target: accuracy 0.950 on 100 test items, at least 0.901 with 95 % confidence, reaches 0.9"
    )
    assert rule.reason(_tested((0.94, 100))) is None
    assert rule.reason(_tested((0.94, 50))) is None
    assert rule.reason(_tested((0.94, 1000))) is not None


def test_target_accuracy_looks_at_the_last_test_alone():
    rule = TargetAccuracy(0.9)
    assert rule.reason(_tested((0.99, 1000), (0.80, 1000))) is None
    assert rule.reason([*_tested((0.80, 1000), (0.99, 1000)), {"accuracy": None}, {}])


def test_target_accuracy_without_any_test_goes_on():
    assert TargetAccuracy(0.5).reason([]) is None
    assert TargetAccuracy(0.5).reason([{}, {"accuracy": None, "test_items": None}]) is None
    assert TargetAccuracy(0.5).reason([{"accuracy": 1.0}]) is None


@pytest.mark.parametrize(
    ("values", "stops"),
    [
        ([1.0, 0.9], False),
        ([1.0, 0.9, 0.8], False),
        ([1.0, 0.995, 0.991], True),
        ([1.0, 0.995, 0.99], False),
        ([0.5, 0.6, 0.7], True),
        ([0.5, 0.4, 0.9], False),
        ([0.5, None, 0.5, None, 0.5], True),
        ([0.5, None, None], False),
    ],
)
def test_entropy_has_settled_when_it_falls_no_more(values: list[float | None], stops: bool):
    reason = EntropySettled(rounds=2, tolerance=0.01).reason(_history("mean_entropy", *values))
    assert (reason is not None) == stops


def test_entropy_says_what_it_saw():
    reason = EntropySettled(rounds=1, tolerance=0.01).reason(_history("mean_entropy", 0.5, 0.495))
    assert reason == (
        "entropy settled: it has not fallen by 0.01 over 1 rounds "
        "(lowest before 0.500, since 0.495)"
    )


@pytest.mark.parametrize(
    ("values", "stops"),
    [
        ([None, 0.99], False),
        ([None, 0.99, 0.99], True),
        ([None, 1.0, 0.98, 1.0], False),
        ([None, 0.2, 1.0, 0.99], True),
        ([None, 1.0, None, 1.0], True),
    ],
)
def test_agreement_has_settled_when_it_stays_high(values: list[float | None], stops: bool):
    rule = AgreementSettled(rounds=2, agreement=0.99)
    assert (rule.reason(_history("agreement", *values)) is not None) == stops


def test_agreement_says_what_it_saw():
    reason = AgreementSettled(rounds=2).reason(_history("agreement", 0.995, 1.0))
    assert reason == (
        "agreement settled: predictions agree with the round before at kappa 0.995 or more over "
        "2 rounds"
    )


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Plateau(rounds=0), "plateau over 0 rounds says nothing; use 1 or more"),
        (
            lambda: EntropySettled(rounds=-1),
            "entropy_settled over -1 rounds says nothing; use 1 or more",
        ),
        (
            lambda: AgreementSettled(rounds=0),
            "agreement_settled over 0 rounds says nothing; use 1 or more",
        ),
        (
            lambda: Plateau(tolerance=-0.1),
            "plateau has a tolerance of -0.1; use 0 or more",
        ),
        (
            lambda: EntropySettled(tolerance=float("nan")),
            "entropy_settled has a tolerance of nan; use 0 or more",
        ),
        (
            lambda: AgreementSettled(agreement=1.2),
            "agreement_settled waits for a kappa of 1.2; use one from 0 to 1",
        ),
        (
            lambda: TargetAccuracy(1.0),
            "the target accuracy is 1.0; it must be between 0 and 1; no finite test set proves an "
            "accuracy of 1",
        ),
        (
            lambda: TargetAccuracy(0.0),
            "the target accuracy is 0.0; it must be between 0 and 1; no finite test set proves an "
            "accuracy of 1",
        ),
    ],
)
def test_a_rule_that_cannot_be_says_why(make: Any, sentence: str):
    with pytest.raises(ConfigError) as caught:
        make()
    assert str(caught.value) == sentence


@pytest.mark.parametrize("name", REGISTRY.names())
def test_every_rule_goes_on_without_history_and_names_what_it_reads(name: str):
    rule = REGISTRY.get(name)()
    assert isinstance(rule, StoppingRule)
    assert rule.needs in {"accuracy", "mean_entropy", "agreement"}
    assert rule.reason([]) is None
    assert rule.reason([{}, {rule.needs: None}] * 10) is None
