"""`llmal run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from llmal.cli.models import language_model_of, planning_model_of
from llmal.cli.run_directory import ledger_place
from llmal.cli.telling import INTERRUPTED, WAITING, give, results_only_on_stdout
from llmal.config import RunConfig, load_config
from llmal.core.words import counted
from llmal.errors import ConfigError
from llmal.exporters.run_tables import RunTables
from llmal.exporters.writing import write_export
from llmal.factory.aggregation import combine_as
from llmal.factory.exporters import Export, make_exports
from llmal.factory.kept_config import KeptConfig
from llmal.factory.orchestrator import build
from llmal.factory.pools import open_pool
from llmal.ledger import Ledger
from llmal.progress import ProgressDisplay, cost_in_words, say
from llmal.run.events import Callback
from llmal.run.guards import on_interrupt, only_one
from llmal.run.items import RunItems
from llmal.run.phases.protocol import HUMAN_LABELS_SPENT
from llmal.task.changes import OriginError

if TYPE_CHECKING:
    from llmal.run.orchestrator import Orchestrator
    from llmal.run.result import RunResult

_EXIT = {"finished": 0, "waiting": WAITING, "interrupted": INTERRUPTED}


def run(
    path: Path,
    *,
    directory: Path | None,
    seed: int | None,
    accept_changes: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a configuration, or go on with it, and write its report."""
    config = with_options(load_config(path), directory=directory, seed=seed)
    exports = make_exports(config)
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        try:
            result, page = carry_out(config, progress, accept_changes=accept_changes, quiet=quiet)
        except OriginError as error:
            where = config.where("task", "labels", error.label, "was")
            raise ConfigError(error.what, where=where, fix=error.fix) from None
        exported = write_exports(config, exports, progress)
    data = {**_as_data(result, page), "exports": [str(export.place) for export in exports]}
    give(data, "\n".join([_as_text(result, page), *exported]), as_json=as_json)
    if _EXIT[result.status]:
        raise typer.Exit(_EXIT[result.status])


def carry_out(
    config: RunConfig,
    progress: ProgressDisplay,
    *,
    accept_changes: bool = False,
    quiet: bool = False,
) -> tuple[RunResult, Path]:
    """Run a configuration with the language model that it names, and write its report."""
    if config.lm is not None and not config.lm.url:
        # What is wrong with the rest is told before the model is waited for.
        with planning_model_of(config, progress=progress) as stand_in:
            planned = build(config, lm=stand_in, accept_changes=accept_changes)
            planned.campaign.record.check_changes()
    with (
        only_one(config.directory) as hold,  # before a model is loaded in vain
        language_model_of(
            config, log_directory=config.directory, quiet=quiet, progress=progress
        ) as lm,
    ):
        callbacks: list[Callback] = [KeptConfig.of(config), progress]
        made = build(config, lm=lm, accept_changes=accept_changes, callbacks=callbacks)
        result = made.run(hold=hold)
    return result, _report(made, config, result, progress)


def with_options(config: RunConfig, *, directory: Path | None, seed: int | None) -> RunConfig:
    """A configuration with what was said on the command line in place of its own."""
    given: dict[str, Any] = {}
    if directory is not None:
        given["directory"] = directory.expanduser().resolve()
    if seed is not None:
        given["seed"] = seed
    return config.model_copy(update=given)


def write_exports(
    config: RunConfig, exports: Sequence[Export], progress: ProgressDisplay
) -> list[str]:
    """Write the exports of a configuration anew; returns what to say of each."""
    if not exports:
        return []
    task = config.task_object()
    pool = open_pool(config, config.data.pool).match_labels(task)
    items = RunItems(pool, duplicates=config.data.duplicates)
    said: list[str] = []
    with Ledger.open(ledger_place(config), read_only=True) as ledger:
        combine_as(config, ledger)
        for export in exports:
            tables = RunTables(task, items, ledger, progress.step)
            table = tables.table(export.what, everything=export.everything)
            written = write_export(export.exporter, export.place, table)
            said += [f"{written.counts}: {export.place}", *written.notes]
    return said


class _WithoutBaseline(Exception):
    """Ctrl-C while the random baseline was measured."""


def _report(
    run: Orchestrator, config: RunConfig, result: RunResult, progress: ProgressDisplay
) -> Path:
    """Write the report; the first Ctrl-C leaves out its slow part, the second ends at once.

    The first is heard between two steps, not in the middle of something that cannot be begun anew.
    """
    from llmal.report.gather import write_run

    content = config.model_dump(mode="json", by_alias=True)
    heard = False

    def hurry() -> None:
        nonlocal heard
        heard = True

    def step(*done: Any) -> None:
        if heard:
            raise _WithoutBaseline
        progress.step(*done)

    with on_interrupt(hurry):
        try:
            return write_run(
                run, config=content, baseline=result.status == "finished", on_progress=step
            )
        except _WithoutBaseline:
            say("the random baseline is left out of the report")
            return write_run(run, config=content, baseline=False)


def _as_data(result: RunResult, page: Path) -> dict[str, Any]:
    by_kind: dict[str, int] = {}
    for label in result.labels.values():
        by_kind[label.kind] = by_kind.get(label.kind, 0) + 1
    certificate = result.certificate
    return {
        "status": result.status,
        "reason": result.reason,
        "accuracy": result.accuracy,
        "rounds": len(result.rounds),
        "labelled": len(result.labels),
        "labelled_by": by_kind,
        "cost": {**result.cost.as_dict(), "tokens": result.cost.tokens},
        "promised": None if result.promised is None else str(result.promised),
        "certificate": None if certificate is None else certificate.as_dict(),
        "directory": str(result.directory),
        "report": str(page),
    }


def _as_text(result: RunResult, page: Path) -> str:
    lines = [f"{result.status}: {result.reason}"]
    if result.promised is not None and (result.status == "finished" or result.certificate):
        lines.append(f"{result.promised.brief}.")
        if result.reason == HUMAN_LABELS_SPENT:
            lines.append("raise budget.human_labels and run it again to go on from here")
    items = counted(len(result.labels), "item is", "items are")
    labelled = f"{items} labelled after {counted(len(result.rounds), 'round')}"
    if result.accuracy is not None:
        labelled += f"; the learner's test accuracy is {result.accuracy:.3f}"
    lines.append(labelled)
    lines.append(f"cost so far: {cost_in_words(result.cost.as_dict()) or 'nothing'}")
    lines.append(f"report: {page}")
    return "\n".join(lines)
