"""The phases of a configuration, in the order in which they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmal.config import RunConfig
from llmal.factory.places import located, within
from llmal.factory.selectors import make_selector, make_start_selector
from llmal.run.budget import Budget
from llmal.run.phases import REGISTRY, Phase
from llmal.selectors import make
from llmal.stopping import StoppingRule

_SELECTORS = ("start", "selector")
"""Options of phases that name a selector."""


def make_phases(
    config: RunConfig, budget: Budget, stop: Sequence[StoppingRule]
) -> list[Phase] | None:
    """The phases that a configuration names; None where it leaves them to the objective.

    A phase may have from the run, by the name of its parameter: `start` and `selector` (the
    selectors of these sections), `start_items`, `budget`, `stop` (the rules) and `seed`.

    Raises:
        ConfigError: There is no such phase or option.
    """
    if config.phases is None:
        return None
    offers = {
        "start": make_start_selector(config),
        "start_items": config.start.items,
        "selector": make_selector(config),
        "budget": budget,
        "stop": tuple(stop),
        "seed": config.seed,
    }
    phases: list[Phase] = []
    for number, one in enumerate(config.phases):
        options = {
            key: _selector(config, value, number, key) if key in _SELECTORS else value
            for key, value in one.options.items()
        }
        where = within(config, "phases", number)
        phases.append(REGISTRY.make(one.name, options, offers=offers, where=where))
    return phases


def _selector(config: RunConfig, value: Any, number: int, key: str) -> Any:
    """A selector of a phase's own, from its name or a mapping of its name and options."""
    with located(config, "phases", number, key):
        if isinstance(value, str):
            return make(value)
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            return make(value["name"], **{k: v for k, v in value.items() if k != "name"})
        return value
