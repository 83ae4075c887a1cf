"""Demonstrations that somebody has chosen already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from llmal.core.records import Item
from llmal.demonstrations.candidates import usable, warn_if_few
from llmal.errors import DataError
from llmal.prompting.protocol import Need


@dataclass(frozen=True)
class Fixed:
    """The same items, whatever the candidates are. Not in the registry, since it needs the items.

    Args:
        items: Labelled, the most useful first.

    Raises:
        DataError: An item has no label, or two have the same id.
    """

    requires: ClassVar[tuple[Need, ...]] = ()
    per_query: ClassVar[bool] = False

    items: Sequence[Item]

    def __post_init__(self) -> None:
        usable(self.items, 0)

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """The first k of the items."""
        if k < 0:
            raise DataError(f"{k} demonstrations were asked for", fix="ask for 0 or more")
        warn_if_few(len(self.items), k)
        return list(self.items[:k])
