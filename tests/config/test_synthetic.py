"""Synthetic items in a configuration: when they are written, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmal.config import RunConfig, parse_config
from llmal.errors import ConfigError
from llmal.factory.generators import synthetic_options
from llmal.generators.policies import EveryRounds, FewLabels, OnPlateau
from llmal.run.budget import Budget
from llmal.run.synthetic_use import SyntheticUse

HEAD = "task: {name: farm, labels: [animal, food]}\ndata: {pool: pool.csv}\n"
LM = "lm: {backend: transformers, model: some/model}\n"


@pytest.fixture
def parsed(tmp_path: Path) -> Callable[[str], RunConfig]:
    """Reads a configuration; what is given begins on line 4."""
    (tmp_path / "pool.csv").write_text("id,text\n1,A cow.\n")
    return lambda text: parse_config(HEAD + LM + text, source="farm.yaml", base=tmp_path)


def test_all_keys_reach_the_run(parsed: Callable[[str], RunConfig]) -> None:
    config = parsed(
        "generator:\n"
        "  name: class_conditional\n"
        "  per_class: 7\n"
        "  when: [{name: plateau, rounds: 2}, {name: few_labels, labels: 4}, rounds]\n"
        "  budget: {tokens: 900, money: 2}\n"
        "synthetic: {weight: 0.3, folds: 3, least_labels: 12, harm: 0.1,\n"
        "            patience: null, check: 2}\n"
    )
    assert parse_config(config.to_yaml(), base=config.directory.parent) == config
    given = synthetic_options(config)
    assert given["generate_per_label"] == 7
    assert given["generate_when"] == [OnPlateau(2), FewLabels(4), EveryRounds()]
    assert given["generate_budget"] == Budget(tokens=900, money=2)
    assert given["synthetic"] == SyntheticUse(
        weight=0.3, folds=3, least_labels=12, harm=0.1, patience=None, check=2
    )


def test_without_them_the_defaults_are_those_of_python(parsed: Callable[[str], RunConfig]) -> None:
    given = synthetic_options(parsed("generator: {name: class_conditional}\n"))
    assert given["synthetic"] == SyntheticUse()
    assert given["generate_when"] is None
    assert given["generate_budget"] is None
    assert synthetic_options(parsed("")) == {}


@pytest.mark.parametrize(
    ("text", "where", "sentence"),
    [
        ("generator: {name: class_conditional, every: 2, when: plateau}\n", 4, "there is 'when'"),
        ("synthetic: {check: 3}\n", 4, "nothing writes synthetic items"),
        ("generator: {name: class_conditional}\nsynthetic: {weight: 2}\n", 5, "weight"),
        ("generator: {name: class_conditional}\nsynthetic: {wait: 2}\n", 5, "wait"),
        ("generator: {name: class_conditional, budget: {labels: 2}}\n", 4, "labels"),
    ],
)
def test_mistakes_are_named_with_their_line(
    parsed: Callable[[str], RunConfig], text: str, where: int, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    assert f"line {where}" in str(caught.value)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [("plateu", "did you mean 'plateau'"), ("{name: plateau, round: 2}", "round")],
)
def test_a_policy_that_there_is_not_is_named(
    parsed: Callable[[str], RunConfig], policy: Any, sentence: str
) -> None:
    config = parsed(f"generator:\n  name: class_conditional\n  when: {policy}\n")
    with pytest.raises(ConfigError) as caught:
        synthetic_options(config)
    assert sentence in str(caught.value)
    assert "line 6" in str(caught.value)
