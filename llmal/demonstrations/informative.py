"""The set of demonstrations after which the answers tell most about the texts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from llmal.calibration.divergences import mutual_information
from llmal.calibration.protocol import Calibrator
from llmal.core.plans import Plan, free
from llmal.core.records import Item, Usage
from llmal.demonstrations.asking import check_calibrator, plan_once, to_probabilities
from llmal.demonstrations.balanced import draw_balanced
from llmal.demonstrations.candidates import usable
from llmal.errors import ConfigError
from llmal.prompting.protocol import Need
from llmal.prompting.scorer import PromptScorer

log = logging.getLogger("llmal.few_shot")

Search = Literal["random", "greedy"]


@dataclass(frozen=True)
class Informative:
    """The set whose prompt has the highest mutual information between text and label.

    MI = H(mean of p(·|x)) - mean of H(p(·|x)) over texts x (Sorensen et al. 2022, who choose
    templates by it; here it chooses the demonstrations). No label of those texts is looked at.

    What it costs: "random" scores `trials` × `texts` prompts of k demonstrations, "greedy" k times
    as many, of 1 to k demonstrations.

    Args:
        scorer: Asks the model.
        pool: Unlabelled texts to measure on. Without them, the candidates that are not in the
            set.
        trials: Sets that are compared; for "greedy", candidates that are tried at each place.
        texts: Texts that each set is measured on, the same for all: drawn at random where there
            are more.
        search: "random": sets drawn at random, with their order; the best one stays, and the
            first in it is no more useful than the last. "greedy": one demonstration after
            another, the one that adds most.
        balance: Take as many of each label.
        calibrator: Corrects the probabilities first: fitted, or one that fits on a pool, which
            the texts then are, anew for each set.

    Raises:
        ConfigError: An option cannot be used.
    """

    requires: ClassVar[tuple[Need, ...]] = ("scorer",)
    per_query: ClassVar[bool] = False

    scorer: PromptScorer
    _: KW_ONLY
    pool: Sequence[Item] = ()
    trials: int = 16
    texts: int = 64
    search: Search = "random"
    balance: bool = True
    calibrator: Calibrator | None = None

    def __post_init__(self) -> None:
        for name, value, least in (("trials", self.trials, 1), ("texts", self.texts, 2)):
            if value < least:
                raise ConfigError(f"{name} is {value}", fix=f"it must be {least} or more")
        if self.search not in get_args(Search):
            raise ConfigError(
                f"there is no search {self.search!r}", fix=f"use {', '.join(get_args(Search))}"
            )
        check_calibrator(self.calibrator)

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """The best set of those that were tried."""
        return self.plan_choice(candidates, k, rng).execute()

    def plan_choice(
        self, candidates: Sequence[Item], k: int, rng: np.random.Generator
    ) -> Plan[list[Item]]:
        """Plan what `choose` does. Which candidates a greedy search tries depends on what the model
        has answered: those are counted that are the longest.
        """
        labels, quiet = self.scorer.labels, self.scorer.forecasts
        ordered = usable(candidates, k, labels=labels, balance=self.balance, quiet=quiet)
        k = min(k, len(ordered))
        if not k:
            return free([])
        source = sorted(self.pool, key=lambda item: item.id) or ordered
        drawn = rng.permutation(len(source))[: self.texts]
        texts = [source[i] for i in drawn]
        plan = (
            self._plan_greedy(ordered, texts, k, rng)
            if self.search == "greedy"
            else self._plan_random(ordered, texts, k, rng)
        )
        return plan.map(lambda chosen: self._told_of_draw(chosen, texts))

    def _told_of_draw(self, chosen: list[Item], texts: Sequence[Item]) -> list[Item]:
        ids = {item.id for item in chosen}
        if all(item.id in ids for item in texts):
            log.warning(
                "no text is left to measure the information of %d demonstrations on: the choice "
                "is a draw; give more candidates or a pool of texts",
                len(chosen),
            )
        return chosen

    def information(self, sets: Sequence[Sequence[Item]], texts: Sequence[Item]) -> list[float]:
        """Mutual information of each set's prompt over the texts that are not in it, in nats.

        0 where no text is left. All prompts are scored together.
        """
        return self.plan_information(sets, texts).execute()

    def plan_information(
        self, sets: Sequence[Sequence[Item]], texts: Sequence[Item], *, standing_in: bool = False
    ) -> Plan[list[float]]:
        """Plan what `information` does.

        Args:
            sets: Of demonstrations.
            texts: That they are measured on.
            standing_in: Whether the sets stand for others that are no longer.
        """
        kept = []
        for shown in sets:
            ids = {item.id for item in shown}
            kept.append([item for item in texts if item.id not in ids])
        ends = np.cumsum([len(ones) for ones in kept])[:-1]
        scores = plan_once(
            self.scorer,
            [item for ones in kept for item in ones],
            [shown for shown, ones in zip(sets, kept, strict=True) for _ in ones],
            standing_in=standing_in,
        )
        return scores.map(
            lambda values: [
                mutual_information(to_probabilities(part, self.calibrator)) if len(part) else 0.0
                for part in np.split(values, ends)
            ]
        )

    def _plan_random(
        self, ordered: Sequence[Item], texts: Sequence[Item], k: int, rng: np.random.Generator
    ) -> Plan[list[Item]]:
        sets = [self._draw(ordered, k, rng) for _ in range(self.trials)]
        # The first of equals is as random as any.
        return self.plan_information(sets, texts).map(lambda values: sets[int(np.argmax(values))])

    def _draw(self, ordered: Sequence[Item], k: int, rng: np.random.Generator) -> list[Item]:
        if self.balance:
            return draw_balanced(ordered, k, rng)
        return [ordered[i] for i in rng.permutation(len(ordered))[:k]]

    def _plan_greedy(
        self, ordered: Sequence[Item], texts: Sequence[Item], k: int, rng: np.random.Generator
    ) -> Plan[list[Item]]:
        def search() -> list[Item]:
            chosen: list[Item] = []
            left = [ordered[i] for i in rng.permutation(len(ordered))]
            while len(chosen) < k:
                tried = self._next(left, chosen)
                sets = [[*chosen, item] for item in tried]
                best = tried[int(np.argmax(self.information(sets, texts)))]
                chosen.append(best)
                left.remove(best)
                left = [left[i] for i in rng.permutation(len(left))]
            return chosen

        def highest() -> Usage:
            longest = self.scorer.prompts.longest_shown(ordered, k)
            most = min(self.trials, len(ordered))
            steps = (
                self.plan_information([longest[:size]], texts, standing_in=True)
                for size in range(1, k + 1)
            )
            return sum((one.highest for one in steps for _ in range(most)), Usage())

        return Plan(search, highest=highest)

    def _next(self, left: Sequence[Item], chosen: Sequence[Item]) -> Sequence[Item]:
        """The candidates to try; with `balance` of the labels that occur least so far."""
        if not self.balance:
            return left[: self.trials]
        counts = dict.fromkeys((item.gold for item in left), 0)
        for item in chosen:
            if item.gold in counts:
                counts[item.gold] += 1
        least = min(counts.values())
        return [item for item in left if counts[item.gold] == least][: self.trials]
