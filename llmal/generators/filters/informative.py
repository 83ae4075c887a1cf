"""Refuses texts of which a learner is as sure as it is of most of the pool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.divergences import entropy
from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError
from llmal.generators.filters.learner_agreement import TextProbabilities, opened
from llmal.generators.filters.texts import Texts, text_of

_MEASURED = 2_000


class Informative:
    """Keeps texts of which a fitted learner is less sure than of a share of the pool.

    It refuses by design: at a quantile of 0.5, about half of texts that are like the pool's.

    Args:
        learner: A fitted one that takes texts (`llmal.load_learner`), or its folder.
        pool: The pool, up to 2,000 texts of which are measured.
        measure: How unsure it is: the entropy of its probabilities, or one minus the margin between
            the two largest.
        quantile: Of the pool's values; what is below it is refused.
        seed: For which texts are measured.

    Raises:
        ConfigError: The measure is unknown, the quantile not from 0 to 1, or the pool empty.
        DataError: There is no learner in the folder.
    """

    name = "informative"

    def __init__(
        self,
        learner: TextProbabilities | str | Path,
        pool: Texts,
        *,
        measure: Literal["entropy", "margin"] = "entropy",
        quantile: float = 0.5,
        seed: int = 0,
    ) -> None:
        if measure not in ("entropy", "margin"):
            raise ConfigError(f"measure is {measure!r}", fix="it is entropy or margin")
        if not 0 <= quantile <= 1:
            raise ConfigError(f"quantile is {quantile}", fix="it must be from 0 to 1")
        if not len(pool):
            raise ConfigError(
                "the filter informative compares with the pool, which is empty",
                fix="give a pool, or leave the filter out",
            )
        self._learner = opened(learner)
        self._pool = pool
        self.measure = measure
        self.quantile = quantile
        self._seed = seed
        self._limit: float | None = None

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item how unsure the learner is, and the limit."""
        if not items:
            return []
        if self._limit is None:
            rng = np.random.default_rng([self._seed, _MEASURED])
            count = len(self._pool)
            rows = np.sort(rng.choice(count, min(count, _MEASURED), replace=False))
            values = self._unsure([text_of(self._pool[int(row)]) for row in rows])
            self._limit = float(np.quantile(values, self.quantile))
        limit = self._limit
        return [
            None
            if value >= limit
            else f"the learner is sure of it: {self.measure} {value:.3f}, below {limit:.3f}, the "
            f"{self.quantile:g} quantile of the pool's"
            for value in self._unsure([item.text for item in items]).tolist()
        ]

    def _unsure(self, texts: list[str]) -> NDArray[np.float64]:
        """Shape (n,): larger where the learner is less sure."""
        probabilities = np.asarray(self._learner.predict_proba(texts), dtype=np.float64)
        if self.measure == "entropy":
            return entropy(probabilities)
        ranked = np.sort(probabilities, axis=1)
        margin: NDArray[np.float64] = ranked[:, -1] - ranked[:, -2]
        return 1 - margin
