"""What makes one label of several people's answers, as a configuration has it."""

from __future__ import annotations

from llmal.annotators.aggregation import REGISTRY, Aggregator, CombinedBy
from llmal.config import RunConfig
from llmal.factory.places import within
from llmal.ledger import Ledger


def make_aggregation(config: RunConfig) -> Aggregator | None:
    """The aggregation of a configuration; None where it names none, which is the majority.

    Raises:
        ConfigError: There is no such aggregation or option, or its package is not installed.
    """
    chosen = config.aggregation
    if chosen is None:
        return None
    made: Aggregator = REGISTRY.make(
        chosen.name,
        chosen.options,
        offers={"seed": config.seed},
        where=within(config, "aggregation"),
    )
    return made


def combine_as(config: RunConfig, ledger: Ledger) -> None:
    """Have a ledger combine answers as a configuration says."""
    made = make_aggregation(config)
    if made is not None:
        ledger.combine_by(CombinedBy(made, config.task_object().space))
