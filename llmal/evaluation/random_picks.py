"""The learner of a run on random picks: what a selector is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from llmal.errors import DataError
from llmal.run.training import Trainer

Progress = Callable[[str, int, int], None]
"""Told what is under way, how much of it is done, and out of how much."""


def accuracy_on_random_picks(
    trainer: Trainer,
    sizes: Sequence[int],
    *,
    draws: int,
    seed: int,
    on_progress: Progress | None = None,
) -> list[dict[str, float | int]]:
    """Test accuracy of a learner on random picks with their gold answers.

    Each draw is one random order of the pool, of which the first items are taken for every
    size, as a run with the selector `random` would. Items without a gold answer are passed
    over. Leaves the learner unfitted.

    Args:
        trainer: Of the learner, with a test set.
        sizes: Numbers of labels.
        draws: Random orders.
        seed: Seed of the orders.
        on_progress: Told how far it is.

    Returns:
        One entry a size: "labelled", "accuracy_mean", "accuracy_std" (over the draws) and "draws".

    Raises:
        DataError: Fewer items have a gold answer than the largest size.
    """
    if not sizes or draws < 1:
        return []
    known = trainer.positions_with_gold()
    if len(known) < max(sizes):
        raise DataError(
            f"{len(known)} items of the pool have a gold label, and the random baseline needs "
            f"{max(sizes)}",
            fix="compare fewer labels",
        )
    scores: dict[int, list[float]] = {size: [] for size in sizes}
    for draw in range(draws):
        rng = np.random.default_rng([seed, 0xBA5E, draw])
        order = rng.permutation(known)[: max(sizes)]
        for done, size in enumerate(sizes, start=1):
            trainer.fit_on_gold(order[:size])
            scores[size].append(trainer.measure_on_test()["accuracy"])
            if on_progress is not None:
                on_progress("random baseline", draw * len(sizes) + done, draws * len(sizes))
    trainer.fitted = False
    return [
        {
            "labelled": size,
            "accuracy_mean": float(np.mean(scores[size])),
            "accuracy_std": float(np.std(scores[size], ddof=1)) if draws > 1 else 0.0,
            "draws": draws,
        }
        for size in sizes
    ]
