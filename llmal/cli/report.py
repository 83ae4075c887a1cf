"""`llmal report`."""

from __future__ import annotations

from pathlib import Path

from llmal.cli.run_directory import check_ledger, has_ledger, ledger_place, read_run_directory
from llmal.cli.telling import give, results_only_on_stdout
from llmal.errors import LedgerError
from llmal.factory.orchestrator import build
from llmal.ledger import Ledger
from llmal.progress import ProgressDisplay


def report(
    directory: Path, *, out: Path | None, data: Path | None, as_json: bool, quiet: bool
) -> None:
    """Write the report of a run directory again. Asks no annotator and starts no model."""
    config, whole = read_run_directory(directory, data=data)
    if not has_ledger(config):
        raise LedgerError("the run has not begun", where=ledger_place(config), fix="llmal run it")
    with results_only_on_stdout(as_json), ProgressDisplay(quiet=quiet) as progress:
        run = build(config)
        with Ledger.open(run.ledger_url, read_only=True) as ledger:
            check_ledger(ledger, config, run.pool)
        from llmal.report.gather import write_run

        page = write_run(run, config=whole, out=out, on_progress=progress.step)
    give(
        {"report": str(page), "figures": str(page.with_suffix(".json"))},
        f"report: {page}",
        as_json=as_json,
    )
