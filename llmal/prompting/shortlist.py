"""A shortlist of likely labels for each item, where a task has too many to score them all."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item, one_label
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError
from llmal.task import Label, Task

WIDE = 20
"""Sets of more labels than this are shortlisted by default."""

RECALL = 0.95
"""Share of items whose label is to be on their shortlist."""

UNMEASURED = 0.65
"""What the recall is taken to be where too few labelled items tell it: what a list of half of the
labels reached on train rows of every wide set, also under names that say little
(benchmarks/shortlist_size.py).
"""

_LEAST_SIZE = 5
_RANK_WEIGHT = 10


@dataclass(frozen=True)
class ShortlistSize:
    """How many labels are scored for an item, and what that leaves out.

    Attributes:
        labels: How many.
        recall: Share of items whose label is among them: measured, or a cautious guess.
        items: Labelled items that it was measured on; 0 if it was not.
    """

    labels: int
    recall: float
    items: int


class Shortlist(Protocol):
    """Chooses the labels that are scored for each item."""

    @property
    def size(self) -> ShortlistSize:
        """How many, and what that leaves out."""
        ...

    def inside(self, items: Sequence[Item]) -> NDArray[np.bool_]:
        """Which labels are on the list of each item, shape (n, C)."""
        ...

    def spread(
        self, probabilities: NDArray[np.float64], inside: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Probabilities over all labels: those on the list share the recall, and those outside it
        the rest alike.

        Args:
            probabilities: Shape (n, C), zero outside the list; each row sums to one.
            inside: As `inside` gives it.
        """
        ...


class Costliest:
    """The labels that cost most, the same for each item: for a plan, which embeds no text.

    Args:
        tokens: Shape (C,): tokens of each label.
        size: How many labels.
    """

    def __init__(self, tokens: NDArray[np.int64], size: int) -> None:
        self.size = ShortlistSize(min(size, len(tokens)), UNMEASURED, 0)
        order = np.argsort(-tokens, kind="stable")
        self._row = np.zeros(len(tokens), dtype=np.bool_)
        self._row[order[: self.size.labels]] = True

    def inside(self, items: Sequence[Item]) -> NDArray[np.bool_]:
        """The same labels for each item, shape (n, C)."""
        return np.repeat(self._row[None], len(items), axis=0)

    def spread(
        self, probabilities: NDArray[np.float64], inside: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """As they are."""
        return probabilities


class Shortlister:
    """Ranks the labels of a task for each item, the nearest first.

    Two rankings are joined: by the cosine of the item and the label's own name, words and
    description, and by that of the item and the nearest labelled item of the label. A label's
    place is by sum of 1 / (10 + rank) over both (reciprocal rank fusion, Cormack et al. 2009), so
    that neither scale matters; a label without labelled items has the first ranking alone.

    Args:
        task: The task.
        embedder: Embeds items and labels.
        labelled: Items with a label in `gold`. No item is compared with itself.
        size: Labels on a list; None chooses the fewest that reach `recall` on the labelled items,
            each ranked without itself; with fewer than nineteen of them, half of the labels.
        recall: Share of items whose label is to be on their list.

    Raises:
        ConfigError: The size or the recall cannot be used.
    """

    def __init__(
        self,
        task: Task,
        embedder: Embedder,
        labelled: Sequence[Item] = (),
        *,
        size: int | None = None,
        recall: float = RECALL,
    ) -> None:
        check_shortlist(size, recall)
        self._task = task
        self._embedder = embedder
        known = set(task.names)
        self._labelled = [one for one in labelled if one.gold in known]
        self._of = np.array(
            [task.index(one_label(one.gold)) for one in self._labelled], dtype=np.int64
        )
        self._ids = [one.id for one in self._labelled]
        self._labels = embedder.embed([label_text(label) for label in task.labels])
        self._shown = (
            embedder.embed([one.text for one in self._labelled]) if self._labelled else None
        )
        self.size = self._chosen_size(size, recall)

    def inside(self, items: Sequence[Item]) -> NDArray[np.bool_]:
        """Which labels are on the list of each item, shape (n, C)."""
        places = self.places(items)
        return np.asarray(places < self.size.labels)

    def places(self, items: Sequence[Item]) -> NDArray[np.int64]:
        """The place of each label in the ranking of each item, from 0, shape (n, C)."""
        count = len(self._task.labels)
        if not items:
            return np.zeros((0, count), dtype=np.int64)
        vectors = self._embedder.embed([one.text for one in items])
        points = 1 / (_RANK_WEIGHT + _ranks(vectors @ self._labels.T))
        if self._shown is not None:
            cosines = vectors @ self._shown.T
            own = {one: row for row, one in enumerate(self._ids)}
            for row, item in enumerate(items):
                if item.id in own:
                    cosines[row, own[item.id]] = -np.inf
            nearest = np.full((len(items), count), -np.inf)
            for column in range(count):
                members = self._of == column
                if members.any():
                    nearest[:, column] = cosines[:, members].max(axis=1)
            near = 1 / (_RANK_WEIGHT + _ranks(nearest))
            points = points + np.where(np.isneginf(nearest), points, near)
        return _ranks(points)

    def spread(
        self, probabilities: NDArray[np.float64], inside: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Probabilities over all labels: those on the list share the recall, and those outside it
        the rest alike.
        """
        outside = (~inside).sum(axis=1, keepdims=True)
        rest = np.where(outside > 0, 1 - self.size.recall, 0.0)
        even = rest / np.maximum(outside, 1)
        return np.where(inside, probabilities * (1 - rest), even)

    def _chosen_size(self, size: int | None, recall: float) -> ShortlistSize:
        count = len(self._task.labels)
        items = len(self._labelled)
        # The place that so large a share of places is not above, with the next item among them.
        place = math.ceil((items + 1) * recall)
        if place > items:
            return ShortlistSize(
                min(size or largest_size(count), count), min(recall, UNMEASURED), 0
            )
        own = self.places(self._labelled)[np.arange(items), self._of]
        if size is None:
            size = max(int(np.sort(own)[place - 1]) + 1, _LEAST_SIZE)
            size = min(size, largest_size(count))
        size = min(size, count)
        found = int((own < size).sum())
        return ShortlistSize(size, (found + 1) / (items + 2), items)


def check_shortlist(size: int | None, recall: float) -> None:
    """Refuse what is no shortlist.

    Raises:
        ConfigError: The size is below two, or the recall is not a share.
    """
    if size is not None and size < 2:
        raise ConfigError(
            f"a shortlist of {size} labels leaves nothing to choose", fix="use 2 or more"
        )
    if not 0 < recall < 1:
        raise ConfigError(
            f"the recall of the shortlist is {recall}", fix="use a share such as 0.95"
        )


def largest_size(labels: int) -> int:
    """The most labels that a shortlist chooses by itself, and as many as it has where nothing tells
    how many it takes: a list of nearly all saves nothing, and half of the labels is the least that
    held the labels of eight in ten train rows wherever their names say what they mean
    (benchmarks/shortlist_size.py).
    """
    return max(WIDE, -(-labels // 2))


def label_text(label: Label) -> str:
    """What a label means, for an embedder."""
    words = [re.sub(r"[_:/.\-]+", " ", word) for word in dict.fromkeys([label.name, *label.words])]
    said = ", ".join(words)
    return f"{said}: {label.description}" if label.description else said


def _ranks(values: NDArray[np.floating]) -> NDArray[np.int64]:
    """The place of each value in its row, the largest first; of equal ones the first."""
    order = np.argsort(-values, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(values.shape[1])[None, :], axis=1)
    return ranks
