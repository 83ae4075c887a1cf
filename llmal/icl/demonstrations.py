"""Which labelled items go into the prompt as demonstrations: one fixed set for all queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from llmal.records import Item
from llmal.registry import Registry


@runtime_checkable
class DemonstrationSelector(Protocol):
    """Chooses demonstrations from labelled candidates."""

    def choose(self, candidates: Sequence[Item], k: int, rng: np.random.Generator) -> list[Item]:
        """At most k candidates, in the order of the prompt; fewer where there are fewer.

        Args:
            candidates: Labelled items; the label is in `gold`.
            k: Shots.
            rng: The same draw for the same generator, whatever the order of the candidates.
        """
        ...


class RandomDemonstrations:
    """k candidates at random."""

    def choose(self, candidates: Sequence[Item], k: int, rng: np.random.Generator) -> list[Item]:
        """Draw without replacement."""
        ordered = sorted(candidates, key=lambda item: item.id)
        return [ordered[i] for i in rng.permutation(len(ordered))[:k]]


class BalancedDemonstrations:
    """The same number of each label as far as possible, at random within a label."""

    def choose(self, candidates: Sequence[Item], k: int, rng: np.random.Generator) -> list[Item]:
        """Take labels in turn, in random order; labels that run out are skipped."""
        by_label: dict[str, list[Item]] = {}
        for item in RandomDemonstrations().choose(candidates, len(candidates), rng):
            by_label.setdefault(item.gold or "", []).append(item)
        turns = [by_label[label] for label in sorted(by_label)]
        turns = [turns[i] for i in rng.permutation(len(turns))]
        chosen: list[Item] = []
        while len(chosen) < k and any(turns):
            for turn in turns:
                if turn and len(chosen) < k:
                    chosen.append(turn.pop())
        return [chosen[i] for i in rng.permutation(len(chosen))]


REGISTRY = Registry(
    "demonstrations",
    {
        "random": "llmal.icl.demonstrations:RandomDemonstrations",
        "balanced": "llmal.icl.demonstrations:BalancedDemonstrations",
    },
)
