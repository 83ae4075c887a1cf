"""Random demonstrations, as many of each label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from llmal.core.records import Item
from llmal.demonstrations.candidates import usable
from llmal.prompting.protocol import Need


@dataclass(frozen=True)
class Balanced:
    """The same number of each label as far as possible, at random within a label.

    Args:
        labels: All labels of the task: one that has no candidate is warned of.
    """

    requires: ClassVar[tuple[Need, ...]] = ()
    per_query: ClassVar[bool] = False

    labels: Sequence[str] = ()

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """Take labels in turn, in random order; labels that run out are skipped."""
        ordered = usable(candidates, k, labels=self.labels, balance=True)
        return draw_balanced(ordered, k, rng)


def draw_balanced(ordered: Sequence[Item], k: int, rng: np.random.Generator) -> list[Item]:
    """At most k items, labels in turn; the chosen stand in random order."""
    by_label: dict[str | None, list[Item]] = {}
    for i in rng.permutation(len(ordered)):
        by_label.setdefault(ordered[i].gold, []).append(ordered[i])
    turns = [by_label[label] for label in sorted(by_label, key=str)]
    turns = [turns[i] for i in rng.permutation(len(turns))]
    chosen: list[Item] = []
    while len(chosen) < k and any(turns):
        for turn in turns:
            if turn and len(chosen) < k:
                chosen.append(turn.pop())
    return [chosen[i] for i in rng.permutation(len(chosen))]
