"""`llmal export`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llmal.cli.exported_tables import TABLES, Exporter, Table
from llmal.cli.run_directory import check_ledger, has_ledger, ledger_place, read_run_directory
from llmal.cli.telling import give, results_only_on_stdout
from llmal.core.spreadsheets import is_changed
from llmal.core.tables import FORMATS, Format, check_output, format_named, print_table, write_table
from llmal.errors import ConfigError, LedgerError
from llmal.factory.pools import open_pool
from llmal.ledger import Ledger
from llmal.progress import ProgressDisplay, say
from llmal.run.items import RunItems

STDOUT = Path("-")


def export(
    directory: Path,
    *,
    what: str,
    to: str | None,
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
    format = _format(to, out)
    place = out or directory / (what if format == "hf" else f"{what}.{format}")
    if place != STDOUT:
        check_output(place, force=force, format=format)
    elif as_json:
        raise ConfigError("--json and --out - both want standard output", fix="leave one out")
    config, _ = read_run_directory(directory, data=data)
    if not has_ledger(config):
        raise LedgerError("the run has not begun", where=ledger_place(config), fix="llmal run it")
    with (
        results_only_on_stdout(as_json),
        ProgressDisplay(quiet=quiet) as progress,
        Ledger.open(ledger_place(config), read_only=True) as ledger,
    ):
        pool = open_pool(config, config.data.pool).match_labels(config.task_object())
        check_ledger(ledger, config, pool)
        items = RunItems(pool, duplicates=config.data.duplicates)
        exporter = Exporter(config.task_object(), items, ledger, progress.step)
        table = exporter.table(what, everything=everything)
        looked_at = _LookedAt(table)
        rows = looked_at.rows() if format == "csv" else table.rows()
        if place == STDOUT:
            count = print_table(format, table.columns, rows)
        else:
            count = write_table(place, format, table.columns, rows)
    lines = [f"{_counted(table)}: {place}", *_notes(table, looked_at)]
    if place == STDOUT:
        if not quiet:
            say("\n".join([_counted(table), *lines[1:]]))
        return
    result = {
        "out": str(place),
        "what": what,
        "format": format,
        "rows": count,
        "columns": [one.name for one in table.columns],
        "renamed": dict(table.renamed),
        **{name.split()[0]: number for name, number in table.counts.items()},
    }
    give(result, "\n".join(lines), as_json=as_json)


def _format(to: str | None, out: Path | None) -> Format:
    """The format that is named, or that of the file, or JSON lines."""
    for one in FORMATS:
        if one == to:
            return one
    if to is not None:
        raise ConfigError(f"there is no format {to!r}", fix=f"use {', '.join(FORMATS)}")
    return (format_named(out) if out is not None and out != STDOUT else None) or "jsonl"


def _counted(table: Table) -> str:
    first, *others = table.counts.items()
    told = [first, *((name, number) for name, number in others if number)]
    return ", ".join(f"{number:,} {name}" for name, number in told)


def _notes(table: Table, looked_at: _LookedAt) -> Iterator[str]:
    """What somebody who opens the file would stumble over."""
    for name, called in table.renamed.items():
        yield f"the input has a column {name!r} of its own, so that of llmal is called {called!r}"
    if looked_at.example is not None:
        yield (
            f"a spreadsheet that opens this file would change {looked_at.changed:,} of its cells, "
            f"such as {looked_at.example!r}; --to xlsx keeps them as they are"
        )


class _LookedAt:
    """Counts the texts of a table that a spreadsheet would make something else of."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.changed = 0
        self.example: str | None = None

    def rows(self) -> Iterator[Mapping[str, Any]]:
        names = [one.name for one in self._table.columns if one.kind == "text"]
        for row in self._table.rows():
            for name in names:
                cell = row.get(name)
                if isinstance(cell, str) and is_changed(cell):
                    self.changed += 1
                    self.example = self.example or cell[:40]
            yield row
