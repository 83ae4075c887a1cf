"""The configuration in a run directory: kept when a run begins, read when its report is made."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from llmal.cli.kept_paths import with_found_paths, with_relative_paths
from llmal.config import RunConfig, parse_config
from llmal.config.yaml_lines import write
from llmal.core.files import write_whole
from llmal.errors import ConfigError, DataError, LedgerError
from llmal.ledger import Ledger
from llmal.pool import Pool
from llmal.run.events import Event

log = logging.getLogger("llmal.cli")

FILE = "config.yaml"
# The task has versions, and what becomes of its answers is told where a change is accepted.
_MAY_CHANGE = ("budget", "stop", "directory", "task")
_SHOWN_CHANGES = 5
_PLACE = "# This run was in {} when this was written; paths are relative to this file.\n"
_WRITTEN_IN = re.compile(r"# This run was in (.+) when this was written; .*\n")


class KeptConfig:
    """Writes a run's configuration into its directory: an event callback.

    It acts on the first event, which a run gives once its ledger has been found to belong to the
    same task, pool, seed and objective, and before its first round. So a mistaken directory keeps
    the configuration that it has. What differs from the configuration that is there is told in one
    warning, budget and stopping rules apart, which are there to be changed. Paths are written
    relative to the directory where they can be, so that both can be moved together.

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
        directory = self._config.directory
        content = self._config.model_dump(mode="json", by_alias=True)
        text = _PLACE.format(directory) + write(with_relative_paths(content, directory))
        before = path.read_text(encoding="utf-8") if path.exists() else text
        if before == text and path.exists():
            return
        changes = _changes(before, text, directory)
        if changes:
            shown = "; ".join(changes[:_SHOWN_CHANGES])
            more = len(changes) - _SHOWN_CHANGES
            log.warning(
                "the configuration has changed since this run began: %s%s",
                shown,
                f" and {more} more" if more > 0 else "",
            )
        write_whole(path, text)


def _changes(before: str, after: str, directory: Path) -> list[str]:
    old, new = (dict(_leaves(_found(text, directory) or {})) for text in (before, after))
    if not old:
        return [f"the {FILE} that was there could not be read"]
    return [
        f"{name} was {old.get(name)!r}, is {new.get(name)!r}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name) and name.split(".")[0] not in _MAY_CHANGE
    ]


def _found(text: str, directory: Path) -> dict[str, Any] | None:
    """A kept configuration with its paths made absolute; None if it cannot be read."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    if not isinstance(content, dict):
        return None
    place = _WRITTEN_IN.match(text)
    return with_found_paths(content, directory, None if place is None else Path(place[1]))


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


def read_run_directory(
    directory: Path, *, data: Path | None = None
) -> tuple[RunConfig, dict[str, Any]]:
    """The configuration of a run that is only to be read.

    Its annotators, language model and generator are left out, for nobody is asked: the model may be
    gone and its server down. So is a test set that is no longer there.

    Args:
        directory: The run directory; it may have been moved, with its pool or without.
        data: The pool, in place of where the run had it.

    Returns:
        The configuration without those who answer, and the whole of it as plain data.

    Raises:
        ConfigError: There is no run in the directory, its configuration cannot be read, or the pool
            is not there.
    """
    file = directory / FILE
    if not file.is_file():
        raise ConfigError(
            f"there is no {FILE}, so this is no run directory",
            where=str(directory),
            fix="give the directory of a run that was started with llmal run",
        )
    here = directory.resolve()
    text = file.read_bytes().decode("utf-8", "replace")
    whole = _found(text, here)
    if whole is None or not isinstance(whole.get("data"), dict):
        # Told with its line, as for any configuration.
        return parse_config(text, source=str(file), base=here), {}
    sources = whole["data"]
    if data is not None:
        sources["pool"] = str(data.expanduser().resolve())
    elif _is_gone(sources.get("pool")):
        raise ConfigError(
            f"the pool of the run is not there: {sources['pool']}",
            where=str(file),
            fix="say where it is with --data",
        )
    if _is_gone(sources.get("test")):
        log.warning("the test set of the run, %s, is not there and left out", sources["test"])
        sources["test"] = None
    known = sources.get("labels")
    if isinstance(known, dict) and _is_gone(known.get("file")):
        # What was taken from it is in the ledger.
        sources["labels"] = None
    silent = {key: one for key, one in whole.items() if key not in ("lm", "generator", "audit")}
    # Whether people answer beside machines decides what is promised, so that stays as it was.
    answers: list[dict[str, Any]] = [{"name": "recorded", "column": "none"}]
    if _has_people(whole.get("annotator")):
        answers.append({"name": "human", "via": "queue"})
    silent |= {"annotator": answers, "directory": str(here)}
    config = parse_config(
        yaml.safe_dump(silent, sort_keys=False, allow_unicode=True), source=str(file), base=here
    )
    return config, whole


def _has_people(annotators: Any) -> bool:
    """Whether a machine and people answer."""
    listed = annotators if isinstance(annotators, list) else [annotators]
    names = [one.get("name") if isinstance(one, dict) else one for one in listed]
    return "human" in names and len(names) > 1


def _is_gone(source: Any) -> bool:
    return isinstance(source, str) and not source.startswith("hub:") and not Path(source).exists()


def ledger_place(config: RunConfig) -> str:
    """Path or URL of the ledger of a configuration."""
    return config.ledger or str(config.directory / "ledger.sqlite")


def has_ledger(config: RunConfig) -> bool:
    """Whether a run has begun; a database that is no file is taken to have one."""
    place = ledger_place(config).removeprefix("sqlite:///")
    return "://" in place or Path(place).is_file()


def check_ledger(ledger: Ledger, config: RunConfig, pool: Pool) -> None:
    """See that a ledger is that of this task and pool, and read its answers as they are now.

    Raises:
        LedgerError: It is of another task, or of no run.
        DataError: The pool has changed.
    """
    bound, versions, pools = ledger.identity, ledger.task_versions(), ledger.pool_versions()
    if not bound:
        raise LedgerError("the run has not begun", where=ledger_place(config), fix="llmal run it")
    # A ledger that was bound by hand has no versions.
    of_task = versions[-1].fingerprint if versions else bound.get("task")
    of_pool = pools[-1].fingerprint if pools else bound.get("pool")
    if of_task != config.task_object().fingerprint:
        raise LedgerError(
            "the ledger belongs to another task",
            where=ledger_place(config),
            fix=f"restore the {FILE} that the run was last gone on with, or go on with the changed "
            "one: llmal run --accept-changes",
        )
    if of_pool != pool.fingerprint:
        raise DataError(
            "the pool has changed since the run was last gone on with",
            where=pool.source,
            fix="go on with it: llmal run --accept-changes; or restore the file as it was, or name "
            "it with --data",
        )
    ledger.read_as(pool.contents)
