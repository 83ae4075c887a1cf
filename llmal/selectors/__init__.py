"""Selectors (query strategies): which items to label next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmal.registry import Registry
from llmal.selectors.protocol import Selection, Selector
from llmal.selectors.state import RoundState

if TYPE_CHECKING:
    from llmal.selectors.kmeans import KMeansCentres
    from llmal.selectors.random import Random
    from llmal.selectors.typiclust import TypiClust
    from llmal.selectors.uncertainty import Entropy, LeastConfidence, Margin

__all__ = [
    "REGISTRY",
    "Entropy",
    "KMeansCentres",
    "LeastConfidence",
    "Margin",
    "Random",
    "RoundState",
    "Selection",
    "Selector",
    "TypiClust",
]

_TABLE = {
    "random": "llmal.selectors.random:Random",
    "least_confidence": "llmal.selectors.uncertainty:LeastConfidence",
    "margin": "llmal.selectors.uncertainty:Margin",
    "entropy": "llmal.selectors.uncertainty:Entropy",
    "kmeans": "llmal.selectors.kmeans:KMeansCentres",
    "typiclust": "llmal.selectors.typiclust:TypiClust",
}

REGISTRY = Registry("selectors", _TABLE)
"""Names in the configuration, and the selectors that they stand for."""

_NAMES = {target.rpartition(":")[2]: name for name, target in _TABLE.items()}


def __getattr__(attribute: str) -> Any:
    if attribute in _NAMES:
        return REGISTRY.get(_NAMES[attribute])
    raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")


def __dir__() -> list[str]:
    return __all__
