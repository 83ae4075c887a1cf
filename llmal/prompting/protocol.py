"""What parts that are put into a prompt need, and what asks before its first use."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from llmal.core.records import Usage

Need = Literal["scorer", "embedder"]
"""What a selector must be made with: a `PromptScorer`, or an `Embedder`."""


@runtime_checkable
class Probing(Protocol):
    """What asks the model once, before its first use, in which form its prompts are answered."""

    def setup_cost(self) -> Usage:
        """The most that `set_up` would cost; nothing if the form was given. Asks nobody."""
        ...

    def set_up(self) -> None:
        """Ask now. Later calls ask nothing."""
        ...
