"""Which labels two learners agree on: what is clean, what is hard, what is to be labelled again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llmal.errors import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class Agreement:
    """A partition of n items.

    Attributes:
        clean: Shape (n,): both learners say the label, and surely.
        hard: Shape (n,): both say it, and at least one of them not surely.
        to_purify: Shape (n,): a learner says something else; ask for the label again.
    """

    clean: NDArray[np.bool_]
    hard: NDArray[np.bool_]
    to_purify: NDArray[np.bool_]


class AgreementPartition:
    """Partitions items by the agreement of two learners (after NoiseAL, 2024).

    Of the paper only the abstract was available; the thresholds are our own. Sure is what both
    learners give at least the threshold of its class: a moving average, over the calls of `split`,
    of the mean probability that both give to the label among the items of the class that they
    agree on. It starts as that of the first call.

    Args:
        momentum: Share of the earlier threshold that is kept in each call.

    Attributes:
        thresholds: Shape (C,): NaN for a class on which they have never agreed.
    """

    thresholds: NDArray[np.float64]

    def __init__(self, momentum: float = 0.9) -> None:
        if not 0 <= momentum < 1:
            raise ConfigError(f"momentum is {momentum!r}", fix="give a share below 1")
        self.momentum = momentum

    def split(self, first: ArrayLike, second: ArrayLike, codes: ArrayLike) -> Agreement:
        """Partition items.

        Args:
            first: Probabilities of one learner, shape (n, C), best not of items it was trained on.
            second: Those of the other.
            codes: Shape (n,): the column of each item's label.

        Raises:
            DataError: The shapes do not fit.
        """
        one, other = np.asarray(first, float), np.asarray(second, float)
        labels = np.asarray(codes)
        if one.ndim != 2 or one.shape != other.shape or labels.shape != one.shape[:1]:
            raise DataError(
                f"probabilities of shapes {one.shape} and {other.shape} do not fit labels of shape "
                f"{labels.shape}",
                fix="give two tables (n, C) and n columns",
            )
        if len(labels) and (labels.dtype.kind not in "iu" or not _inside(labels, one.shape[1])):
            raise DataError("a label is no column of the probabilities", fix="give columns from 0")
        places = np.arange(len(labels))
        agreed = (one.argmax(axis=1) == labels) & (other.argmax(axis=1) == labels)
        own, theirs = one[places, labels], other[places, labels]
        self._move(labels[agreed], (own + theirs)[agreed] / 2, one.shape[1])
        sure = np.minimum(own, theirs) >= self.thresholds[labels]
        return Agreement(agreed & sure, agreed & ~sure, ~agreed)

    def _move(self, labels: NDArray[np.int64], said: NDArray[np.float64], width: int) -> None:
        counts = np.bincount(labels, minlength=width)
        sums = np.bincount(labels, weights=said, minlength=width)
        means = np.divide(sums, counts, out=np.full(width, np.nan), where=counts > 0)
        before = getattr(self, "thresholds", means)
        if before.shape != means.shape:
            raise DataError(
                f"there are {width} classes, and there were {len(before)} before",
                fix="use one AgreementPartition for each task",
            )
        moved = self.momentum * before + (1 - self.momentum) * means
        moved = np.where(np.isnan(before), means, moved)
        self.thresholds = np.where(np.isnan(means), before, moved)


def _inside(labels: NDArray[np.int64], width: int) -> bool:
    return bool(labels.min() >= 0 and labels.max() < width)
