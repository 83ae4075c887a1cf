"""Synthetic items in a run: written, filtered, recorded, and handed to the learner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llmal.annotators.protocol import Context
from llmal.generators import run_filters
from llmal.generators.protocol import Filter, Generator, Request
from llmal.ledger import Ledger
from llmal.records import Usage
from llmal.task import Task


class Synthesis:
    """Has a generator write items for every label, every so many rounds.

    Args:
        task: The task.
        generator: Writes.
        filters: Refuse.
        per_label: Texts asked for, for each label.
        every: Rounds from one time to the next.
        seed: Seeds the generator.
    """

    def __init__(
        self,
        task: Task,
        generator: Generator,
        filters: Sequence[Filter],
        *,
        per_label: int,
        every: int,
        seed: int,
    ) -> None:
        self._task = task
        self._generator = generator
        self._filters = list(filters)
        self._per_label = per_label
        self._every = every
        self._seed = seed
        self._told = False

    def round(self, ledger: Ledger, number: int, context: Context) -> None:
        """Write the items of a round, those of labels that were done before a kill excepted."""
        if number % self._every:
            return
        done = {one.label for one in ledger.synthetic() if one.provenance.get("round") == number}
        for column, label in enumerate(self._task.names):
            if label in done:
                continue
            seed = np.random.SeedSequence([self._seed, 0x5E7, number, column]).generate_state(1)[0]
            request = Request(label, context.demonstrations, seed=int(seed) >> 1)
            written = run_filters(self._generator.generate(request, self._per_label), self._filters)
            ledger.add_synthetic(
                [replace(one, provenance={**one.provenance, "round": number}) for one in written]
            )
            spent = sum((one.usage for one in written), Usage())
            ledger.spend(self._generator.name, spent, key=f"generate-{number}-{label}")
