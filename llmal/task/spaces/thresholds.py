"""From which probability on a label is given, where an item takes several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError
from llmal.task.spaces import Space, refuse_unless
from llmal.task.task import Task

Chosen = Literal["f1", "auto"]
"""Words for thresholds that are chosen: "f1" on labelled items, "auto" on texts of the pool."""

Thresholds = float | Mapping[str, float] | Chosen
"""A number for all labels, numbers by label, or how they are chosen."""

HALF = 0.5

SHARED_ITEMS = 100
"""Items of a label at which its own threshold counts as much as the one of all labels. Chosen on
train rows of GoEmotions, see docs/results.md."""

_SHORT_OF_CERTAIN = 1e-4


def check_thresholds(task: Task, given: Thresholds) -> NDArray[np.float64] | Chosen | None:
    """Thresholds by column, shape (C,); how they are chosen; or None, where all are one half.

    Raises:
        ConfigError: One is no number from 0 to 1 or of no label, or the task takes one label an
            item and has no use for them.
    """
    if given == "auto":
        return None if task.space.rows_sum_to_one else "auto"
    if isinstance(given, str):
        if given != "f1":
            raise ConfigError(
                f"thresholds is {given!r}",
                fix="give numbers from 0 to 1, or 'auto' or 'f1' to choose them",
            )
        refuse_unless(task, ("multi",), "the option thresholds", "leave it out")
        return "f1"
    by_label = given if isinstance(given, Mapping) else dict.fromkeys(task.names, given)
    columns = np.full(len(task.names), HALF)
    for name, value in by_label.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise ConfigError(
                f"the threshold of label {name!r} is {value!r}", fix="give a number from 0 to 1"
            )
        if name not in task.names:
            raise ConfigError(
                f"there is a threshold for {name!r}, which is no label of task {task.name!r}",
                fix=f"its labels are {', '.join(task.names)}",
            )
        columns[task.names.index(name)] = value
    if (columns == HALF).all():
        return None
    refuse_unless(task, ("multi",), "the option thresholds", "leave it out")
    return columns


def decide(
    space: Space, probabilities: NDArray[Any], thresholds: NDArray[np.float64] | None
) -> NDArray[np.int64]:
    """The targets that probabilities, shape (n, C), speak for, by thresholds where there are any.

    Args:
        space: What an answer is.
        probabilities: As the space has them.
        thresholds: Shape (C,); None for what the space decides.
    """
    if thresholds is None:
        return space.decide(probabilities)
    return np.asarray(np.asarray(probabilities) > thresholds, dtype=np.int64)


def f1_thresholds(
    probabilities: NDArray[np.float64],
    truth: NDArray[np.int64],
    shared_items: float = SHARED_ITEMS,
) -> NDArray[np.float64]:
    """For each label the threshold of the best F1 on these items, shape (C,).

    Half-way between two probabilities that stand next to each other; of several that are as good
    the one nearest to one half. F1 of each label by itself is what makes macro F1 best (Lipton,
    Elkan and Naryanaswamy, 2014), and one threshold for all labels what is best for micro F1. Of a
    label that few items have, the best one is chance: so it is drawn, in log-odds, towards the
    one for all, with the weight n / (n + `shared_items`) for n items that have the label.

    Args:
        probabilities: Shape (n, C).
        truth: 1 where a label holds, shape (n, C).
        shared_items: 0 takes each label by itself.
    """
    columns = range(truth.shape[1])
    own = np.array([_best(probabilities[:, one], truth[:, one]) for one in columns])
    if not shared_items:
        return own
    counts = truth.sum(axis=0)
    weights = np.where(counts < len(truth), counts / (counts + shared_items), 0)
    shared = _log_odds(_best(probabilities.ravel(), truth.ravel()))
    drawn = weights * _log_odds(own) + (1 - weights) * shared
    return np.asarray(1 / (1 + np.exp(-drawn)))


def expected_f1_threshold(probabilities: NDArray[np.float64]) -> float:
    """The one threshold of the best expected micro F1, going by the probabilities themselves.

    The k likeliest of all answers yes are right sum(p) times, and there are as many to be found as
    all p sum to: F1 is about 2 sum(p) / (k + sum of all p), as of Lewis, 1995, and Lipton, Elkan
    and Naryanaswamy, 2014, for calibrated probabilities. It lies near half of that F1, so that
    labels that are seldom certain are given too.

    Args:
        probabilities: Shape (n, C), calibrated.
    """
    ranked = np.sort(probabilities.ravel())[::-1]
    counts = np.arange(1, len(ranked) + 1)
    best = int((ranked.cumsum() / (counts + ranked.sum())).argmax())
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def _log_odds(thresholds: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Of thresholds short of certainty, which would outweigh all others."""
    kept = np.clip(thresholds, _SHORT_OF_CERTAIN, 1 - _SHORT_OF_CERTAIN)
    return np.asarray(np.log(kept / (1 - kept)))


def _best(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    positive = int(truth.sum())
    if positive in (0, len(truth)):
        return HALF
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    # Equal probabilities are given together.
    ends = np.flatnonzero(np.r_[ranked[1:] < ranked[:-1], True])
    right = truth[order].cumsum()[ends]
    scores = 2 * right / (ends + 1 + positive)
    below = np.r_[ranked[1:], 0.0][ends]
    cuts = (ranked[ends] + below) / 2
    best = np.flatnonzero(np.isclose(scores, scores.max(), rtol=0, atol=1e-12))
    return float(cuts[best[np.abs(cuts[best] - HALF).argmin()]])
