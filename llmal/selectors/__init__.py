"""Selectors (query strategies): which items to label next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmal.selectors.catalogue import REGISTRY, TABLE, make
from llmal.selectors.protocol import (
    AskingSelector,
    Selection,
    Selector,
    Utilities,
    UtilitySelector,
)
from llmal.selectors.signals import KINDS, Signal
from llmal.selectors.state import RoundState

if TYPE_CHECKING:
    from llmal.selectors.kmeans import KMeansCentres
    from llmal.selectors.random import Random
    from llmal.selectors.typiclust import TypiClust
    from llmal.selectors.uncertainty import Entropy, LeastConfidence, Margin

__all__ = [
    "KINDS",
    "REGISTRY",
    "AskingSelector",
    "Entropy",
    "KMeansCentres",
    "LeastConfidence",
    "Margin",
    "Random",
    "RoundState",
    "Selection",
    "Selector",
    "Signal",
    "TypiClust",
    "Utilities",
    "UtilitySelector",
    "make",
]

_NAMES = {target.rpartition(":")[2]: name for name, target in TABLE.items()}


def __getattr__(attribute: str) -> Any:
    if attribute in _NAMES:
        return REGISTRY.get(_NAMES[attribute])
    raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")


def __dir__() -> list[str]:
    return __all__
