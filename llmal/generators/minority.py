"""New items of labels that have few."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from llmal.core.records import Item
from llmal.errors import ConfigError
from llmal.generators.class_conditional import ClassConditional
from llmal.generators.decks import deal, rng_of
from llmal.generators.protocol import Request
from llmal.task.spaces import SpaceKind


@dataclass(eq=False, kw_only=True)
class Minority(ClassConditional):
    """Writes as `ClassConditional` does, of rare labels, until all have as many items.

    Prompts show the few items of the label, as far as there are any, and for contrast items of the
    labels that are commonest among the demonstrations.

    Args:
        ratio: Share of the commonest label's items that each other label is to come to; at 1 all
            are to have as many.

    Other parameters are those of `ClassConditional`; `others` is for the commonest labels, each of
    which has its share.

    Raises:
        ConfigError: As for `ClassConditional`; or `ratio` is out of range.
    """

    spaces: ClassVar[tuple[SpaceKind, ...]] = ("single",)

    name: str = "minority"
    others: int = 2
    ratio: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.ratio <= 1:
            raise ConfigError(f"ratio is {self.ratio}", fix="it must be above 0 and at most 1")

    def wanted(self, counts: Mapping[str, int], k: int) -> dict[str, int]:
        """What each label lacks, at most k; 0 for labels that are common enough."""
        # Rounded, so that a ratio such as 0.1 of 10 is 1 and no more.
        target = math.ceil(round(self.ratio * max(counts.values(), default=0), 9))
        return {label: min(k, max(0, target - count)) for label, count in counts.items()}

    def hands(self, request: Request) -> Iterator[list[Item]]:
        """Demonstrations for prompt after prompt: of the commonest labels, then of the label."""
        if request.standing_in:
            yield from super().hands(request)
        own, other = self.divided(request)
        rng = rng_of(request, "demonstrations")
        contrast = [deal(items, size, rng) for items, size in self._commonest(other)]
        own_deck = deal(own, self.shots, rng)
        while True:
            shown = [item for deck in contrast for item in next(deck)]
            yield [*shown, *next(own_deck)]

    def _commonest(self, items: Sequence[Item]) -> list[tuple[list[Item], int]]:
        """The items of the commonest labels, and how many of each are shown."""
        counts = Counter(one.gold for one in items)
        labels = [name for name in self.task.names if counts[name]]
        labels.sort(key=lambda name: -counts[name])
        labels = labels[: self.others]
        share, left = divmod(self.others, max(len(labels), 1))
        return [
            ([one for one in items if one.gold == name], share + (place < left))
            for place, name in enumerate(labels)
        ]
