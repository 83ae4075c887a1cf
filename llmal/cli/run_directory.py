"""The configuration in a run directory, and its ledger, for commands that only read them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import yaml

from llmal.config import RunConfig, parse_config
from llmal.errors import ConfigError, DataError, LedgerError
from llmal.factory.kept_config import FILE, read_content
from llmal.ledger import Ledger
from llmal.pool import Pool

log = logging.getLogger("llmal.cli")


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
            fix="give the directory of a run that was started with llmal run or llmal label",
        )
    here = directory.resolve()
    text = file.read_bytes().decode("utf-8", "replace")
    whole = read_content(text, here)
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


def names_its_model(directory: Path) -> bool:
    """Whether a run that asks a language model says which: a call of `llmal.label` in Python may
    have been given an object, which has no form in a file.
    """
    text = (directory / FILE).read_bytes().decode("utf-8", "replace")
    whole = read_content(text, directory.resolve()) or {}
    listed = whole.get("annotator")
    annotators = listed if isinstance(listed, list) else [listed]
    names = [one.get("name") if isinstance(one, dict) else one for one in annotators]
    return "llm" not in names or whole.get("lm") is not None


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
