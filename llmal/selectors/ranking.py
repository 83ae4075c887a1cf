"""Selectors that look at each item by itself, and pick those of the highest utility."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from llmal.selectors.picking import check_request, most_useful
from llmal.selectors.protocol import Selection, Utilities
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState


class Ranking(ABC):
    """Picks by `utilities`, which is all that a subclass defines beside its name and signals."""

    name: ClassVar[str]

    @property
    @abstractmethod
    def requires(self) -> frozenset[Signal]:
        """Signals that it reads; a class attribute where they do not depend on options."""

    @abstractmethod
    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """How useful each unlabelled item is."""

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the k most useful items."""
        k = check_request(state, k, self.name, self.requires)
        return most_useful(state, self.utilities(state, rng), k, rng)
