"""The exports of a configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llmal.config import RunConfig
from llmal.errors import ConfigError
from llmal.exporters import REGISTRY
from llmal.exporters.protocol import Exporter
from llmal.exporters.run_tables import TABLES
from llmal.exporters.writing import check_export
from llmal.factory.places import within


@dataclass(frozen=True)
class Export:
    """A file that a run writes.

    Attributes:
        exporter: Its format.
        what: The table.
        place: Where it goes.
        everything: Of labels, also items without one.
    """

    exporter: Exporter
    what: str
    place: Path
    everything: bool


def make_exports(config: RunConfig) -> list[Export]:
    """The exports that a configuration names, in their order.

    Raises:
        ConfigError: There is no such exporter, option or table, or two go to the same place.
    """
    exports: list[Export] = []
    for number, one in enumerate(config.exports):
        exporter: Exporter = REGISTRY.make(
            one.name,
            one.options,
            offers={"task": config.task_object(), "seed": config.seed},
            where=within(config, "exports", number),
            also=("what", "out", "all"),
        )
        if one.what not in TABLES:
            raise ConfigError(
                f"there is nothing called {one.what!r}",
                where=config.where("exports", number, "what"),
                fix=f"use {', '.join(TABLES)}",
            )
        if one.all and one.what != "labels":
            raise ConfigError(
                f"all has no effect on {one.what}",
                where=config.where("exports", number, "all"),
                fix="it is for labels",
            )
        place = one.out or config.directory / f"{one.what}{exporter.suffix}"
        if any(place == other.place for other in exports):
            raise ConfigError(
                f"another export is written to {str(place)!r} too",
                where=config.where("exports", number, "out"),
                fix="give one of them another out",
            )
        if one.out is not None:
            check_export(exporter, place, name=one.name, force=True)
        exports.append(Export(exporter, one.what, place, one.all))
    return exports
