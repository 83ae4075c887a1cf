"""The configuration in a run directory: kept when a run begins, read when its report is made."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from llmal.config import RecordedAnnotatorConfig, RunConfig, load_config, parse_config
from llmal.errors import ConfigError, DataError, LedgerError
from llmal.events import Event
from llmal.ledger import Ledger
from llmal.pool import Pool

log = logging.getLogger("llmal.cli")

FILE = "config.yaml"
_MAY_CHANGE = ("budget", "stop", "directory")
_SHOWN_CHANGES = 5


class KeptConfig:
    """Writes a run's configuration into its directory: an event callback.

    It acts on the first event, which a run gives once its ledger has been found to belong to the
    same task, pool, seed and objective, and before its first round. So a mistaken directory keeps
    the configuration that it has. What differs from the configuration that is there is told in one
    warning, budget and stopping rules apart, which are there to be changed.

    Args:
        config: The configuration.
    """

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._kept = False

    def __call__(self, event: Event) -> None:
        """Keep the configuration, once."""
        if self._kept:
            return
        self._kept = True
        path = self._config.directory / FILE
        text = self._config.to_yaml()
        before = path.read_text(encoding="utf-8") if path.exists() else text
        if before == text and path.exists():
            return
        changes = _changes(before, text)
        if changes:
            shown = "; ".join(changes[:_SHOWN_CHANGES])
            more = len(changes) - _SHOWN_CHANGES
            log.warning(
                "the configuration has changed since this run began: %s%s",
                shown,
                f" and {more} more" if more > 0 else "",
            )
        part = path.with_name(f".{FILE}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)


def _changes(before: str, after: str) -> list[str]:
    try:
        old, new = (dict(_leaves(yaml.safe_load(text))) for text in (before, after))
    except yaml.YAMLError:
        return [f"the {FILE} that was there could not be read"]
    return [
        f"{name} was {old.get(name)!r}, is {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name.split(".")[0] not in _MAY_CHANGE
    ]


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    if isinstance(value, Mapping):
        pairs = [(str(key), one) for key, one in value.items()]
    elif isinstance(value, list):
        pairs = [(str(place), one) for place, one in enumerate(value)]
    if not pairs:
        yield name, value
    for key, one in pairs:
        yield from _leaves(one, f"{name}.{key}" if name else key)


def read_run_directory(directory: Path) -> tuple[RunConfig, dict[str, Any]]:
    """The configuration of a run that is only to be read.

    Its annotators, language model and generator are left out, for nobody is asked: the model may be
    gone and its server down.

    Args:
        directory: The run directory; it may have been moved.

    Returns:
        The configuration without those who answer, and the whole of it as plain data.

    Raises:
        ConfigError: There is no run in the directory, or its configuration cannot be read.
    """
    file = directory / FILE
    if not file.is_file():
        raise ConfigError(
            f"there is no {FILE}, so this is no run directory",
            where=str(directory),
            fix="give the directory of a run that was started with llmal run",
        )
    try:
        config = load_config(file)
        whole = config.model_dump(mode="json", by_alias=True)
    except ConfigError as error:
        # A model that has gone since the run must not keep its report from being made.
        try:
            whole = yaml.safe_load(file.read_text(encoding="utf-8"))
            data = {key: one for key, one in whole.items() if key not in ("lm", "generator")}
            data["annotator"] = {"name": "recorded", "column": "none"}
            config = parse_config(
                yaml.safe_dump(data, sort_keys=False), source=str(file), base=directory
            )
        except (ConfigError, yaml.YAMLError, AttributeError, UnicodeDecodeError):
            raise error from None
    nobody = RecordedAnnotatorConfig(name="recorded", column="none")
    silent = config.model_copy(
        update={
            "directory": directory.resolve(),
            "annotator": (nobody,),
            "lm": None,
            "generator": None,
        }
    )
    return silent, whole


def ledger_place(config: RunConfig) -> str:
    """Path or URL of the ledger of a configuration."""
    return config.ledger or str(config.directory / "ledger.sqlite")


def has_ledger(config: RunConfig) -> bool:
    """Whether a run has begun; a database that is no file is taken to have one."""
    place = ledger_place(config).removeprefix("sqlite:///")
    return "://" in place or Path(place).is_file()


def check_ledger(ledger: Ledger, config: RunConfig, pool: Pool) -> None:
    """See that a ledger is that of this task and pool.

    Raises:
        LedgerError: It is of another task, or of no run.
        DataError: The pool has changed.
    """
    identity = ledger.identity
    if not identity:
        raise LedgerError("the run has not begun", where=ledger_place(config), fix="llmal run it")
    if identity.get("task") != config.task_object().fingerprint:
        raise LedgerError(
            "the ledger belongs to another task",
            where=ledger_place(config),
            fix=f"restore the {FILE} that the run was started with",
        )
    if identity.get("pool") != pool.fingerprint:
        raise DataError(
            "the pool has changed since the run",
            where=pool.source,
            fix="restore the file as it was when the run began",
        )
