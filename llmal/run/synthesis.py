"""Synthetic items in a run: written, filtered, recorded, judged, and handed to the learner."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from llmal.core.plans import BatchPlan
from llmal.core.records import Item, SyntheticItem, Usage, total
from llmal.generators import LearnerAnswers, lack, plan_filtered, with_new_ids
from llmal.generators.filters import Preparing, Protecting, Remembering
from llmal.generators.policies import Policy, SynthesisState
from llmal.generators.protocol import Apportioning, Filter, Generator, Needing, Request
from llmal.ledger import Expense, Ledger
from llmal.prompting.protocol import Probing
from llmal.run.budget import Budget
from llmal.run.events import Announcer
from llmal.run.held_out import HeldOut
from llmal.run.items import RunItems
from llmal.run.judgements import (
    JUDGED,
    Judgement,
    in_words,
    judgement_at,
    judgements,
    standing_synthetic,
)
from llmal.run.learning import Learning
from llmal.run.phases import Audit, Looks
from llmal.run.purposes import set_aside
from llmal.run.purse import PREPARATION, Purse
from llmal.run.synthetic_check import SyntheticCheck
from llmal.run.synthetic_use import SyntheticUse
from llmal.task import Task

log = logging.getLogger("llmal.run")


class Synthesis:
    """Has a generator write items when its policies say so, and judges them in every round.

    Args:
        task: The task.
        generator: Writes.
        filters: Refuse.
        learning: Trains the learner on parts of people's labels, which tells what it confuses and
            what the items bring.
        items: The items of the run.
        directory: The run directory.
        per_label: Texts asked for at a time, of each label at most.
        policies: Say when, and how many; of several the most that any says.
        use: How the items are judged.
        budget: Limits of tokens and money for the generator and its filters alone.
        seed: Seeds the generator.
        announcer: Told what is being written, and what it brings.
    """

    def __init__(
        self,
        task: Task,
        generator: Generator,
        filters: Sequence[Filter],
        learning: Learning,
        items: RunItems,
        directory: Path,
        *,
        per_label: int,
        policies: Sequence[Policy],
        use: SyntheticUse,
        budget: Budget | None,
        seed: int,
        announcer: Announcer,
    ) -> None:
        self._task = task
        self._generator = generator
        self._filters = list(filters)
        self._learning = learning
        self._items = items
        self._per_label = per_label
        self._policies = list(policies)
        self._use = use
        self._budget = budget
        self._seed = seed
        self._announcer = announcer
        self._check = SyntheticCheck(task, directory, use, seed=seed)
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
        turns = min(rounds, sum(one.most_times(rounds) for one in self._policies))
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
        cost = total(costs)
        return cost if self._budget is None else self._budget.capped(cost)

    def round(
        self, purse: Purse, ledger: Ledger, number: int, demonstrations: Sequence[Item]
    ) -> None:
        """Write what a round needs, and judge what there is. Done again after a kill, it goes on.

        As many as the budget allows: what each label's items cost at most is asked of the purse
        before, and what they did cost is in the ledger as soon as they are.

        Args:
            purse: Of the run.
            ledger: Of the run.
            number: Of the round.
            demonstrations: Items that people have labelled, those of this round included.
        """
        before = judgement_at(ledger, number)
        if before is not None and before.round == number:
            return
        self._check.take(ledger)
        held_out = self._learning.held_out(ledger, number, folds=self._use.folds, seed=self._seed)
        standing = standing_synthetic(ledger, number - 1)
        wanted: Mapping[str, int] = {}
        if before is None or before.stopped is None:
            answers, score = self._look(held_out, standing, before)
            wanted = self._wanted(ledger, number, held_out, standing, score)
            self._write(purse, ledger, number, wanted, demonstrations, answers)
        written = standing_synthetic(ledger, number)
        wrote = len(written) > len(standing)
        # Without anything written there is nothing to tell, but for policies that go by the score.
        if not written and not self._goes_by_score:
            return
        self._check.give(ledger, written)
        refuted = self._check.refuted(ledger, written)
        judged = self._use.judge(held_out, written, number, before, wrote=wrote, refuted=refuted)
        ledger.event(JUDGED, in_words(judged, before), judged.as_dict())
        self._announcer.tell("synthetic", in_words(judged, before), **judged.as_dict())

    @property
    def _goes_by_score(self) -> bool:
        return any(one.needs_held_out for one in self._policies)

    def _look(
        self,
        held_out: HeldOut,
        standing: Sequence[SyntheticItem],
        before: Judgement | None,
    ) -> tuple[LearnerAnswers | None, float | None]:
        """What the learner makes of people's labels, and its score on them, where somebody wants to
        know; None where that cannot be told yet.
        """
        asks = isinstance(self._generator, Needing) and "learner" in self._generator.requires
        if not (asks or self._goes_by_score) or not self._use.can_judge(held_out):
            return None, None
        weight = self._use.unjudged if before is None else before.weight
        weights = np.full((1, len(standing)), weight)
        probabilities = held_out.probabilities(standing, weights)[0]
        return held_out.answers(probabilities), float(held_out.brier(probabilities).mean())

    def _wanted(
        self,
        ledger: Ledger,
        number: int,
        held_out: HeldOut,
        standing: Sequence[SyntheticItem],
        score: float | None,
    ) -> dict[str, int]:
        """How many texts of each label are to be written in a round."""
        there = Counter(one.label for one in standing)
        earlier = [one.brier for one in judgements(ledger) if one.round < number]
        scores = [one for one in [*earlier, score] if one is not None]
        rounds = [one.provenance.get("round", 0) for one in ledger.synthetic()]
        state = SynthesisState(
            number,
            held_out.counts,
            {name: there[name] for name in self._task.names},
            scores,
            max((one for one in rounds if one < number), default=None),
        )
        said = [one.wanted(state, self._per_label) for one in self._policies]
        most = {
            name: max((one.get(name, 0) for one in said), default=0) for name in self._task.names
        }
        if isinstance(self._generator, Apportioning):
            counts = {name: there[name] + count for name, count in held_out.counts.items()}
            shares = self._generator.wanted(counts, self._per_label)
            most = {name: min(count, shares.get(name, 0)) for name, count in most.items()}
        return {name: count for name, count in most.items() if count > 0}

    def _write(
        self,
        purse: Purse,
        ledger: Ledger,
        number: int,
        wanted: Mapping[str, int],
        demonstrations: Sequence[Item],
        answers: LearnerAnswers | None,
    ) -> None:
        if not wanted or not self._prepare(purse):
            return
        stored = ledger.synthetic()
        self._recall([one for one in stored if one.accepted])
        self._protect(ledger)
        ids = Counter(one.id for one in stored)
        of_round = [one for one in stored if one.provenance.get("round") == number]
        for column, label in enumerate(self._task.names):
            key = f"generate-{number}-{label}"
            if label not in wanted or ledger.has_spent(key):
                continue
            done = [one for one in of_round if one.label == label]
            if done:
                # Written by an llmal that booked the cost afterwards, and killed in between.
                self._keep(ledger, [], done, key)
                continue
            seed = np.random.SeedSequence([self._seed, 0x5E7, number, column]).generate_state(1)[0]
            request = Request(
                label,
                demonstrations,
                seed=int(seed) >> 1,
                sources=demonstrations,
                learner=answers,
            )
            if (why := lack(self._generator, request)) is not None:
                log.warning("round %d: no items of %r are written: %s", number, label, why)
                continue
            asked = wanted[label]
            plan = plan_filtered(
                self._generator,
                self._filters,
                request,
                asked,
                lambda made: with_new_ids(made, ids),
            )
            count = min(purse.admitted(plan, asked), self._afforded(ledger, plan, asked))
            if not count:
                return
            self._announcer.tell("step", f"round {number}: writing {count} items of {label!r}")
            part = plan if count == asked else plan.first(count)
            told = {"round": number, "task_version": ledger.reading.version}
            checked = [
                replace(one, provenance={**one.provenance, **told}) for one in part.execute()
            ]
            self._recalled.update(one.id for one in checked)
            self._keep(ledger, checked, checked, key)
            if count < asked:
                return

    def _protect(self, ledger: Ledger) -> None:
        """Tell the filters which items are audited, answered or not."""
        pool = self._items.pool
        ids = set_aside(ledger, {*Audit.names, *Looks.names})
        items = pool.items(pool.positions(pool.held(sorted(ids))))
        for one in self._filters:
            if isinstance(one, Protecting):
                one.protect(items)

    def _afforded(self, ledger: Ledger, plan: BatchPlan[Any], asked: int) -> int:
        """How many of so many texts the generator's own budget allows."""
        if self._budget is None:
            return asked
        spent = ledger.usage().get(self.name, Usage())
        count, _, limit = self._budget.part_of(plan, asked, spent)
        if limit is not None:
            log.warning("%s of the generator is spent", limit)
        return count

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
