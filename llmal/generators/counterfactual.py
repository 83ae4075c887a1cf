"""Labelled items, changed just so much that their label becomes another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import ClassVar

from llmal.core.records import Item, one_label
from llmal.errors import ConfigError, DataError
from llmal.generators.draws import Draw
from llmal.generators.protocol import Request
from llmal.generators.sources import FromSources
from llmal.prompting.templates import PromptTemplate


@dataclass(eq=False, kw_only=True)
class Counterfactual(FromSources):
    """Changes as little as possible of an item of another label so that the request's label fits.

    Source and item are a pair across the border between the two labels; the source's id and label
    are in the provenance, and the share of words that were changed.

    Args:
        max_change: Largest share of words that may differ, from 0 to 1: one less the ratio of
            `difflib.SequenceMatcher` over words. A text that differs by more is refused.

    Other parameters are those of `PromptedGenerator`.

    Raises:
        ConfigError: As for `PromptedGenerator`; or `max_change` is out of range.

    Source: counterfactually augmented data (Kaushik et al. 2020).
    """

    other_labels: ClassVar[bool] = True

    prompt: str | Path | PromptTemplate = "generate/counterfactual"
    name: str = "counterfactual"
    max_change: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.max_change <= 1:
            raise ConfigError(
                f"max_change is {self.max_change}", fix="it must be above 0 and at most 1"
            )

    def drawn(self, request: Request, sources: Iterator[Item]) -> Iterator[Draw]:
        """The next source, and what its label is."""
        for source in sources:
            label = one_label(source.gold)
            yield Draw(
                sources=(source,),
                values={"source": self.write(source), "source_word": self.word(label)},
                recorded={"source_label": label},
            )

    def read(self, answer: str, draw: Draw) -> tuple[str, ...]:
        """The text columns of an answer.

        Raises:
            DataError: Nothing was changed, or too much.
        """
        fields = super().read(answer, draw)
        change = changed_share(draw.sources[0].text, "\n".join(fields))
        if change > self.max_change:
            raise DataError(
                f"{change:.2f} of the words differ from those of its source, and at most "
                f"{self.max_change:.2f} may"
            )
        return fields


def changed_share(before: str, after: str) -> float:
    """The share of words that differ, from 0 to 1."""
    return 1 - SequenceMatcher(None, before.split(), after.split(), autojunk=False).ratio()
