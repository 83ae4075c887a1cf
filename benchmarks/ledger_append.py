"""How many annotations a second the ledger records durably, beside the plainest ways to do it.

    python benchmarks/ledger_append.py [--directory DIR] [--repeats 3]

All ways write the same annotations to the same disk, in turn, and each batch is on the disk before
the next begins.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from results_file import write_results
from rich.console import Console
from rich.table import Table

from llmal.core.records import Annotation, Usage
from llmal.ledger import Ledger

BATCH = 256
LABELS = ("Number", "Location", "Person", "Description", "Entity", "Abbreviation")


def _annotations(n: int) -> list[Annotation]:
    """Annotations as a language model of six labels gives them."""
    return [
        Annotation(
            item_id=f"{i:016x}",
            label=LABELS[i % 6],
            annotator="llm",
            kind="llm",
            probabilities={name: 1 / (3 + (i + j) % 7) for j, name in enumerate(LABELS)},
            usage=Usage(requests=1, prompt_tokens=180 + i % 90, seconds=0.0123, money=1.8e-5),
            provenance={"model": "0123456789abcdef", "prompt": "classify/2", "shots": ["a", "b"]},
            round=0,
            created=1_700_000_000.0 + i,
        )
        for i in range(n)
    ]


def _batches(annotations: list[Annotation], size: int) -> list[list[Annotation]]:
    return [annotations[i : i + size] for i in range(0, len(annotations), size)]


def _json(one: Annotation) -> str:
    # Not dataclasses.asdict, which would take longer than everything else here.
    return json.dumps({**vars(one), "usage": vars(one.usage)})


def _to_ledger(directory: Path, batches: list[list[Annotation]]) -> None:
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        for batch in batches:
            ledger.append(batch)


def _to_jsonl(directory: Path, batches: list[list[Annotation]]) -> None:
    with (directory / "annotations.jsonl").open("a", encoding="utf-8") as file:
        for batch in batches:
            file.writelines(_json(one) + "\n" for one in batch)
            file.flush()
            os.fsync(file.fileno())


def _to_sqlite(directory: Path, batches: list[list[Annotation]]) -> None:
    """A table of key and JSON, as one would write it by hand."""
    file = sqlite3.connect(directory / "plain.sqlite", isolation_level=None)
    with contextlib.closing(file):
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        file.execute(
            "CREATE TABLE annotations "
            "(item TEXT, annotator TEXT, round INT, body TEXT, UNIQUE (item, annotator, round))"
        )
        for batch in batches:
            file.execute("BEGIN IMMEDIATE")
            file.executemany(
                "INSERT INTO annotations VALUES (?, ?, ?, ?)",
                [(one.item_id, one.annotator, one.round, _json(one)) for one in batch],
            )
            file.execute("COMMIT")


Way = Callable[[Path, list[list[Annotation]]], None]
WAYS: dict[str, tuple[Way, int, int]] = {
    "llmal ledger, batches of 256": (_to_ledger, BATCH, 80 * BATCH),
    "llmal ledger, one by one": (_to_ledger, 1, 400),
    "JSONL, fsync after batches of 256": (_to_jsonl, BATCH, 80 * BATCH),
    "plain SQLite, batches of 256": (_to_sqlite, BATCH, 80 * BATCH),
    "plain SQLite, one row a commit": (_to_sqlite, 1, 400),
}


def _rate(way: Way, batch: int, n: int, directory: Path) -> float:
    batches = _batches(_annotations(n), batch)
    with tempfile.TemporaryDirectory(dir=directory) as made:
        start = time.perf_counter()
        way(Path(made), batches)
        return n / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, help="on the disk to measure")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    # In turn, so that a busy spell of the machine falls on all of them.
    for _ in range(given.repeats):
        for name, (way, batch, n) in WAYS.items():
            rates[name].append(_rate(way, batch, n, given.directory))
    median = {name: statistics.median(values) for name, values in rates.items()}
    ours = median["llmal ledger, batches of 256"]

    table = Table("way", "annotations/s", "lowest", "highest", "ledger is", title="Durable appends")
    for name, values in rates.items():
        table.add_row(
            name,
            f"{median[name]:,.0f}",
            f"{min(values):,.0f}",
            f"{max(values):,.0f}",
            f"{ours / median[name]:.2f} x",
        )
    Console().print(table)
    write_results(
        "ledger_append",
        {
            "batch": BATCH,
            "repeats": given.repeats,
            "sqlite": sqlite3.sqlite_version,
            "annotations_per_second": {
                name: {"median": median[name], "all": values} for name, values in rates.items()
            },
        },
    )


if __name__ == "__main__":
    main()
