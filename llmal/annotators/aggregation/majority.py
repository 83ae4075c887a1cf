"""The answer of the most people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from llmal.annotators.aggregation.protocol import NOTHING, Aggregated, aggregated
from llmal.ledger.combining import WorkerAnswer
from llmal.task.spaces import KINDS, Space


class Majority:
    """The answer of the most people; of several labels each that more than half have given.

    Ties go to the latest answer, as in `llmal.ledger.combining.MajorityVote`, which the ledger uses
    where nothing else is said. The quality of a worker is the share of all answers to the same
    items that say the same as he does, his own among them.
    """

    name = "majority"
    spaces = KINDS
    by_item = True
    reads_beliefs = False

    def aggregate(
        self,
        answers: Mapping[str, Sequence[WorkerAnswer]],
        space: Space,
        beliefs: Mapping[str, Mapping[str, float]] = NOTHING,
    ) -> Aggregated:
        """Count votes."""
        rows = [space.distribution([one.answer for one in given]) for given in answers.values()]
        shares = np.array(rows, dtype=np.float64).reshape(len(answers), len(space.labels))
        return aggregated(answers, space, shares)
