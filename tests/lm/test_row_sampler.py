from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from llmal.lm.row_sampler import RowSampler

SCORES = torch.log(torch.tensor([[0.5, 0.0, 0.3, 0.2]]))


def _picked(numbers, temperature=1.0, top_p=1.0, scores=SCORES):
    sampler = RowSampler(np.array(numbers, dtype=float)[:, None], temperature, top_p)
    made = sampler(None, scores.repeat(len(numbers), 1))
    assert (made.isfinite().sum(-1) == 1).all()
    return made.argmax(-1).tolist()


def test_the_number_falls_into_the_cumulated_probabilities():
    numbers = [0, 0.49, 0.51, 0.79, 0.81, 0.999999, np.nextafter(1, 0)]
    assert _picked(numbers) == [0, 0, 2, 2, 3, 3, 3]


def test_tokens_are_drawn_with_their_probabilities():
    n = 20_000
    picked = np.bincount(_picked(np.random.default_rng(0).random(n)), minlength=4) / n
    for share, p in zip(picked, (0.5, 0, 0.3, 0.2), strict=True):
        assert abs(share - p) <= 4 * math.sqrt(p * (1 - p) / n)


def test_temperature_and_nucleus():
    # At temperature 0.5 probabilities go as squares: 25, 9, 4 of 38.
    assert _picked([0.65, 0.67, 0.88, 0.9], temperature=0.5) == [0, 2, 2, 3]
    # A nucleus of 0.7 holds 0.5 and 0.3.
    assert _picked([0.62, 0.63, 0.9999999], top_p=0.7) == [0, 2, 2]


def test_what_is_ruled_out_is_never_drawn():
    ruled_out = torch.tensor([[-torch.inf, 1.0, -torch.inf, -torch.inf]])
    assert _picked([0, 0.5, np.nextafter(1, 0)], scores=ruled_out) == [1, 1, 1]


@pytest.mark.parametrize("rows", [1, 3])
def test_each_step_takes_the_next_number(rows):
    sampler = RowSampler(np.tile([0.1, 0.6, 0.9], (rows, 1)), 1.0, 1.0)
    steps = [sampler(None, SCORES.repeat(rows, 1)).argmax(-1).tolist() for _ in range(3)]
    assert steps == [[0] * rows, [2] * rows, [3] * rows]
