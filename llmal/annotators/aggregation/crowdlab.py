"""People beside a machine's probabilities, as cleanlab puts them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from llmal.annotators.aggregation.extras import require
from llmal.annotators.aggregation.protocol import NOTHING, Aggregated
from llmal.core.records import Answer
from llmal.errors import AnnotationError
from llmal.ledger.combining import WorkerAnswer
from llmal.task.spaces import Space


class Crowdlab:
    """CROWDLAB (Goh, Tkachenko and Mueller, 2022): each person and the machine are weighted by how
    well they agree with the others.

    The machine is whoever gave probabilities last in the run. An item without any is given the mean
    of the others. What is not on the answer is shared evenly among the other labels, as cleanlab
    tells no more.

    Raises:
        ConfigError: cleanlab is not installed.
    """

    name = "crowdlab"
    spaces = ("single",)
    by_item = False
    reads_beliefs = True

    def __init__(self) -> None:
        require("cleanlab", "the aggregation crowdlab", "cleanlab")

    def aggregate(
        self,
        answers: Mapping[str, Sequence[WorkerAnswer]],
        space: Space,
        beliefs: Mapping[str, Mapping[str, float]] = NOTHING,
    ) -> Aggregated:
        """Weigh people and machine.

        Raises:
            AnnotationError: No machine has given probabilities for any of the items.
        """
        import pandas as pd
        from cleanlab.multiannotator import get_label_quality_multiannotator

        known = [
            [beliefs[item_id].get(name, 0.0) for name in space.labels]
            if item_id in beliefs
            else None
            for item_id in answers
        ]
        rows = [row for row in known if row is not None]
        if not rows:
            raise AnnotationError(
                "crowdlab weighs people beside the probabilities of a machine, and there are none "
                "of the items that several people have answered",
                fix="use dawid_skene, or let a language model answer first",
            )
        mean = np.mean(rows, axis=0).tolist()
        machine = np.array([mean if row is None else row for row in known])
        people = sorted({one.worker for given in answers.values() for one in given})
        table = pd.DataFrame(np.nan, index=list(answers), columns=people)
        for item_id, given in answers.items():
            for one, column in zip(given, space.targets([a.answer for a in given]), strict=True):
                table.loc[item_id, one.worker] = column
        found = get_label_quality_multiannotator(
            table, machine, verbose=False, return_detailed_quality=False
        )
        quality = found["label_quality"]
        columns = quality["consensus_label"].to_numpy(dtype=np.int64)
        sure = quality["consensus_quality_score"].to_numpy(dtype=np.float64)
        others = max(len(space.labels) - 1, 1)
        shares = np.repeat(((1 - sure) / others)[:, np.newaxis], len(space.labels), axis=1)
        shares[np.arange(len(columns)), columns] = sure
        chosen: list[Answer] = space.answers(columns)
        stats = found["annotator_stats"]["annotator_quality"]
        workers = {str(name): float(share) for name, share in sorted(stats.items())}
        return Aggregated(tuple(answers), tuple(chosen), shares, sure, workers)
