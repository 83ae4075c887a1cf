"""PAC labels: people label what is less sure than the first threshold of too high an error bound.

Candès, Ilyas and Zrnic, "Probably Approximately Correct Labels", 2025 (arXiv 2506.10908),
Algorithm 1 with the betting bound of Waudby-Smith and Ramdas (2024) as in the authors' repository.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .people import People, first_positions

TRUNCATION = 0.75
"""The share of its capital that a bet may lose, as the authors have it."""


def capital(losses: NDArray[np.float64], mean: float, alpha: float) -> NDArray[np.float64]:
    """The capital of bets that the mean of losses is below `mean`, after each loss.

    Args:
        losses: In [0, 1], in the order in which they were drawn, shape (..., m).
        mean: The mean that is bet against.
        alpha: The level that the size of the bets is chosen for.

    Returns:
        Shape (..., m). It passes 1/alpha with probability alpha at most where the mean is `mean`
        or more, and rises with `mean`.
    """
    count = losses.shape[-1]
    step = np.arange(1, count + 1)
    means = (0.5 + np.cumsum(losses, axis=-1)) / (1 + step)
    variances = (0.25 + np.cumsum((losses - means) ** 2, axis=-1)) / (1 + step)
    before = np.concatenate([np.full((*losses.shape[:-1], 1), 0.25), variances[..., :-1]], axis=-1)
    bets = np.sqrt(2 * np.log(2 / alpha) / (count * before))
    bets = np.minimum(bets, TRUNCATION / (1 - mean))
    return np.exp(np.cumsum(np.log1p(-bets * (losses - mean)), axis=-1))


def is_below(losses: NDArray[np.float64], mean: float, alpha: float) -> NDArray[np.bool_]:
    """Whether the upper bound of the mean of losses is at most `mean`, shape (...,)."""
    return np.asarray(capital(losses, mean, alpha).max(axis=-1) >= 1 / alpha)


def pac_labels(
    people: People,
    order: NDArray[np.int64],
    draws: NDArray[np.int64],
    *,
    epsilon: float,
    alpha: float,
) -> NDArray[np.bool_]:
    """Which labels of the machine stay, shape (N,); the others are by people.

    Args:
        people: Whom to ask.
        order: Positions from the surest to the least sure, ties broken.
        draws: Positions drawn uniformly with replacement, shape (m,).
        epsilon: The share of wrong labels that is allowed.
        alpha: With what probability the promise may fail.
    """
    total = len(people)
    rank = np.empty(total, dtype=np.int64)
    rank[order] = np.arange(total)
    wrong = people.judge(draws)
    # The bound only changes where an audited error comes in: after it, all up to the next.
    at = np.sort(np.unique(rank[draws[wrong]]))
    stays = _stays(rank[draws], wrong, at, total, epsilon, alpha)
    mask = first_positions(order, stays, total)
    people.judge(np.flatnonzero(~mask))
    return mask & ~people.asked


def _stays(
    ranks: NDArray[np.int64],
    wrong: NDArray[np.bool_],
    at: NDArray[np.int64],
    total: int,
    epsilon: float,
    alpha: float,
) -> int:
    """How many of the surest stay: up to the first audited error that lifts the bound too high."""
    if not is_below(np.zeros(len(ranks)), epsilon, alpha):
        return 0
    low, high = 0, len(at)  # With the first `low` errors the bound is low enough.
    while low < high:
        middle = (low + high + 1) // 2
        losses = (wrong & (ranks <= at[middle - 1])).astype(np.float64)
        if is_below(losses, epsilon, alpha):
            low = middle
        else:
            high = middle - 1
    return total if low == len(at) else int(at[low])
