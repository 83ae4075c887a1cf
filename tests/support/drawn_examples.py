"""Checks that are tried on examples which hypothesis draws: few of them, or many."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

MANY = os.environ.get("LLMAL_TEST_INTERLEAVINGS")
"""How many examples the slow tests try in place of their own number; 1,000 take minutes."""


def few_and_many(few: int, many: int) -> pytest.MarkDecorator:
    """Parametrises a test by how many `examples` it tries: few, and many where it is slow."""
    slow = pytest.param(int(MANY or many), marks=pytest.mark.slow, id="many")
    return pytest.mark.parametrize("examples", [pytest.param(few, id="few"), slow])


def try_examples(
    check: Callable[..., None], examples: int, **strategies: SearchStrategy[Any]
) -> None:
    """Try a check on as many examples, the same ones each time."""
    drawn = settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )(given(**strategies)(check))
    drawn()
