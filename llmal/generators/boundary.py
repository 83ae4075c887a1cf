"""New items near the border between two labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.generators.decks import Rotation, rng_of, seed_of
from llmal.generators.draws import Draw
from llmal.generators.prompted import AT_ONCE, PromptedGenerator
from llmal.generators.protocol import Need, Request
from llmal.generators.sources import raise_if_lacking
from llmal.prompting.templates import PromptTemplate


@dataclass(eq=False, kw_only=True)
class Boundary(PromptedGenerator):
    """Writes items of a label that could almost be taken for one that the learner confuses with it.

    Of the labels that are confused with the request's, in either direction, each is the other one
    as often as it is confused. Prompts show items of both; the other label is in the provenance,
    under `boundary`.

    Args:
        pairs: Labels that are confused, two and two, in the place of what the learner confuses;
            each of a label's is the other one equally often.

    Other parameters are those of `PromptedGenerator`; `others` is for the other label of the two.

    Raises:
        ConfigError: As for `PromptedGenerator`; or a pair is not one of two labels.
        DataError: A pair names what is no label.
    """

    prompt: str | Path | PromptTemplate = "generate/boundary"
    name: str = "boundary"
    others: int = 2
    per_prompt: int = 1
    pairs: Sequence[Sequence[str]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for pair in self.pairs:
            if isinstance(pair, str) or len(set(pair)) != 2 or len(pair) != 2:
                raise ConfigError(
                    f"pairs has {pair!r}, which is no pair of labels",
                    fix="list two labels each: [[A, B], [A, C]]",
                )
            for label in pair:
                self.task.index(label)

    @property
    def requires(self) -> tuple[Need, ...]:
        """A learner, where no pairs are given."""
        return () if self.pairs else ("learner",)

    @property
    def prompts_at_once(self) -> int:
        """Prompts that the model is asked in one call."""
        return AT_ONCE

    def lacks(self, request: Request) -> str | None:
        """Why nothing can be written, or None."""
        partners = self._partners(request)
        if partners:
            return None
        if self.pairs:
            return f"{self.name}: no pair has the label {request.label!r}"
        if request.learner is None:
            return f"{self.name} goes by what a learner confuses, and there is none"
        return f"{self.name}: the learner confuses {request.label!r} with no other label"

    def draws(self, request: Request, words: Sequence[str]) -> Iterator[Draw]:
        """Another label, and items of both."""
        raise_if_lacking(self.lacks(request))
        self.divided(request)
        partners = self._partners(request)
        if request.standing_in:
            names = list(partners)
            lengths = self.count_tokens([self.word(name) for name in names])
            longest = names[int(lengths.argmax())]
            for shown in self.hands(request):
                yield self._draw(shown, longest)
        hands = {name: self.hands(self._between(request, name)) for name in partners}
        turns = Rotation(partners, rng_of(request, "partners"))
        while True:
            partner = turns.draw()
            yield self._draw(next(hands[partner]), partner)

    def _draw(self, shown: Sequence[Item], partner: str) -> Draw:
        return Draw(shown, values={"other": self.word(partner)}, recorded={"boundary": partner})

    def _between(self, request: Request, partner: str) -> Request:
        """The same with demonstrations of the two labels alone."""
        both = (request.label, partner)
        shown = tuple(one for one in request.demonstrations if one.gold in both)
        return replace(request, seed=seed_of(request, partner), demonstrations=shown)

    def _partners(self, request: Request) -> dict[str, float]:
        """How often each other label and the request's are taken for each other; in a forecast any
        may be.
        """
        column = self.task.index(request.label)
        if self.pairs:
            of_label = [name for pair in self.pairs if request.label in pair for name in pair]
            return {name: 1.0 for name in sorted(of_label) if name != request.label}
        if request.standing_in:
            return {name: 1.0 for name in self.task.names if name != request.label}
        if request.learner is None:
            return {}
        matrix = request.learner.confusion(self.task)
        both = matrix[column] + matrix[:, column]
        both[column] = 0
        return {self.task.names[other]: float(both[other]) for other in np.flatnonzero(both)}
