"""What parts of a prompt need, and parts that ask the model before their first use."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from llmal.core.records import Usage

Need = Literal["scorer", "embedder"]
"""What a selector must be made with: a `PromptScorer`, or an `Embedder`."""


@runtime_checkable
class Probing(Protocol):
    """A part that asks the model once, before its first use, which form of prompt it answers."""

    def setup_cost(self) -> Usage:
        """The most that `set_up` would cost; nothing if the form was given. Asks nobody."""
        ...

    def set_up(self) -> None:
        """Ask now. Later calls ask nothing."""
        ...
