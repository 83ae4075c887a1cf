"""New items of a given label, written by a language model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from llmal.errors import ConfigError
from llmal.generators.answers import takes_one
from llmal.generators.attributes import Attributes
from llmal.generators.decks import rng_of
from llmal.generators.draws import Draw, GenerationPrompt
from llmal.generators.prompted import AT_ONCE, PromptedGenerator
from llmal.generators.protocol import Request
from llmal.prompting.templates import PromptTemplate
from llmal.task.spaces import SpaceKind

__all__ = ["ClassConditional", "GenerationPrompt"]


@dataclass(eq=False, kw_only=True)
class ClassConditional(PromptedGenerator):
    """Writes new items of a label from the task, its guidelines and demonstrations.

    With `attributes`, each prompt asks for a value of each of them, so that texts differ in what
    they are to differ in; what was asked for is in the provenance. Prompts are then made for each
    text unless `per_prompt` says otherwise.

    Args:
        attributes: By name their values, with weights and dependences, as `Attributes` says.

    Other parameters are those of `PromptedGenerator`.

    Raises:
        ConfigError: As for `PromptedGenerator`; or an attribute is not usable, or the prompt has
            no place for attributes.
    """

    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single", "multi")

    prompt: str | Path | PromptTemplate = "generate/class_conditional"
    name: str = "class_conditional"
    per_prompt: int = None  # type: ignore[assignment]  # a number once it is made
    attributes: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if cast(int | None, self.per_prompt) is None:
            self.per_prompt = 1 if self.attributes else 16
        super().__post_init__()
        self._attributes = Attributes(
            self.attributes or {}, self.task.names if takes_one(self.task) else None
        )
        known = (*self.template.inputs, *self.template.defaults)
        if self.attributes and "attributes" not in known:
            raise ConfigError(
                f"attributes are given, and the prompt {self.template.name!r} has no such input",
                fix="add it to its defaults (attributes: {}) and say in the prompt where they go",
            )

    @property
    def prompts_at_once(self) -> int:
        """Prompts that the model is asked in one call."""
        return AT_ONCE if self.attributes else 1

    def draws(self, request: Request, words: Sequence[str]) -> Iterator[Draw]:
        """Demonstrations from a deck, and a value of each attribute."""
        drawn = self._attributes.draws(request.label, rng_of(request, "attributes"))
        longest = self._attributes.longest(self.count_tokens) if request.standing_in else None
        for shown in self.hands(request):
            values = next(drawn) if longest is None else longest
            said = {"attributes": values} if values else {}
            yield Draw(shown, values=said, recorded=said)
