"""Demonstrations at random: the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from llmal.core.records import Item
from llmal.demonstrations.candidates import usable
from llmal.prompting.protocol import Need


@dataclass(frozen=True)
class Random:
    """k candidates at random; every set and every order is equally likely."""

    requires: ClassVar[tuple[Need, ...]] = ()
    per_query: ClassVar[bool] = False
    ranks: ClassVar[bool] = True

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """Draw without replacement."""
        ordered = usable(candidates, k)
        return [ordered[i] for i in rng.permutation(len(ordered))[:k]]
