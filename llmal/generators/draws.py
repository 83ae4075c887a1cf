"""What prompts of generators are filled with, and what is asked before they are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmal.core.plans import Plan
from llmal.core.records import Item, Usage
from llmal.generators.protocol import Request
from llmal.lm.protocol import Prompt


@dataclass(frozen=True)
class Draw:
    """What one prompt is filled with.

    Attributes:
        demonstrations: Labelled items to write in the manner of.
        sources: Items that the new one is made from.
        values: Further inputs of the prompt.
        recorded: What the provenance of its items says besides.
    """

    demonstrations: Sequence[Item] = ()
    sources: Sequence[Item] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    recorded: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GenerationPrompt:
    """One prompt, and the answers that are to be drawn from it.

    Attributes:
        prompt: For the language model.
        demonstrations: Ids of the demonstrations that are in it, in their order.
        answers: How many texts it is asked for.
        seed: Of the sampling.
        draw: What it was filled with.
    """

    prompt: Prompt
    demonstrations: tuple[str, ...]
    answers: int
    seed: int
    draw: Draw = field(default_factory=Draw)


@dataclass(frozen=True)
class Preparation:
    """What the model is asked before the first prompt of a request is known.

    Attributes:
        plan: Asks; brings words that the prompts are made of, and what they cost.
        stand_in: Words in their place for a forecast.
        tokens: The most tokens by which true ones can lengthen a prompt that holds the stand-ins.
        request: The request of that forecast.
    """

    plan: Plan[tuple[Sequence[str], Usage]]
    stand_in: Sequence[str]
    tokens: int
    request: Request
