"""Cells of a benchmark: one line each in a work folder, by one process or by several at once."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

sys.path.append(str(Path(__file__).resolve().parents[1]))

from results_file import add_line, read_lines, record_command

Cell = TypeVar("Cell", bound=tuple[Any, ...])
_CLAIMS = "claims"


def add_processes(parser: argparse.ArgumentParser) -> None:
    """Let a benchmark be run by several processes, which share its cells."""
    parser.add_argument("--processes", type=int, default=1, help="that run cells side by side")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)


def run_cells(
    options: argparse.Namespace, cells: Iterable[Cell], measure: Callable[[Cell], dict[str, Any]]
) -> None:
    """Measure the cells that `options.work` has no line of yet, in their order.

    A cell that fails is told of, the others go on, and the process fails at the end.
    """
    work, worker = options.work, options.worker
    if worker is None:
        record_command(work)
        shutil.rmtree(work / _CLAIMS, ignore_errors=True)
        (work / _CLAIMS).mkdir()
        if options.processes > 1:
            _share(options.processes)
            return
        worker = 0
    done = {tuple(line["cell"]) for line in read_cells(work)}
    failed = 0
    for cell in cells:
        if cell in done or not _claim(work, cell):
            continue
        try:
            found = measure(cell)
        except Exception:  # noqa: BLE001 - it is told of, and fails the process at the end
            traceback.print_exc()
            failed += 1
        else:
            add_line(work / f"cells.{worker}.jsonl", {"cell": cell, **found})
    if failed:
        raise SystemExit(f"{failed} cells failed")


def read_cells(work: Path) -> list[dict[str, Any]]:
    """All lines, in the order of their cells."""
    lines = read_lines(*sorted(work.glob("cells*.jsonl")))
    return sorted(lines, key=lambda line: [str(one).rjust(8) for one in line["cell"]])


def _share(processes: int) -> None:
    """Run this very command in workers, and wait."""
    workers = [
        subprocess.Popen([sys.executable, *sys.argv, "--worker", str(number)])
        for number in range(processes)
    ]
    failed = [number for number, one in enumerate(workers) if one.wait()]
    if failed:
        raise SystemExit(f"workers {failed} failed; what is missing is done by the same command")


def _claim(work: Path, cell: tuple[Any, ...]) -> bool:
    """Whether no other worker of this run has taken the cell."""
    name = hashlib.sha256(json.dumps(cell).encode()).hexdigest()[:32]
    try:
        (work / _CLAIMS / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
