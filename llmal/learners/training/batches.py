"""Batches of texts that are near each other in length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from llmal.learners.networks.protocol import Reading

_BATCHES_SORTED = 8
"""Among the items of so many batches, drawn at random, those of near lengths train together."""


def batches_to_train(
    readings: Sequence[Reading], size: int, generator: torch.Generator
) -> list[NDArray[np.int64]]:
    """Rows of all items in random batches, items of near lengths together.

    Args:
        readings: n texts.
        size: Items in a batch.
        generator: Draws the order.
    """
    order = torch.randperm(len(readings), generator=generator).numpy()
    stretch = size * _BATCHES_SORTED
    batches = []
    for start in range(0, len(order), stretch):
        near = order[start : start + stretch]
        near = near[np.argsort([len(readings[row]) for row in near], kind="stable")]
        batches += [near[place : place + size] for place in range(0, len(near), size)]
    mixed = torch.randperm(len(batches), generator=generator).tolist()
    return [batches[place] for place in mixed]


def batches_to_read(readings: Sequence[Reading], size: int) -> Iterator[NDArray[np.int64]]:
    """Rows of all items, the longest texts first, so that memory runs out early."""
    order = np.argsort([-len(one) for one in readings], kind="stable").astype(np.int64)
    for start in range(0, len(order), size):
        yield order[start : start + size]
