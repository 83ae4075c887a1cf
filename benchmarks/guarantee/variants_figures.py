"""The figures of the variants, from the lines that their jobs wrote."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))
from results_file import record_command as record_command
from results_file import recorded_commands, write_results

NAME = "guarantee_variants"
Line = dict[str, Any]


def tell(work: Path) -> Path:
    """Write the results file."""
    lines = [json.loads(one) for one in (work / f"{NAME}.jsonl").read_text().splitlines()]
    return write_results(NAME, {"commands": recorded_commands(work), **figures(lines)})


def figures(lines: list[Line]) -> dict[str, Any]:
    return {
        "epsilon": 0.05,
        "alpha": 0.05,
        "runs": _grouped([one for one in lines if one["kind"] == "run"], _run),
        "paths": _grouped([one for one in lines if one["kind"] == "path"], _path),
        "scores": _grouped([one for one in lines if one["kind"] == "score"], _score),
    }


def _grouped(lines: list[Line], summary: Any) -> dict[str, Any]:
    """By variant and set."""
    groups: dict[str, dict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        groups[line["variant"]][line["set"]].append(line)
    return {
        variant: {name: summary(some) for name, some in sets.items()}
        for variant, sets in groups.items()
    }


def _run(lines: list[Line]) -> Line:
    return {
        "repetitions": len(lines),
        "saved": _mean(lines, "saved"),
        "std": round(float(np.std([one["saved"] for one in lines])), 4),
        "broken": sum(one["broken"] for one in lines),
        "most wrong": round(max(one["wrong"] for one in lines), 4),
        "before": _mean(lines, "before"),
        "audited": _mean(lines, "audited"),
        "rounds": _mean(lines, "rounds"),
        "expected when the audit began": _mean(lines, "expected"),
    }


def _path(lines: list[Line]) -> Line:
    return {
        "paths": len(lines),
        "saved": _mean(lines, "saved"),
        "audited": _mean(lines, "audited"),
        "broken": _mean(lines, "broken"),
    }


def _score(lines: list[Line]) -> Line:
    found: Line = {"repetitions": len({one["seed"] for one in lines})}
    for share in sorted({one["share"] for one in lines}):
        some = [one for one in lines if one["share"] == share]
        found[f"{share:g}"] = {key: _mean(some, key) for key in ("kept", "log_loss", "wrong")}
    return found


def _mean(lines: list[Line], key: str) -> float:
    return round(float(np.mean([one[key] for one in lines])), 4)
