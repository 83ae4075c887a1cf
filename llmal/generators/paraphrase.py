"""Labelled items in other words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.generators.decks import Rotation, rng_of
from llmal.generators.draws import Draw
from llmal.generators.protocol import Request
from llmal.generators.sources import FromSources, columns_of
from llmal.generators.structure import Free, Line, Structure
from llmal.prompting.templates import PromptTemplate, without_special_tokens
from llmal.task.spaces import SpaceKind


@dataclass(eq=False, kw_only=True)
class Paraphrase(FromSources):
    """Says a labelled item in other words, by the prompt of the perturbation of the same name.

    Of an item with several text columns one is said anew and the others stay, each in turn.

    Args:
        columns: Text columns that may be said anew; by default all.

    Other parameters are those of `PromptedGenerator`.

    Raises:
        ConfigError: As for `PromptedGenerator`; or the task has no such text column.
    """

    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single", "multi")

    prompt: str | Path | PromptTemplate = "paraphrase"
    name: str = "paraphrase"
    temperature: float = 0.7
    structure: str = field(default="line", init=False)
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for column in self.columns:
            if column not in self.task.text:
                raise ConfigError(
                    f"columns has {column!r}, which is no text column of task {self.task.name!r}",
                    fix=f"use {' or '.join(self.task.text)}",
                )

    def drawn(self, request: Request, sources: Iterator[Item]) -> Iterator[Draw]:
        """A column of the next source."""
        names = dict.fromkeys(self.columns or self.task.text, 1.0)
        turns = Rotation(names, rng_of(request, "columns"))
        for source in sources:
            columns = columns_of(source, self.task)
            changed = max(names, key=lambda n: len(columns[n])) if request.standing_in else None
            column = changed or turns.draw()
            text = without_special_tokens(columns[column], self.lm.special_tokens)
            recorded = {"column": column} if len(columns) > 1 else {}
            yield Draw(sources=(source,), values={"text": text}, recorded=recorded)

    def read(self, answer: str, draw: Draw) -> tuple[str, ...]:
        """The source's text columns, one of them said anew.

        Raises:
            DataError: It was not.
        """
        (text,) = self._structure.read(answer)
        columns = columns_of(draw.sources[0], self.task)
        column = draw.recorded.get("column", self.task.text[0])
        self.refuse_unchanged([text], [columns[column]])
        return tuple({**columns, column: text}.values())

    def write(self, item: Item) -> str:
        """The longest of its text columns that may be said anew."""
        columns = columns_of(item, self.task)
        longest = max((columns[one] for one in self.columns or self.task.text), key=len)
        return self._structure.write(replace(item, text=longest))

    def _make_structure(self) -> Structure:
        return Line() if self.lm.exact else Free()
