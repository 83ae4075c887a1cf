"""What the benchmark of PromptAL's ablations measures, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from learners.promptal import (
    divergence,
    diversity,
    imbalance,
    representativeness,
    uncertainty,
)

LINE = np.arange(12, dtype=np.float32)[:, None]
"""Twelve items on a line."""


def test_divergence_is_in_bits():
    assert divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1)
    assert divergence(np.array([0.3, 0.7]), np.array([0.3, 0.7])) == 0


def test_imbalance_counts_a_missing_class():
    assert imbalance(np.array([0, 0, 0, 1]), 2) == 2
    assert imbalance(np.array([0, 0, 0, 1]), 3) == 4


def test_uncertainty_is_of_the_acquired_alone():
    p = np.array([[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]])
    assert uncertainty(np.array([0, 1]), p) == pytest.approx(np.log(2) / 2)


def test_diversity_is_high_where_the_pool_is_near():
    assert diversity(np.array([0]), LINE) == pytest.approx(1 / np.mean(range(12)))
    assert diversity(np.array([3, 9]), LINE) > diversity(np.array([3, 4]), LINE)


def test_representativeness_leaves_the_item_itself_out():
    at_the_end = 10 / sum(range(1, 11))
    assert representativeness(np.array([0]), LINE) == pytest.approx(at_the_end)
    assert representativeness(np.array([6]), LINE) > at_the_end
