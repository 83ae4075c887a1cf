"""Which items people label before anything is known of the pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError


class Seed(Protocol):
    """Draws the first items that people label."""

    def draw(self, items: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Distinct positions, all of `items` at most."""
        ...


@dataclass(frozen=True)
class UniformSeed:
    """A uniform draw, so that error rates estimated from it are those of the pool.

    Args:
        least: The smallest seed.
        share: Of the pool.

    Raises:
        ConfigError: The smallest seed is below one, or the share is not from 0 to 1.
    """

    least: int = 50
    share: float = 0.035

    def __post_init__(self) -> None:
        if self.least < 1 or not 0 <= self.share <= 1:
            raise ConfigError(
                f"no seed has {self.least} items at least and a share of {self.share}",
                fix="give least of 1 or more, and a share from 0 to 1",
            )

    def draw(self, items: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Drawn without replacement."""
        size = min(items, max(self.least, round(self.share * items)))
        return np.asarray(rng.choice(items, size, replace=False), dtype=np.int64)
