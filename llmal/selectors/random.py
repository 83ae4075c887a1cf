"""Picks at random: the baseline that every other selector must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmal.selectors.picking import check_request
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState


@dataclass(frozen=True)
class Random:
    """Uniform draws without replacement. All scores are zero: no item is better than another."""

    name = "random"
    requires = frozenset[Signal]()

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick k unlabelled items, every set and every order equally likely."""
        k = check_request(state, k, self.name, self.requires)
        # Over a range and not over the array, so that nothing as long as the pool is copied.
        drawn = rng.choice(len(state.unlabelled), size=k, replace=False)
        return Selection(state.unlabelled[drawn], np.zeros(k), ["drawn at random"] * k)
