"""`llmal export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from llmal.cli.run_directory import check_ledger, has_ledger, ledger_place, read_run_directory
from llmal.cli.telling import give, results_only_on_stdout
from llmal.cli.wording import key_values
from llmal.errors import ConfigError, LedgerError
from llmal.exporters import REGISTRY
from llmal.exporters.protocol import Exporter
from llmal.exporters.run_tables import TABLES, RunTables
from llmal.exporters.writing import STDOUT, check_export, name_of_exporter, write_export
from llmal.factory.aggregation import combine_as
from llmal.factory.pools import open_pool
from llmal.ledger import Ledger
from llmal.progress import ProgressDisplay, say
from llmal.run.items import RunItems


def export(
    directory: Path,
    *,
    what: str,
    format: str | None,
    options: Sequence[str],
    out: Path | None,
    data: Path | None,
    everything: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write what a run has in its ledger to a file."""
    if what not in TABLES:
        raise ConfigError(f"there is nothing called {what!r}", fix=f"use {', '.join(TABLES)}")
    if out == STDOUT and as_json:
        raise ConfigError("--json and --out - both want standard output", fix="leave one out")
    named = None if out is None or out == STDOUT else name_of_exporter(out)
    name = format or named or "jsonl"
    config, _ = read_run_directory(directory, data=data)
    task = config.task_object()
    exporter: Exporter = REGISTRY.make(
        name, key_values(options, "--option"), offers={"task": task, "seed": config.seed}
    )
    place = out or directory / f"{what}{exporter.suffix}"
    check_export(exporter, place, name=name, force=force)
    if not has_ledger(config):
        raise LedgerError("the run has not begun", where=ledger_place(config), fix="llmal run it")
    with (
        results_only_on_stdout(as_json),
        ProgressDisplay(quiet=quiet) as progress,
        Ledger.open(ledger_place(config), read_only=True) as ledger,
    ):
        pool = open_pool(config, config.data.pool).match_labels(task)
        check_ledger(ledger, config, pool)
        combine_as(config, ledger)
        items = RunItems(pool, duplicates=config.data.duplicates)
        table = RunTables(task, items, ledger, progress.step).table(what, everything=everything)
        written = write_export(exporter, place, table)
    if place == STDOUT:
        if not quiet:
            say("\n".join([written.counts, *written.notes]))
        return
    result = {
        "out": str(place),
        "what": what,
        "format": name,
        "rows": written.rows,
        "columns": [column.name for column in table.columns],
        "renamed": dict(table.renamed),
        **{name.split()[0]: number for name, number in table.counts.items()},
    }
    lines = [f"{written.counts}: {place}", *written.notes]
    give(result, "\n".join(lines), as_json=as_json)
