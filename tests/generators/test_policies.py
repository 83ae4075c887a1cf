"""When a run has its generator write."""

from __future__ import annotations

from typing import Any

import pytest

from llmal.errors import ConfigError
from llmal.generators.policies import REGISTRY, EveryRounds, FewLabels, OnPlateau, SynthesisState

LABELS = {"a": 12, "b": 3, "c": 0}


def _state(round: int, scores: tuple[float, ...] = (), **more: Any) -> SynthesisState:
    synthetic = more.pop("synthetic", dict.fromkeys(LABELS, 0))
    return SynthesisState(round, LABELS, synthetic, scores, **more)


def test_every_so_many_rounds():
    policy = EveryRounds(3)
    said = [bool(policy.wanted(_state(number), 5)) for number in range(7)]
    assert said == [True, False, False, True, False, False, True]
    assert policy.wanted(_state(3), 5) == {"a": 5, "b": 5, "c": 5}
    assert policy.most_times(7) == 3


def test_what_labels_lack():
    policy = FewLabels(10)
    assert policy.wanted(_state(0), 5) == {"b": 5, "c": 5}
    synthetic = {"a": 0, "b": 5, "c": 10}
    assert policy.wanted(_state(1, synthetic=synthetic), 5) == {"b": 2}


def test_a_plateau_is_rounds_without_a_lower_score():
    policy = OnPlateau(rounds=2, tolerance=0.01)
    assert not policy.wanted(_state(1, (0.5, 0.5)), 5)
    assert policy.wanted(_state(2, (0.5, 0.5, 0.495)), 5)
    assert not policy.wanted(_state(2, (0.5, 0.5, 0.48)), 5)
    # A dip that came earlier does not count as a gain now.
    assert policy.wanted(_state(3, (0.4, 0.5, 0.45, 0.41)), 5)


def test_after_writing_it_waits():
    policy = OnPlateau(rounds=2, tolerance=0.01)
    scores = (0.5,) * 5
    assert not policy.wanted(_state(4, scores, last=3), 5)
    assert not policy.wanted(_state(5, scores, last=3), 5)
    assert policy.wanted(_state(6, scores, last=3), 5)


@pytest.mark.parametrize("policy", [EveryRounds(2), FewLabels(9), OnPlateau(1), OnPlateau(3)])
@pytest.mark.parametrize("rounds", [1, 2, 5, 9])
def test_a_forecast_is_never_too_low(policy: Any, rounds: int):
    last, times = None, 0
    for number in range(rounds):
        state = _state(number, (0.5,) * (number + 1), last=last)
        if policy.wanted(state, 1):
            last, times = number, times + 1
    assert times <= policy.most_times(rounds)
    if not isinstance(policy, FewLabels):
        assert times == policy.most_times(rounds)


def test_policies_have_names_and_ranges():
    assert REGISTRY.names() == ["few_labels", "plateau", "rounds"]
    for name, options in (("rounds", {"every": 0}), ("few_labels", {"labels": 0}),
                          ("plateau", {"rounds": 0}), ("plateau", {"tolerance": 1.0})):  # fmt: skip
        with pytest.raises(ConfigError, match=next(iter(options))):
            REGISTRY.make(name, options)
