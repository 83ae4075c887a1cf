"""Domain-context calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from llmal.calibration.prior_correction import PriorCorrection, log_mean
from llmal.calibration.protocol import FitsOn
from llmal.errors import ConfigError, DataError


@dataclass(eq=False)
class DomainContext(PriorCorrection):
    """The prior is what labels get after random words of the pool.

    Fei et al. (2023). The mean of the raw probability vectors, then normalised over the labels, as
    in their code and as in `Contextual`, beside which it also sees which label the words of the
    domain lean to, whatever they say.

    Args:
        count: Texts to make.
    """

    name: ClassVar[str] = "domain-context"
    fits_on: ClassVar[FitsOn] = "random-words"

    count: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count < 1:
            raise ConfigError(f"{self.count} texts of random words were asked for")

    def inputs(self, texts: Iterable[str], rng: np.random.Generator) -> list[str]:
        """Texts of random words to score, each in the place of an item's text.

        Words are what stands between spaces. Each text has the mean number of words of the pool's
        texts, rounded, and its words are drawn by their frequency there.

        Args:
            texts: The pool's; read once, so a generator will do.
            rng: The same texts for the same state of it, whatever the order of the pool.

        Raises:
            DataError: The pool holds no words.
        """
        counts: Counter[str] = Counter()
        number = 0
        for text in texts:
            counts.update(text.split())
            number += 1
        if not counts:
            raise DataError(
                "calibration on an empty pool: there are no words to draw from",
                fix="give it texts of the pool",
            )
        words = sorted(counts)
        frequency = np.array([counts[word] for word in words], dtype=np.float64)
        length = max(1, round(float(frequency.sum()) / number))
        drawn = rng.choice(len(words), size=(self.count, length), p=frequency / frequency.sum())
        return [" ".join(words[i] for i in row) for row in drawn.tolist()]

    def _log_prior(self, logs: NDArray[np.float64]) -> NDArray[np.float64]:
        return log_mean(logs)
