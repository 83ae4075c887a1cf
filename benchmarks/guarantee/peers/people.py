"""People who are asked only about what is paid for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]


class People:
    """Says whether labels of a machine are right, and keeps count of who was asked about what.

    Args:
        wrong: Which labels of the machine differ from people's, shape (N,).

    Attributes:
        asked: About which items they were asked so far, shape (N,).
    """

    def __init__(self, wrong: Mask) -> None:
        self._wrong = wrong
        self.asked: Mask = np.zeros(len(wrong), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self._wrong)

    def judge(self, positions: Positions) -> Mask:
        """Which of these labels are wrong; an item that they were asked about costs no more."""
        self.asked[positions] = True
        return self._wrong[positions]


def first_positions(order: Positions, count: int, total: int) -> Mask:
    """The first positions of an order as a mask, shape (total,)."""
    mask = np.zeros(total, dtype=np.bool_)
    mask[order[:count]] = True
    return mask


def ranked(score: NDArray[np.float64], rng: np.random.Generator) -> Positions:
    """Positions from the highest score to the lowest, ties broken at random, NaN last."""
    known = np.nan_to_num(score, nan=-np.inf)
    return np.lexsort((rng.random(len(score)), -known)).astype(np.int64)
