"""What stands in the prompt while candidates are scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from llmal.core.records import Item
from llmal.demonstrations.choosing import choose_for
from llmal.demonstrations.protocol import DemonstrationSelector
from llmal.errors import ConfigError

Condition = Literal["zero-shot"] | DemonstrationSelector | Sequence[Item]
"""No demonstrations; those that a selector chooses among the candidates; or these. A candidate is
never a demonstration of itself or of its copies."""


def check_condition(condition: Condition, shots: int) -> None:
    """Refuse an unknown condition.

    Raises:
        ConfigError: It is an unknown word, an item has no label, or `shots` is below one.
    """
    if isinstance(condition, str) and condition != "zero-shot":
        raise ConfigError(
            f"there is no condition {condition!r}",
            fix="use 'zero-shot', a DemonstrationSelector or labelled items",
        )
    if shots < 1:
        raise ConfigError(
            f"the candidates would be scored with {shots} shots",
            fix="ask for at least one, or score them zero-shot",
        )
    if not isinstance(condition, str | DemonstrationSelector):
        for item in condition:
            if item.gold is None:
                raise ConfigError(f"the demonstration {item.id!r} has no label", fix="give it one")


def conditioned(
    condition: Condition, shots: int, candidates: Sequence[Item], rng: np.random.Generator
) -> list[list[Item]]:
    """The demonstrations that each candidate is scored with."""
    if isinstance(condition, str):
        return [[] for _ in candidates]
    if isinstance(condition, DemonstrationSelector):
        return choose_for(condition, candidates, shots, rng, candidates)
    return [[one for one in condition if one.id != item.id] for item in candidates]
