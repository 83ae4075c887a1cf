"""From which probability on a label is given, where an item takes several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError
from llmal.task.spaces import refuse_unless
from llmal.task.task import Task

Thresholds = float | Mapping[str, float] | Literal["f1"]
"""A number for all labels, numbers by label, or "f1": chosen on labelled items."""

HALF = 0.5


def check_thresholds(task: Task, given: Thresholds) -> NDArray[np.float64] | Literal["f1"] | None:
    """Thresholds by column, shape (C,); "f1"; or None, where all are one half.

    Raises:
        ConfigError: One is no number from 0 to 1 or of no label, or the task takes one label an
            item and has no use for them.
    """
    if isinstance(given, str):
        if given != "f1":
            raise ConfigError(
                f"thresholds is {given!r}", fix="give numbers from 0 to 1, or 'f1' to choose them"
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


def f1_thresholds(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64]
) -> NDArray[np.float64]:
    """For each label the threshold of the best F1 on these items, shape (C,).

    Half-way between two probabilities that stand next to each other; of several that are as good
    the one nearest to one half. A label that none of the items has, or all, keeps one half. F1 of
    each label by itself is what makes macro F1 best (Lipton, Elkan and Naryanaswamy, 2014).

    Args:
        probabilities: Shape (n, C).
        truth: 1 where a label holds, shape (n, C).
    """
    columns = range(truth.shape[1])
    return np.array([_best(probabilities[:, one], truth[:, one]) for one in columns])


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
