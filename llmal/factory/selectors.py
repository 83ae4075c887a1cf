"""The selectors of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmal.config import RunConfig
from llmal.factory.places import within
from llmal.selectors.protocol import Selector


def make_selector(config: RunConfig) -> Selector:
    """The selector that picks in each round, with those inside it."""
    return _selector(config, config.selector.name, config.selector.options, "selector")


def make_start_selector(config: RunConfig) -> Selector:
    """The selector that picks the first items, before anything is known."""
    chosen = config.start.selector
    if isinstance(chosen, str):
        return _selector(config, chosen, config.start.options, "start", key="selector")
    return _selector(config, chosen.name, chosen.options, "start", "selector")


def _selector(
    config: RunConfig, name: str, options: Mapping[str, Any], *place: str | int, key: str = "name"
) -> Selector:
    from llmal.selectors import REGISTRY

    selector: Selector = REGISTRY.make(name, options, where=within(config, *place), key=key)
    return selector
