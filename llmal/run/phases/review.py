"""Rounds in which people review what the machines of a sweep were not sure of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from llmal.core.records import Purpose
from llmal.run.phases.protocol import Asked
from llmal.run.phases.query import Query


@dataclass(frozen=True)
class Review(Query):
    """Queries to people, in the order of the selector over the probabilities of the sweep."""

    # Ledgers of llmal 0.1 have no word of their own for it.
    names: ClassVar[tuple[str, ...]] = ("review", "query")
    purpose: ClassVar[Purpose] = "review"
    swept: ClassVar[bool] = True

    asks: Asked = "people"
