"""A random part of the unlabelled items, from which another selector picks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmal.core.records import Usage
from llmal.selectors.options import check_least
from llmal.selectors.protocol import Selection, Selector
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import Wrapper, highest_of, longest


@dataclass(frozen=True)
class Subsample(Wrapper):
    """Have the selector inside pick from a random part, drawn anew in each round.

    What it costs no longer grows with the pool: signals are computed for the part alone.
    Labelled items all stay. There are no utilities to build on, because items outside the part
    have none; put `Subsample` outermost.

    Args:
        selector: Picks from the part.
        items: Size of the part; where more picks are asked for, as many as those.

    Raises:
        ConfigError: `items` is below one.
    """

    name = "subsample"

    selector: Selector
    items: int = 10_000

    def __post_init__(self) -> None:
        super().__post_init__()
        check_least(self, items=1)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Draw the part, and pick from it."""
        k = self._check_request(state, k)
        size = max(self.items, k)
        if size < len(state.unlabelled):
            state = state.among(rng.choice(len(state.unlabelled), size=size, replace=False))
        return self.selector.select(state, k, rng)

    def _highest(self, state: RoundState, k: int) -> Usage:
        """What the selector inside can ask at most about the costliest part."""
        if "scorer" not in self.requires:
            return highest_of(self.selector, state, k)
        return highest_of(self.selector, self.costliest_part(state, k), k)

    def costliest_part(self, state: RoundState, k: int) -> RoundState:
        """The part of the longest texts: no other is likely to have more tokens."""
        return longest(state, max(self.items, k))
