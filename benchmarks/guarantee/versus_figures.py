"""The figures of the comparison, from the lines that its runs wrote."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))
from results_file import record_command as record_command
from results_file import recorded_commands, write_results

NAME = "guarantee_versus"
Figures = dict[str, Any]


def read_lines(path: Path) -> list[Figures]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def figures_of(lines: list[Figures]) -> Figures:
    """Mean, standard deviation and broken promises of the audits of one method on one set."""
    saved = np.array([line["saved"] for line in lines])
    wrong = np.array([line["wrong"] for line in lines])
    found: Figures = {
        "audits": len(lines),
        "saved": round(float(saved.mean()), 4),
        "std": round(float(saved.std(ddof=1)), 4) if len(lines) > 1 else 0.0,
        "wrong": round(float(wrong.mean()), 4),
        "most wrong": round(float(wrong.max()), 4),
        "broken": int(sum(line["broken"] for line in lines)),
    }
    for key in ("before", "audited", "rounds", "seconds"):
        values = [line[key] for line in lines if key in line]
        if values:
            found[key] = round(float(np.mean(values)), 1)
    return found


def with_best_sizes(found: Mapping[str, Figures]) -> dict[str, Figures]:
    """Of a rule that was run at several sizes, the one that was best in hindsight by its name."""
    best: dict[str, Figures] = {}
    for name, figures in found.items():
        rule, _, size = name.rpartition(", ")
        if size.isdigit() and figures["saved"] > best.get(rule, {"saved": -1})["saved"]:
            best[rule] = {**figures, "size": int(size)}
    return {**found, **best}


def tell(work: Path) -> Path:
    """Write the results file."""
    sets: dict[str, Figures] = {}
    for about in sorted(work.glob("*.json")):
        name = about.stem
        found = {
            path.name.removeprefix(f"{name}.").removesuffix(".jsonl"): read_lines(path)
            for path in sorted(work.glob(f"{name}.*.jsonl"))
        }
        if not found:
            continue
        methods = with_best_sizes({key: figures_of(lines) for key, lines in found.items()})
        curve = found.get("CoAnnotating", [{}])[0].get("curve")
        sets[name] = {**json.loads(about.read_text()), "methods": methods}
        own = methods.get("replaced labels")
        if curve is not None and own is not None:
            at = max(round(own["saved"] * 100), 1)
            sets[name]["CoAnnotating, wrong at llmal's share"] = round(curve[at - 1], 4)
    commands = recorded_commands(work)
    return write_results(NAME, {"commands": commands, "epsilon": 0.05, "alpha": 0.05, "sets": sets})
