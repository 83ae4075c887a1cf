"""People's labels, each predicted by a learner that was not shown it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import digest
from llmal.core.records import SyntheticItem
from llmal.generators import LearnerAnswers
from llmal.ledger import Decided
from llmal.run.items import RunItems
from llmal.run.training import Trainer
from llmal.task import Task


class HeldOut:
    """The labels that people gave, cut into folds of which each is held out in turn.

    Folds have about as many of each label, and copies of a text are in one fold. What machines
    labelled is trained on in every fold. A synthetic item is left out of the training for a fold
    that holds something it was made from or written after: it would give the answer away.

    Args:
        task: The task.
        trainer: Fits the learner.
        items: The items of the campaign.
        labels: The labels that are learnt from, by item.
        positions: Shape (L,): those items in the order of their ids.
        columns: Shape (L,): the columns of their labels.
        shares: Shape (L, C): how probable each label is; None where the learner is not told.
        folds: How many folds there are.
        seed: Of the campaign.
    """

    def __init__(
        self,
        task: Task,
        trainer: Trainer,
        items: RunItems,
        labels: Mapping[str, Decided],
        positions: NDArray[np.int64],
        columns: NDArray[np.int64],
        shares: NDArray[np.float64] | None,
        folds: int,
        seed: int,
    ) -> None:
        self._task = task
        self._trainer = trainer
        self._items = items
        self._positions = positions
        self._columns = columns
        self._shares = shares
        ids = sorted(labels)
        by_people = np.array([labels[id].kind == "human" for id in ids], dtype=bool)
        firsts = [items.first_of.get(id, id) for id in ids]
        self._folds = _folds(firsts, columns, by_people, folds, seed)
        self._fold_of = {
            first: fold
            for first, fold in zip(firsts, self._folds.tolist(), strict=True)
            if fold >= 0
        }
        self._count = folds
        self._held = np.flatnonzero(self._folds >= 0)
        self.truths: NDArray[np.int64] = columns[self._held]
        """Shape (H,): the columns of people's labels."""
        self.folds: NDArray[np.int64] = self._folds[self._held]
        """Shape (H,): the fold of each."""

    def __len__(self) -> int:
        return len(self.truths)

    @property
    def counts(self) -> dict[str, int]:
        """People's labels, by label."""
        count = np.bincount(self.truths, minlength=len(self._task.names))
        return dict(zip(self._task.names, count.tolist(), strict=True))

    def usable(self, synthetic: Sequence[SyntheticItem]) -> NDArray[np.bool_]:
        """Which of S synthetic items say nothing about what is held out, for each of F folds, shape
        (F, S).
        """
        result = np.ones((self._count, len(synthetic)), dtype=bool)
        for column, one in enumerate(synthetic):
            made_from = [
                id for key in ("sources", "demonstrations") for id in one.provenance.get(key, ())
            ]
            for id in made_from:
                fold = self._fold_of.get(self._items.first_of.get(id, id))
                if fold is not None:
                    result[fold, column] = False
        return result

    def probabilities(
        self, synthetic: Sequence[SyntheticItem], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The probabilities of the labels for what is held out.

        Args:
            synthetic: S items to train on besides.
            weights: Shape (V, S): what each of them weighs, in each of V variants.

        Returns:
            Shape (V, H, C).
        """
        extra = [(one.text, self._task.index(one.label)) for one in synthetic]
        return self._trainer.cross_fit(
            self._positions,
            self._columns,
            self._folds,
            extra,
            weights[:, None, :] * self.usable(synthetic),
            self._shares,
        )

    def answers(self, probabilities: NDArray[np.float64]) -> LearnerAnswers:
        """What the learner makes of the items that people labelled.

        Args:
            probabilities: Shape (H, C), of one variant.
        """
        names = self._task.names
        items = self._items.pool.items(self._positions[self._held])
        labelled = [
            replace(item, gold=names[column])
            for item, column in zip(items, self.truths.tolist(), strict=True)
        ]
        # What is predicted by a learner that knows not every label need not sum to one to the bit.
        return LearnerAnswers(labelled, np.clip(probabilities, 0, 1))

    def brier(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Brier scores, sum over labels of (p - y)^2, from 0 to 2, shape (..., H).

        Args:
            probabilities: Shape (..., H, C).
        """
        truth = np.eye(probabilities.shape[-1])[self.truths]
        return np.asarray(((probabilities - truth) ** 2).sum(axis=-1))


def _folds(
    firsts: Sequence[str],
    columns: NDArray[np.int64],
    by_people: NDArray[np.bool_],
    folds: int,
    seed: int,
) -> NDArray[np.int64]:
    """The fold of each item, shape (L,); -1 for what people have not labelled."""
    result = np.full(len(firsts), -1, dtype=np.int64)
    start = 0
    for column in np.unique(columns).tolist():
        rows = np.flatnonzero(by_people & (columns == column))
        groups = sorted(
            {firsts[row] for row in rows.tolist()}, key=lambda id: digest(f"{seed}\0{id}", 8)
        )
        # Labels with few items begin at different folds, so that none is much larger than another.
        fold_of = {id: (start + place) % folds for place, id in enumerate(groups)}
        start += len(groups)
        result[rows] = [fold_of[firsts[row]] for row in rows.tolist()]
    return result
