"""Synthetic items in a run: written, filtered, recorded, and handed to the learner."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from llmal.core.records import Item, SyntheticItem, Usage, total
from llmal.generators import lack, plan_filtered, with_new_ids
from llmal.generators.filters import Preparing, Remembering
from llmal.generators.protocol import Filter, Generator, Request
from llmal.ledger import Expense, Ledger
from llmal.prompting.protocol import Probing
from llmal.run.purse import PREPARATION, Purse
from llmal.task import Task

log = logging.getLogger("llmal.run")


class Synthesis:
    """Has a generator write items for every label, every so many rounds.

    Args:
        task: The task.
        generator: Writes.
        filters: Refuse.
        per_label: Texts asked for, for each label.
        every: Rounds from one time to the next.
        seed: Seeds the generator.
        on_step: Told what is being written.
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
        on_step: Callable[[str], None] = lambda what: None,
    ) -> None:
        self._task = task
        self._generator = generator
        self._filters = list(filters)
        self._per_label = per_label
        self._every = every
        self._seed = seed
        self._on_step = on_step
        self._recalled: set[str] = set()

    @property
    def name(self) -> str:
        """What its costs are called in the ledger."""
        return self._generator.name

    @property
    def parts(self) -> list[Generator | Filter]:
        """The generator and the filters."""
        return [self._generator, *self._filters]

    @property
    def probing(self) -> list[Probing]:
        """Its parts that ask the model for the form of their prompts before they are used."""
        return [one for one in self.parts if isinstance(one, Probing)]

    def highest(self, rounds: int, longest: Sequence[Item]) -> Usage:
        """The most that so many rounds can cost. Asks nobody.

        Args:
            rounds: Rounds of the run.
            longest: The longest demonstrations that there may be.
        """
        turns = -(-rounds // self._every)
        costs = [one.plan_preparation().highest for _, one in self._preparing]
        # Of every label, as each may have them.
        shown = tuple(
            replace(one, id=f"{one.id}-{name}", gold=name)
            for name in self._task.names
            for one in longest
        )
        for label in self._task.names:
            request = Request(label, shown, standing_in=True, sources=shown)
            if lack(self._generator, request) is not None:
                continue
            turn = plan_filtered(self._generator, self._filters, request, self._per_label)
            costs += [turn.highest] * turns
        return total(costs)

    def round(
        self, purse: Purse, ledger: Ledger, number: int, demonstrations: Sequence[Item]
    ) -> None:
        """Write the items of a round, those of labels that were done before a kill excepted.

        As many as the budget allows: what each label's items cost at most is asked of the purse
        before, and what they did cost is in the ledger as soon as they are.

        Args:
            purse: Of the run.
            ledger: Of the run.
            number: Of the round.
            demonstrations: Items that people have labelled, those of this round included.
        """
        if number % self._every:
            return
        if not self._prepare(purse):
            return
        stored = ledger.synthetic()
        self._recall([one for one in stored if one.accepted])
        ids = Counter(one.id for one in stored)
        of_round = [one for one in stored if one.provenance.get("round") == number]
        for column, label in enumerate(self._task.names):
            key = f"generate-{number}-{label}"
            if ledger.has_spent(key):
                continue
            done = [one for one in of_round if one.label == label]
            if done:
                # Written by an llmal that booked the cost afterwards, and killed in between.
                self._keep(ledger, [], done, key)
                continue
            seed = np.random.SeedSequence([self._seed, 0x5E7, number, column]).generate_state(1)[0]
            request = Request(label, demonstrations, seed=int(seed) >> 1, sources=demonstrations)
            if (why := lack(self._generator, request)) is not None:
                log.warning("round %d: no items of %r are written: %s", number, label, why)
                continue
            plan = plan_filtered(
                self._generator,
                self._filters,
                request,
                self._per_label,
                lambda made: with_new_ids(made, ids),
            )
            count = purse.admitted(plan, self._per_label)
            if not count:
                return
            self._on_step(f"round {number}: writing {count} items of {label!r}")
            part = plan if count == self._per_label else plan.first(count)
            asked = {"task_version": ledger.reading.version}
            checked = [
                replace(one, provenance={**one.provenance, "round": number, **asked})
                for one in part.execute()
            ]
            self._recalled.update(one.id for one in checked)
            self._keep(ledger, checked, checked, key)
            if count < self._per_label:
                return

    @property
    def _preparing(self) -> list[tuple[str, Preparing]]:
        """Filters that calibrate, each with the key of the expense."""
        return [
            (f"prepare-{one.name}-{number}", one)
            for number, one in enumerate(self._filters)
            if isinstance(one, Preparing)
        ]

    def _prepare(self, purse: Purse) -> bool:
        """Have the filters calibrated, once in a run; whether the budget allows that."""
        return all(self._prepare_one(purse, key, one) for key, one in self._preparing)

    def _prepare_one(self, purse: Purse, key: str, one: Preparing) -> bool:
        refused = purse.refused
        less_key = f"{key}-less"
        # What was prepared before a kill is prepared in the same way again.
        ways = [(key, False), (less_key, True)]
        for booked_as, less in ways[1:] if purse.has_booked(less_key) else ways:
            plan = one.plan_preparation(less=less)
            if purse.admits(plan, key=booked_as):
                purse.refused = refused
                purse.book(PREPARATION, plan.execute(), booked_as)
                return True
        return False

    def _keep(
        self,
        ledger: Ledger,
        items: Sequence[SyntheticItem],
        paid: Sequence[SyntheticItem],
        key: str,
    ) -> None:
        spent = total(one.usage for one in paid)
        ledger.add_synthetic(items, expense=Expense(key, self.name, time.time(), spent))

    def _recall(self, accepted: Sequence[SyntheticItem]) -> None:
        """Tell the filters of what an earlier process had accepted."""
        new = [one for one in accepted if one.id not in self._recalled]
        self._recalled.update(one.id for one in new)
        for one in self._filters:
            if isinstance(one, Remembering):
                one.remember(new)
