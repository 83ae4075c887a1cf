"""Selectors that look at each item by itself, and pick those of the highest utility."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from llmal.core.plans import Plan
from llmal.selectors.picking import check_request, most_useful
from llmal.selectors.protocol import Selection, Utilities, drawn
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


class AskingRanking(Ranking):
    """The same, where a language model is asked: a subclass defines `plan_utilities`."""

    @abstractmethod
    def plan_utilities(self, state: RoundState, rng: np.random.Generator | None) -> Plan[Utilities]:
        """Plan to say how useful each unlabelled item is; `rng` as for `AskingSelector.plan`."""

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """How useful each unlabelled item is."""
        return self.plan_utilities(state, rng).execute()

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the k most useful items."""
        return self.plan(state, k, rng).execute()

    def plan(self, state: RoundState, k: int, rng: np.random.Generator | None) -> Plan[Selection]:
        """Plan to pick the k most useful items."""
        k = check_request(state, k, self.name, self.requires)
        ranked = self.plan_utilities(state, rng)
        return ranked.map(lambda found: most_useful(state, found, k, drawn(rng)))
