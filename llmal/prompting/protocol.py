"""What parts of a prompt need, and parts that ask the model before their first use."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from llmal.core.plans import Plan

Need = Literal["scorer", "embedder"]
"""What a selector must be made with: a `PromptScorer`, or an `Embedder`."""


@runtime_checkable
class Probing(Protocol):
    """A part that asks the model once, before its first use, which form of prompt it answers."""

    def plan_setup(self) -> Plan[object]:
        """Plan to ask; it costs nothing if the form was given, or found before."""
        ...
