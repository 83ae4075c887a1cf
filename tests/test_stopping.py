"""Stopping rules over histories that can be followed by hand."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import pytest

from llmal.config.plug_ins import PlugIn
from llmal.config.stop_sections import StopConfig
from llmal.errors import ConfigError
from llmal.stopping import (
    REGISTRY,
    AgreementSettled,
    EntropySettled,
    GainBelowCost,
    Plateau,
    PredictedTarget,
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


def _halving(rounds: int, a_max: float = 0.8) -> list[dict[str, Any]]:
    """Each batch of 20 takes away half of what is missing to a_max: an exact PALM curve."""
    return [
        {"labelled": 20 * n, "accuracy": a_max * (1 - 0.5 ** (n + 1)), "test_items": 500}
        for n in range(rounds)
    ]


def test_gain_below_cost_stops_where_the_next_labels_bring_too_little():
    # After n + 1 rounds the next one brings 0.8 / 2^(n + 2): 0.00156 after eight, 0.00078 after
    # nine. A point is worth 200 labels, so 20 labels must bring 0.001.
    rule = GainBelowCost(labels_per_point=200)
    assert rule.reason(_halving(8)) is None
    assert rule.reason(_halving(9)) == (
        "gain below cost: the next 20 labels would bring 0.08 points of accuracy, which are worth "
        "15.6 labels"
    )
    assert GainBelowCost(labels_per_point=100).reason(_halving(8))
    assert GainBelowCost(labels_per_point=1000).reason(_halving(10)) is None


def test_gain_below_cost_looks_at_the_curve_not_at_the_last_round():
    history = _halving(8)
    history[-1]["accuracy"] = history[-2]["accuracy"]
    assert GainBelowCost(labels_per_point=400).reason(history) is None


def test_predicted_target_stops_when_the_curve_is_there():
    # 0.8 · (1 − 0.5^8) = 0.796875 after eight rounds.
    assert PredictedTarget(0.79).reason(_halving(8)) == (
        "predicted target: with 140 labels the learning curve is at 0.797, at least 0.797, and "
        "reaches 0.79"
    )
    assert PredictedTarget(0.798).reason(_halving(8)) is None
    assert PredictedTarget(0.798).reason(_halving(9))


def test_predicted_target_stops_when_the_curve_will_never_be_there():
    assert PredictedTarget(0.85).reason(_halving(8)) == (
        "predicted target: however many labels, the learning curve ends at 0.800, at most 0.800, "
        "and does not reach 0.85"
    )


def test_predicted_target_knows_how_many_labels_there_can_be():
    # 0.7996875 takes 11 more halvings than none: 0.8 · (1 − 0.5^n) with n = 11.36.
    assert PredictedTarget(0.7997, labels=1000).reason(_halving(8)) is None
    assert PredictedTarget(0.7997, labels=160).reason(_halving(8)) == (
        "predicted target: with 160 labels, the learning curve ends at 0.798, at most 0.798, and "
        "does not reach 0.7997"
    )


def test_predicted_target_goes_on_while_the_curve_leaves_it_open():
    noise = [0.02, -0.02, 0.01, 0.0, -0.02, 0.02, -0.01, 0.02]
    history = [
        one | {"accuracy": one["accuracy"] + by} for one, by in zip(_halving(8), noise, strict=True)
    ]
    assert PredictedTarget(0.79).reason(history) is None
    assert PredictedTarget(0.82).reason(history) is None
    assert PredictedTarget(0.82, level=0.2).reason(history)


@pytest.mark.parametrize("rule", [GainBelowCost(), PredictedTarget(0.5)])
def test_rules_over_the_learning_curve_wait_for_their_rounds(rule: StoppingRule):
    assert rule.reason(_halving(7)) is None
    assert rule.reason([*_halving(7), {"labelled": 140, "accuracy": None}]) is None
    assert rule.reason([*_halving(7), {"accuracy": 0.8}]) is None
    assert rule.reason([{}, *_halving(8)])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: GainBelowCost(rounds=4),
            "gain_below_cost after 4 rounds has too few points for a learning curve; use 5 or more",
        ),
        (
            lambda: GainBelowCost(labels_per_point=0),
            "gain_below_cost gives 0 labels for a point of accuracy; use a number above 0",
        ),
        (
            lambda: PredictedTarget(80),
            "predicted_target has a target accuracy of 80; it must be between 0 and 1",
        ),
        (
            lambda: PredictedTarget(level=1.0),
            "predicted_target has a level of 1.0; it must be between 0 and 1",
        ),
        (
            lambda: PredictedTarget(labels=0),
            "predicted_target looks ahead to 0 labels; use 1 or more",
        ),
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


def test_every_rule_has_its_section_in_the_configuration():
    tagged = [get_args(one)[0] for one in get_args(get_args(StopConfig)[0])]
    sections = [one for one in tagged if one is not PlugIn]
    by_name = {get_args(one.model_fields["name"].annotation)[0]: one for one in sections}
    assert set(by_name) == set(REGISTRY.names())
    for name, section in by_name.items():
        options = {one.name for one in fields(REGISTRY.get(name))} - {"needs"}
        assert set(section.model_fields) - {"name"} == options
