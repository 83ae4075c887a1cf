"""Synthetic items with all that is known of them: what reports and exports are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmal.core.records import Item, SyntheticItem
from llmal.embed.protocol import Embedder
from llmal.generators.origin import Origin
from llmal.generators.quality import Quality, measure_quality
from llmal.pool import Pool
from llmal.task import Task

MOST_REAL = 2000
"""Real texts that synthetic ones are held beside; of more, so many are drawn."""


@dataclass(frozen=True)
class SyntheticRecord:
    """Synthetic items, how they were made, and real ones to hold them beside.

    Attributes:
        items: All texts that were written, in order, those refused included.
        task: The task.
        origin: How they were made; None where that is not known.
        real: Real texts, or none.
        embedder: Makes vectors of both; None without one.
        seed: For what is drawn.
    """

    items: Sequence[SyntheticItem]
    task: Task
    origin: Origin | None = None
    real: Pool | Sequence[Item] = ()
    embedder: Embedder | None = None
    seed: int = 0

    @property
    def accepted(self) -> list[SyntheticItem]:
        """The items that passed every filter."""
        return [item for item in self.items if item.accepted]

    def drawn_real(self) -> list[Item]:
        """At most 2,000 real items at random, in their order."""
        count = len(self.real)
        if count <= MOST_REAL:
            return [*self.real]
        rng = np.random.default_rng([self.seed, MOST_REAL])
        rows = np.sort(rng.choice(count, MOST_REAL, replace=False))
        if isinstance(self.real, Pool):
            return self.real.items(rows)
        return [self.real[row] for row in rows.tolist()]

    def quality(self) -> Quality | None:
        """Measures of the accepted texts beside the real ones; None without an embedder, or of
        fewer than two texts.
        """
        texts = [item.text for item in self.accepted]
        if self.embedder is None or len(texts) < 2:
            return None
        real = [item.text for item in self.drawn_real()]
        return measure_quality(
            texts,
            self.embedder.embed(texts),
            real,
            self.embedder.embed(real) if real else None,
            np.random.default_rng([self.seed, len(texts)]),
        )
