"""What a campaign knows of its items before their labels are audited, from its ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from llmal.annotators.router import Router
from llmal.core.records import Annotation
from llmal.guarantee.evidence import NONE, Evidence, has_label
from llmal.ledger import Ledger
from llmal.ledger.translation import Reading
from llmal.pool import Pool
from llmal.run.purposes import seen_annotations, seen_labels
from llmal.task import Task

_AT_ONCE = 4096
_PEOPLE_AND_LEARNERS = ("human", "learner")


@dataclass(frozen=True, eq=False)
class _StageAnswers:
    """The last answers of one stage about a whole pool.

    Attributes:
        targets: Shape (N,) or (N, C).
        probabilities: Shape (N, C); rows of NaN where there are none.
        confidence: Shape (N,), where there are no probabilities.
    """

    targets: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    confidence: NDArray[np.float64]


@dataclass
class _MachineAnswers:
    """What machines have answered, as far as the ledger was read.

    Attributes:
        reading: Under which answers were read.
        read: The number of the last annotation that was looked at.
        number: Of the round before which answers count.
        left_out: Whether answers of that round or a later one were read, and left out.
        stages: The answers of each stage.
    """

    reading: Reading
    read: int = 0
    number: int = 0
    left_out: bool = False
    stages: dict[str, _StageAnswers] = field(default_factory=dict)

    def leads_to(self, reading: Reading, number: int) -> bool:
        """Whether what came since, added, makes what is known before a round."""
        if self.left_out:
            return reading is self.reading and number == self.number
        return reading is self.reading and number >= self.number


class EvidenceBuilder:
    """Builds the evidence of a campaign: the one place that decides what a promise is prepared by.

    Labels of audits are never among it.

    Args:
        task: Of the campaign, as the following are.
        pool: Its texts.
        router: Of several machines the label of the last one that has one is the machine's; those
            of the others are votes.
        embeddings: Gives the embeddings of the whole pool; None where nothing embeds.
        field_embeddings: Gives those of each text column by itself, where there are any.
    """

    def __init__(
        self,
        task: Task,
        pool: Pool,
        router: Router,
        embeddings: Callable[[], NDArray[np.float32]] | None,
        field_embeddings: Callable[[], tuple[NDArray[np.float32], ...]] | None = None,
    ) -> None:
        self._task = task
        self._pool = pool
        self._order = [s.annotator.name for s in router.stages if s.annotator.kind != "human"]
        self._embeddings = embeddings
        self._field_embeddings = field_embeddings
        # Only what is new in the ledger is read from one round to the next.
        self._kept: _MachineAnswers | None = None

    def build(
        self, ledger: Ledger, number: int, item_ids: Sequence[str], uniform: Sequence[str]
    ) -> Evidence:
        """What is known before a round.

        Args:
            ledger: Of the campaign.
            number: Of the round.
            item_ids: The items that positions are to be those of.
            uniform: Items that were drawn uniformly to be labelled by people.
        """
        rows = self._pool.positions([*item_ids])
        stages = [_rows_of(one, rows) for one in self._machines(ledger, number)]
        machine = _combined(self._blank(len(rows)), [one.targets for one in stages])
        probabilities = np.full((len(rows), len(self._task.labels)), np.nan)
        confidence = np.full(len(rows), np.nan)
        votes = []
        decided = np.zeros(len(rows), dtype=bool)
        for one in reversed(stages):
            its = has_label(one.targets) & ~decided
            probabilities[its] = one.probabilities[its]
            confidence[its] = one.confidence[its]
            decided |= its
            others = one.targets.copy()
            others[its] = NONE
            votes.append(others)
        people, drawn = self._people(ledger, number, item_ids, uniform)
        return Evidence(
            space=self._task.space,
            machine=machine,
            people=people,
            uniform=drawn,
            probabilities=None if np.isnan(probabilities).all() else probabilities,
            confidence=None if np.isnan(confidence).all() else confidence,
            votes=tuple(one for one in reversed(votes) if has_label(one).any()),
            embeddings=None if self._embeddings is None else self._embeddings()[rows],
            texts=self._pool.texts(rows),
            field_embeddings=tuple(
                one[rows] for one in (self._field_embeddings() if self._field_embeddings else ())
            ),
        )

    def _people(
        self, ledger: Ledger, number: int, item_ids: Sequence[str], uniform: Sequence[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        labels = seen_labels(ledger, before_round=number)
        theirs = [i in labels and labels[i].kind == "human" for i in item_ids]
        by_people = np.array(theirs, dtype=bool)
        people = self._blank(len(item_ids))
        if by_people.any():
            answers = [labels[i].label for i, its in zip(item_ids, theirs, strict=True) if its]
            people[by_people] = self._task.space.targets(answers)
        seed = {*uniform}
        return people, by_people & np.array([i in seed for i in item_ids], dtype=bool)

    def _blank(self, size: int) -> NDArray[np.int64]:
        shape = (size,) if self._task.space.rows_sum_to_one else (size, len(self._task.labels))
        return np.full(shape, NONE, dtype=np.int64)

    def _machines(self, ledger: Ledger, number: int) -> list[_StageAnswers]:
        """The answers of machines about the whole pool, stage by stage, that of record last."""
        kept = self._kept
        if kept is None or not kept.leads_to(ledger.reading, number):
            kept = self._kept = _MachineAnswers(ledger.reading)
        last = ledger.last_annotation()
        new = (
            one
            for one in seen_annotations(ledger, after=kept.read)
            if one.kind not in _PEOPLE_AND_LEARNERS and one.label is not None
        )
        while part := list(islice(new, _AT_ONCE)):
            before = [one for one in part if one.round is None or one.round < number]
            kept.left_out |= len(before) < len(part)
            self._add(kept, before)
        kept.read, kept.number = last, number
        ranks = {name: rank for rank, name in enumerate(self._order)}
        names = sorted(kept.stages, key=lambda name: (ranks.get(name, -1), name))
        return [kept.stages[name] for name in names]

    def _add(self, kept: _MachineAnswers, answers: Sequence[Annotation]) -> None:
        """Take up answers, of which a later one takes the place of an earlier one."""
        rows = self._pool.positions([one.item_id for one in answers])
        given: dict[str, dict[int, Annotation]] = {}
        for row, one in zip(rows.tolist(), answers, strict=True):
            given.setdefault(one.stage or one.annotator, {})[row] = one
        for stage, its in given.items():
            if stage not in kept.stages:
                kept.stages[stage] = self._no_answers()
            self._write(kept.stages[stage], its)

    def _no_answers(self) -> _StageAnswers:
        size = len(self._pool)
        return _StageAnswers(
            self._blank(size),
            np.full((size, len(self._task.labels)), np.nan),
            np.full(size, np.nan),
        )

    def _write(self, stage: _StageAnswers, given: dict[int, Annotation]) -> None:
        names = self._task.names
        rows = np.fromiter(given, dtype=np.int64, count=len(given))
        stage.targets[rows] = self._task.space.targets(
            one.label for one in given.values() if one.label is not None
        )
        stage.probabilities[rows], stage.confidence[rows] = np.nan, np.nan
        for row, one in given.items():
            # Of a recorded answer the probability of its own label is known, and no other.
            if one.kind == "recorded" or one.probabilities is None:
                stage.confidence[row] = np.nan if one.confidence is None else one.confidence
            else:
                stage.probabilities[row] = [one.probabilities.get(name, 0.0) for name in names]


def _rows_of(answers: _StageAnswers, rows: NDArray[np.int64]) -> _StageAnswers:
    return _StageAnswers(
        answers.targets[rows], answers.probabilities[rows], answers.confidence[rows]
    )


def _combined(blank: NDArray[np.int64], stages: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Of each item the label of the last stage that has one."""

    def over(before: NDArray[np.int64], later: NDArray[np.int64]) -> NDArray[np.int64]:
        its = has_label(later)
        before[its] = later[its]
        return before

    return reduce(over, stages, blank)
