"""`llmal export`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llmal.cli.generate import synthetic_texts
from llmal.cli.run_directory import check_ledger, has_ledger, ledger_place, read_run_directory
from llmal.cli.telling import give, results_only_on_stdout
from llmal.errors import ConfigError, LedgerError
from llmal.factory import open_pool
from llmal.ledger import Ledger
from llmal.pool import Pool
from llmal.progress import ProgressDisplay
from llmal.tables import FORMATS, Column, Format, check_output, text_columns, write_table

_COLUMNS = (
    Column("label"),
    Column("by"),
    Column("annotator"),
    Column("confidence", "number"),
    Column("round", "whole"),
    Column("synthetic", "flag"),
    Column("gold"),
    Column("suggestion"),
)
_CHUNK = 1024


def export(
    directory: Path,
    *,
    to: str,
    out: Path,
    everything: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the labels of a run to a file."""
    format = _format(to)
    config, _ = read_run_directory(directory)
    if not has_ledger(config):
        raise LedgerError("the run has not begun", where=ledger_place(config), fix="llmal run it")
    check_output(out, force=force, format=format)
    with (
        results_only_on_stdout(as_json),
        ProgressDisplay(quiet=quiet) as progress,
        Ledger.open(ledger_place(config)) as ledger,
    ):
        pool = open_pool(config, config.data.pool)
        check_ledger(ledger, config, pool)
        table = _Table(pool, ledger, everything, progress)
        count = write_table(out, format, table.columns, table.rows())
    result = {
        "out": str(out),
        "format": format,
        "rows": count,
        "labelled": table.labelled,
        "undecided": table.undecided,
        "synthetic": table.synthetic,
    }
    text = f"{table.labelled:,} labelled items"
    if table.undecided:
        text += f", {table.undecided:,} undecided ones"
    if table.synthetic:
        text += f", {table.synthetic:,} synthetic ones"
    give(result, f"{text}: {out}", as_json=as_json)


def _format(name: str) -> Format:
    for one in FORMATS:
        if one == name:
            return one
    raise ConfigError(f"there is no format {name!r}", fix=f"use {', '.join(FORMATS)}")


class _Table:
    """The rows of an export: real items in the order of the pool, then the synthetic ones."""

    def __init__(
        self, pool: Pool, ledger: Ledger, everything: bool, progress: ProgressDisplay
    ) -> None:
        taken = ("id", *(one.name for one in _COLUMNS))
        self._pool = pool
        self._ledger = ledger
        self._everything = everything
        self._progress = progress
        self._called = text_columns(pool.text_columns, taken)
        kept = [one for one in _COLUMNS if one.name != "gold" or pool.has_gold]
        kept = [one for one in kept if one.name != "suggestion" or everything]
        self.columns = [Column("id"), *(Column(one) for one in self._called.values()), *kept]
        self.labelled = self.undecided = self.synthetic = 0

    def rows(self) -> Iterator[dict[str, Any]]:
        labels = self._ledger.labels()
        guesses = self._guesses(labels) if self._everything else {}
        done = 0
        for items in self._pool.map_batches(list, _CHUNK):
            for item in items:
                row: dict[str, Any] = {
                    "id": item.id,
                    **{self._called[name]: text for name, text in item.fields.items()},
                    "synthetic": False,
                    "gold": item.gold,
                }
                decided = labels.get(item.id)
                if decided is not None:
                    self.labelled += 1
                    yield row | {
                        "label": decided.label,
                        "by": decided.kind,
                        "annotator": decided.annotator,
                        "confidence": decided.confidence,
                        "round": decided.round,
                    }
                elif self._everything:
                    self.undecided += 1
                    yield row | guesses.get(item.id, {})
            done += len(items)
            self._progress.step("exporting", done, len(self._pool))
        for one in self._ledger.synthetic(accepted=True):
            self.synthetic += 1
            yield {
                "id": one.id,
                **synthetic_texts(one, self._called),
                "label": one.label,
                "by": "generator",
                "annotator": one.generator,
                "round": one.provenance.get("round"),
                "synthetic": True,
            }

    def _guesses(self, labels: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """For items without a label the last answer of a machine: routes go from cheap to good."""
        return {
            one.item_id: {
                "suggestion": one.label,
                "by": one.kind,
                "annotator": one.annotator,
                "confidence": one.confidence,
                "round": one.round,
            }
            for one in self._ledger.annotations()
            if one.kind != "human" and one.label is not None and one.item_id not in labels
        }
