"""What the learner of a campaign is trained on: the labels up to a round, read from the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.words import counted
from llmal.embed.protocol import Embedder
from llmal.learners.saved import FOLDER, write_labels
from llmal.ledger import Decided, Ledger
from llmal.run.events import Announcer
from llmal.run.held_out import HeldOut
from llmal.run.items import Positions, RunItems
from llmal.run.judgements import judgement_at, standing_synthetic
from llmal.run.label_shares import label_shares
from llmal.run.purposes import seen_annotations, seen_labels
from llmal.run.training import Trainer
from llmal.task import Task

_Mark = tuple[bytes, bytes, tuple[object, ...], bytes]


@dataclass(frozen=True)
class _Material:
    """What a learner is trained on.

    Attributes:
        labels: All labels, those included that are not learnt from.
        positions: Shape (L,): items of the pool that are learnt from.
        columns: Their answers as targets of the task's space, L rows.
        synthetic: Further texts that stand, and the columns of their labels.
        weight: What each of them weighs beside an item of the pool; at 0 they are not learnt from.
        shares: Shape (L, C): how probable each label is for each item; None where the learner is
            not to be told.
    """

    labels: dict[str, Decided]
    positions: NDArray[np.int64]
    columns: NDArray[np.int64]
    synthetic: list[tuple[str, int]]
    weight: float
    shares: NDArray[np.float64] | None = None

    @property
    def extra(self) -> list[tuple[str, int]]:
        """The further texts that are learnt from."""
        return self.synthetic if self.weight else []

    @property
    def mark(self) -> _Mark:
        """The same for the same material."""
        shares = b"" if self.shares is None else self.shares.tobytes()
        written = (*self.extra, self.weight)
        return self.positions.tobytes(), self.columns.tobytes(), written, shares

    def distinct_answers(self, task: Task) -> int:
        """How many different answers there are."""
        written = {task.names[column] for _, column in self.extra}
        return len({*task.space.answers(self.columns), *written})


class Learning:
    """Trains the learner on what the ledger holds, when somebody needs it.

    Args:
        task: The task.
        items: The items of the campaign.
        trainer: Fits and measures.
        embedder: Makes the vectors that the learner is trained on, if it wants any.
        directory: The run directory, in which the learner is kept.
        announcer: Told of every training.
    """

    def __init__(
        self,
        task: Task,
        items: RunItems,
        trainer: Trainer,
        *,
        embedder: Embedder | None,
        directory: Path,
        announcer: Announcer,
    ) -> None:
        self._task = task
        self._items = items
        self._trainer = trainer
        self._embedder = None if trainer.learner.input == "texts" else embedder
        self._folder = directory / FOLDER
        self._announcer = announcer
        self._trained_on: _Mark | None = None
        self._distinct_labels = 0
        self._up_to = -1
        self.with_synthetic = False
        """Whether synthetic items of the ledger are learnt from: where somebody writes them, or
        there are some already.
        """

    @property
    def is_useful(self) -> bool:
        """Whether the learner has seen two labels or more."""
        return self._trainer.fitted and self._distinct_labels > 1

    @property
    def is_tested(self) -> bool:
        """Whether there is a test set, on which the learner of every round is measured."""
        return self._trainer.is_tested

    def columns_of(self, labels: Mapping[str, Decided]) -> tuple[Positions, NDArray[np.int64]]:
        """Positions of labelled items, in the order of their ids, and their answers as targets.

        Items of the test set are left out.
        """
        learnt_from = self._items.learnt_from(labels)
        ids = sorted(learnt_from)
        targets = self._task.space.targets(learnt_from[i].label for i in ids)
        return self._items.pool.positions(ids), targets

    def _material(self, ledger: Ledger, number: int) -> _Material:
        labels = seen_labels(ledger, before_round=number + 1)
        columns = self.columns_of(labels)
        shares = None
        if self._trainer.reads_probabilities:
            shares = self._shares(ledger, number, labels)
        written, weight = self._synthetic(ledger, number)
        return _Material(labels, *columns, written, weight, shares)

    def _shares(
        self, ledger: Ledger, number: int, labels: Mapping[str, Decided]
    ) -> NDArray[np.float64]:
        """How probable each label is, for the items of `columns_of` and in their order."""
        said = {
            one.item_id: one.probabilities
            for one in seen_annotations(ledger)
            if one.probabilities is not None
            and (one.round is None or one.round <= number)
            and (found := labels.get(one.item_id)) is not None
            and (one.annotator, one.label) == (found.annotator, found.label)
        }
        learnt_from = self._items.learnt_from(labels)
        rows = [
            label_shares(learnt_from[i], said.get(learnt_from[i].copy_of or i), self._task.names)
            for i in sorted(learnt_from)
        ]
        return np.array(rows).reshape(len(rows), len(self._task.names))

    def _synthetic(self, ledger: Ledger, number: int) -> tuple[list[tuple[str, int]], float]:
        """Synthetic texts up to a round with their labels' columns, and what each weighs."""
        if not self.with_synthetic:
            return [], 1.0
        judgement = judgement_at(ledger, number)
        weight = 1.0 if judgement is None else judgement.weight
        standing = standing_synthetic(ledger, number)
        return [(one.text, self._task.index(one.label)) for one in standing], weight

    def held_out(self, ledger: Ledger, number: int, *, folds: int, seed: int) -> HeldOut:
        """People's labels up to a round, to be predicted by learners that were not shown them.

        The learner has to be trained anew after it.
        """
        labels = self._items.learnt_from(seen_labels(ledger, before_round=number + 1))
        positions, columns = self.columns_of(labels)
        shares = self._shares(ledger, number, labels) if self._trainer.reads_probabilities else None
        self._trained_on, self._up_to = None, -1
        return HeldOut(
            self._task, self._trainer, self._items, labels, positions, columns, shares, folds, seed
        )

    def catch_up(self, ledger: Ledger, number: int) -> dict[str, Decided]:
        """Train on everything up to a round, unless that is what the learner knows already.

        Returns:
            All labels up to that round.
        """
        material = self._material(ledger, number)
        if number >= 0 and material.mark != self._trained_on:
            self._train(material, number)
        self._up_to = number
        return material.labels

    def catch_up_once(self, ledger: Ledger, number: int) -> None:
        """The same, but what came later for a round that was learnt before is left for the next."""
        if self._up_to != number:
            self.catch_up(ledger, number)

    def learn(self, ledger: Ledger, number: int) -> dict[str, Any]:
        """Train on everything up to a round, measure, and keep the learner.

        Returns:
            Figures of the round.
        """
        figures = self._train(self._material(ledger, number), number)
        self._up_to = number
        return figures

    def count(self, ledger: Ledger, number: int) -> dict[str, Any]:
        """What there is to train on up to a round, where nobody needs the learner yet."""
        labels = seen_labels(ledger, before_round=number + 1)
        return _counts(labels, *self._synthetic(ledger, number))

    def _train(self, material: _Material, number: int) -> dict[str, Any]:
        figures = _counts(material.labels, material.synthetic, material.weight)
        if material.mark == self._trained_on and self._distinct_labels:
            # Fitted to the same it would be the same, and it is kept already.
            return {**figures, **self._trainer.measure()}
        self._trained_on = None
        self._distinct_labels = material.distinct_answers(self._task)
        if not self._distinct_labels:
            self._trained_on = material.mark
            return figures
        count = len(material.positions)
        self._announcer.tell("step", f"round {number}: training on {counted(count, 'label')}")
        self._trainer.fit(
            material.positions,
            material.columns,
            material.extra,
            material.shares,
            extra_weight=material.weight,
        )
        figures.update(self._trainer.measure())
        write_labels(self._folder, self._task, self._embedder)
        self._trainer.learner.save(self._folder)
        self._trained_on = material.mark
        return figures


def _counts(labels: Sized, synthetic: Sized, weight: float) -> dict[str, Any]:
    """How much there is to learn from, as figures of a round."""
    weighed = {"synthetic_weight": weight} if synthetic else {}
    return {"labelled": len(labels), "synthetic": len(synthetic), **weighed}
