"""What is known of the items of a pool before their labels are audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.task.spaces import Space

NONE = -1
"""In targets: there is no label."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that a rule may look at to find out which labels are doubtful.

    Labels are *targets*, as the space has them: of `single` shape (N,), of `multi` shape (N, C); an
    item without a label has -1 (in every column). Audit labels are never among it.

    Attributes:
        space: The answers of the task.
        machine: The labels of the machine of record.
        people: The labels that people have given, for whatever purpose but an audit.
        uniform: Which of the items that people labelled were drawn uniformly, shape (N,).
        probabilities: The machine's, calibrated, shape (N, C); None where it has none. A row of NaN
            is one without.
        confidence: How sure the machine says it is, shape (N,), where it has no probabilities; NaN
            where it does not say.
        votes: Labels by other prompts, demonstrations or models, one array of targets each.
        embeddings: Of the texts, shape (N, d).
        texts: The texts, N of them.
        field_embeddings: Of each text column by itself, shape (N, d) each, where a text has
            several, such as the two texts of a pair.
        copies: How many items of the pool have each text, shape (N,); None where each stands once.
    """

    space: Space
    machine: NDArray[np.int64]
    people: NDArray[np.int64]
    uniform: NDArray[np.bool_]
    probabilities: NDArray[np.float64] | None = None
    confidence: NDArray[np.float64] | None = None
    votes: tuple[NDArray[np.int64], ...] = ()
    embeddings: NDArray[np.float32] | None = None
    texts: Sequence[str] | None = None
    field_embeddings: tuple[NDArray[np.float32], ...] = ()
    copies: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.machine)

    @property
    def items(self) -> int:
        """How many labels are delivered: all items, those that repeat a text included."""
        return len(self) if self.copies is None else int(self.copies.sum())

    @property
    def by_people(self) -> NDArray[np.bool_]:
        """Which items people have labelled, shape (N,)."""
        return has_label(self.people)

    @property
    def by_machine(self) -> NDArray[np.bool_]:
        """Which items the machine has labelled, shape (N,)."""
        return has_label(self.machine)


def has_label(targets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows of targets are labels, shape (N,)."""
    flat = targets if targets.ndim == 1 else targets.min(axis=1, initial=0)
    return np.asarray(flat != NONE)


def differ(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows of targets are not the same answer, shape (N,)."""
    unequal = np.asarray(first) != np.asarray(second)
    return unequal if unequal.ndim == 1 else np.asarray(unequal.any(axis=1))
