"""What a learner makes of labelled items: what it confuses, and what is hard for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import entropy
from llmal.core.records import Item, one_label
from llmal.errors import ConfigError, DataError
from llmal.task import Task

Difficulty = Literal["loss", "entropy", "least-confidence", "margin"]


@dataclass(frozen=True, eq=False)
class LearnerAnswers:
    """The probabilities that a learner gives the labels of n labelled items.

    Items that it was trained on look easier to it than they are, so they should be others, or the
    probabilities those of learners that were not shown the item.

    Attributes:
        items: The items; the label is in `gold`.
        probabilities: Shape (n, C), in the order of the task's labels.

    Raises:
        DataError: The shapes do not fit, a probability is none, or an item has no label.
    """

    items: Sequence[Item]
    probabilities: NDArray[np.float64]

    def __post_init__(self) -> None:
        shape = self.probabilities.shape
        if len(shape) != 2 or shape[0] != len(self.items):
            raise DataError(
                f"there are {len(self.items)} items, and the learner's probabilities have the "
                f"shape {shape}",
                fix="give a row for each item and a column for each label",
            )
        if not ((self.probabilities >= 0) & (self.probabilities <= 1)).all():
            raise DataError("the learner's probabilities are not all from 0 to 1")

    def truths(self, task: Task) -> NDArray[np.int64]:
        """The column of each item's label, shape (n,).

        Raises:
            DataError: An item has no label of the task, or there is not a column for each label.
        """
        if self.probabilities.shape[1] != len(task.names):
            raise DataError(
                f"the learner knows {self.probabilities.shape[1]} labels, and task {task.name!r} "
                f"has {len(task.names)}"
            )
        for one in self.items:
            if one.gold is None:
                raise DataError(f"the item {one.id!r} has no label", fix="give labelled items")
        return np.array([task.index(one_label(one.gold)) for one in self.items], dtype=np.int64)

    def confusion(self, task: Task) -> NDArray[np.int64]:
        """How often items of each label (row) are taken for each (column), shape (C, C)."""
        size = len(task.names)
        pairs = self.truths(task) * size + self.probabilities.argmax(axis=1)
        return np.bincount(pairs, minlength=size * size).reshape(size, size)

    def difficulty(self, task: Task, measure: Difficulty) -> NDArray[np.float64]:
        """How hard each item is for the learner, shape (n,), the hardest highest.

        "loss" is -ln p of its label, "entropy" -sum p ln p, "least-confidence" 1 - max p, and
        "margin" 1 - (p1 - p2).

        Raises:
            ConfigError: There is no such measure.
        """
        p = self.probabilities
        if measure == "loss":
            own = p[np.arange(len(p)), self.truths(task)]
            return np.asarray(-np.log(np.maximum(own, np.finfo(np.float64).tiny)))
        if measure == "entropy":
            return entropy(p)
        if measure == "least-confidence":
            return np.asarray(1 - p.max(axis=1))
        if measure == "margin":
            top = np.sort(p, axis=1)[:, -2:]
            return np.asarray(1 - (top[:, 1] - top[:, 0]))
        raise ConfigError(
            f"there is no measure {measure!r} of difficulty",
            fix=f"use {', '.join(get_args(Difficulty))}",
        )
