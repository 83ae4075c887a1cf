"""From scores to an order, ties broken once and for all."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import DataError


def rank_by_score(
    score: ArrayLike, *, seed: int, positions: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Positions from the most to the least trusted, ties in an order drawn at random.

    Args:
        score: How much each label is trusted, shape (N,): larger is surer.
        seed: Breaks ties.
        positions: Which of them; all by default.

    Raises:
        DataError: A score is no number.
    """
    values = np.asarray(score, dtype=np.float64)
    chosen = np.arange(len(values)) if positions is None else np.asarray(positions, dtype=np.int64)
    missing = chosen[np.isnan(values[chosen])]
    if len(missing):
        raise DataError(
            f"the score of position {missing[0]} is no number ({len(missing)} such)",
            fix="give every label that no person gave a score",
        )
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x0DE4]))
    ties = rng.permutation(len(chosen))
    return np.asarray(chosen[np.lexsort((ties, -values[chosen]))], dtype=np.int64)
