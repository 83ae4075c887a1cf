"""Labelled items in another style."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.generators.answers import takes_one
from llmal.generators.attributes import Attributes
from llmal.generators.decks import rng_of
from llmal.generators.draws import Draw
from llmal.generators.protocol import Request
from llmal.generators.sources import FromSources
from llmal.prompting.templates import PromptTemplate
from llmal.task.spaces import SpaceKind


@dataclass(eq=False, kw_only=True)
class StyleTransfer(FromSources):
    """Writes a labelled item anew in another style; what it says, and so its label, stays.

    Args:
        attributes: The styles: by name their values, as `Attributes` says, such as
            {register: [formal, casual], persona: [a child, a lawyer]}.

    Other parameters are those of `PromptedGenerator`.

    Raises:
        ConfigError: As for `PromptedGenerator`; or there are no attributes.
    """

    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single", "multi")

    prompt: str | Path | PromptTemplate = "generate/style_transfer"
    name: str = "style_transfer"
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.attributes:
            raise ConfigError(
                "attributes is empty, and style_transfer takes the styles from it",
                fix="add attributes: {register: [formal, casual]}",
            )
        self._attributes = Attributes(
            self.attributes, self.task.names if takes_one(self.task) else None
        )

    def drawn(self, request: Request, sources: Iterator[Item]) -> Iterator[Draw]:
        """The next source, and the style that it is to have."""
        styles = self._attributes.draws(request.label, rng_of(request, "attributes"))
        longest = self._attributes.longest(self.count_tokens) if request.standing_in else None
        for source in sources:
            values = next(styles) if longest is None else longest
            yield Draw(
                sources=(source,),
                values={"attributes": values, "source": self.write(source)},
                recorded={"attributes": values},
            )
