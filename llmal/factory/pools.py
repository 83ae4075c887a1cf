"""The pools of a configuration, and how their files are read."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from llmal.config import HubDataset, RunConfig
from llmal.errors import ConfigError
from llmal.factory.places import located
from llmal.pool import Pool
from llmal.pool.readers import DETECTED, Reading, format_of
from llmal.run.known_labels import KnownLabels


def open_pool(config: RunConfig, source: Path | HubDataset) -> Pool:
    """A pool or test set of a configuration, with its text, gold and id columns."""
    text, gold, item_id = list(config.task.text), config.data.gold, config.data.id
    if isinstance(source, HubDataset):
        return Pool.from_hub(source.hub, split=source.split, text=text, gold=gold, id=item_id)
    reading = asdict(reading_of(config, source))
    return Pool.from_file(source, text=text, gold=gold, id=item_id, **reading)


def reading_of(config: RunConfig, file: Path) -> Reading:
    """How a configuration wants a file of texts to be read.

    Raises:
        ConfigError: There is no such encoding or delimiter, or an option that none of the
            configuration's files has.
    """
    data = config.data
    for key in ("encoding", "delimiter", "sheet"):
        value = getattr(data, key)
        if value is None:
            continue
        with located(config, "data", key):
            reading = Reading(**{key: value})
        files = [one for one in (data.pool, data.test, file) if isinstance(one, Path)]
        suffixes = {format_of(one, str(one)): None for one in files}
        if all(reading.for_suffix(suffix) == DETECTED for suffix in suffixes):
            raise ConfigError(
                f"a {' or '.join(suffixes)} file has no {key}",
                where=config.where("data", key),
                fix=f"leave {key} out",
            )
    return Reading(data.encoding, data.delimiter, data.sheet).for_suffix(format_of(file, str(file)))


def make_known_labels(config: RunConfig) -> KnownLabels | None:
    """The labels that a configuration starts from."""
    section = config.data.labels
    return None if section is None else KnownLabels(**section.model_dump())
