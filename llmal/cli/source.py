"""Where a command outside a run gets its task, its texts and its language model."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llmal.cli.run import with_options
from llmal.config import RunConfig, load_config
from llmal.core.records import Item
from llmal.errors import ConfigError, DataError
from llmal.factory.pools import open_pool, reading_of
from llmal.learners.saved import is_learner
from llmal.pool import Pool
from llmal.pool.readers import DETECTED, Reading
from llmal.run.items import RunItems

log = logging.getLogger("llmal.cli")


@dataclass(frozen=True)
class Source:
    """Where task, texts and model come from.

    Attributes:
        task: A YAML file with the section `task`, such as the configuration of a run.
        data: File with labelled texts; by default the pool of that configuration.
        gold: Column with the labels; by default the configuration's, or "label".
        unlabelled: File with texts for calibration that needs no labels; by default the labelled
            ones.
        model: In place of the configuration's.
        url: Likewise.
        backend: Likewise.
        most: Most texts that are drawn from a file.
        seed: In place of the configuration's.
        reading: How the files are read, in place of the configuration's.
    """

    task: Path
    data: Path | None = None
    gold: str | None = None
    unlabelled: Path | None = None
    model: str | None = None
    url: str | None = None
    backend: str | None = None
    most: int = 1000
    seed: int | None = None
    reading: Reading = DETECTED

    def config(self) -> RunConfig:
        """The configuration that these make.

        Raises:
            ConfigError: It is not usable, or it names no language model.
        """
        config = self.read()
        if config.lm is None:
            raise ConfigError(
                "there is no language model to ask",
                where=str(self.task),
                fix="add the section 'lm', or give --model or --url",
            )
        return config

    def read(self) -> RunConfig:
        """The same; it may name no language model."""
        given: dict[str, dict[str, Any]] = {}
        data = {
            "pool": None if self.data is None else str(self.data.absolute()),
            "gold": self.gold,
            **asdict(self.reading),
        }
        lm = lm_section(self.model, self.url, self.backend)
        for section, values in (("data", data), ("lm", lm)):
            kept = {key: value for key, value in values.items() if value is not None}
            if kept:
                given[section] = kept
        return with_options(load_config(self.task, given=given), directory=None, seed=self.seed)

    def items(self, config: RunConfig, file: Path | None, *, gold: bool) -> list[Item]:
        """At most `most` items of a file, drawn at random; the same ones for the same seed.

        Copies are left out, and so are items of the configuration's test set, which is told.

        Raises:
            DataError: The file cannot be used, or all of it is in the test set.
        """
        column = (config.data.gold or "label") if gold else None
        if file is None and column is not None:
            data = config.data.model_copy(update={"gold": column})
            pool = open_pool(config.model_copy(update={"data": data}), data.pool)
        elif file is None:
            pool = open_pool(config, config.data.pool)
        else:
            reading = asdict(reading_of(config, file))
            pool = Pool.from_file(file, text=list(config.task.text), gold=column, **reading)
        if gold:
            pool = pool.match_labels(config.task_object())
        pool = self._usable(config, pool)
        positions = np.arange(len(pool))
        if gold:
            known = [place for place, one in enumerate(pool.gold()) if one is not None]
            positions = np.asarray(known, dtype=np.int64)
        rng = np.random.default_rng(config.seed)
        if len(positions) > self.most:
            positions = np.sort(rng.choice(positions, self.most, replace=False))
        return pool.items(positions)

    def _usable(self, config: RunConfig, pool: Pool) -> Pool:
        data = config.data
        test = None
        if data.test is not None:
            # What the labels of the test set are does not matter here.
            bare = config.model_copy(update={"data": data.model_copy(update={"gold": None})})
            test = open_pool(bare, data.test)
        items = RunItems(pool, test, duplicates=data.duplicates, overlap=data.overlap)
        for sentence in items.sentences():
            log.warning("%s", sentence)
        if not len(items.usable):
            raise DataError(
                "every text is in the test set too",
                where=pool.source,
                fix="give other texts, or use them all the same with overlap: keep",
            )
        return items.usable


def lm_section(model: str | None, url: str | None, backend: str | None) -> dict[str, str | None]:
    """The section `lm` that options make; a model that is a learner's folder is that learner."""
    if model is not None and is_learner(model):
        return {"learner": str(Path(model).expanduser().absolute()), "url": url, "backend": backend}
    return {"model": model, "url": url, "backend": backend}
