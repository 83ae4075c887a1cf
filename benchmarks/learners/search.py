"""How the defaults of soft prompts over causal models were found, and settings of others may be.

    python benchmarks/learners/search.py run --work FOLDER --models smollm2-135m-instruct
    python benchmarks/learners/search.py tell --work FOLDER
    python benchmarks/learners/search.py run --work FOLDER --method contrastive \
        --models all-MiniLM-L6-v2 --settings 12
    python benchmarks/learners/search.py tell --work FOLDER --method contrastive

Settings are drawn at random and each is tried on sets that `few_shot.py` does not test (emotion,
mr, dbpedia14): so many labels a class, and the accuracy on other rows of the *train* part. Every
setting sees the same draws. `tell` writes the mean accuracy of each setting and of each value, and
the best with and without vectors of the text into FOLDER/best.json, for `few_shot.py --settings`.
The defaults of the contrastive learner stand as they were set, without a search.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cells import add_processes, read_cells, run_cells
from few_shot import CONTRASTIVE, GUIDELINES, draw, make_learner, read_rows
from results_file import recorded_commands, write_results

PROMPT = "dynamic soft prompt"
NAMES = {PROMPT: "learners_search", CONTRASTIVE: "learners_search_contrastive"}
SETS = ("emotion", "mr", "dbpedia14")
SHOTS = (4, 16)
JUDGED = 300
PROMPT_GRID: dict[str, tuple[Any, ...]] = {
    "m": (8, 20),
    "n": (0, 1, 2),
    "learning_rate": (1e-4, 3e-4, 1e-3, 3e-3),
    "prompt_learning_rate": (3e-4, 1e-3, 3e-3, 1e-2),
    "epochs": (5, 10, 20),
    "dropout": (0.1, 0.5),
    "loss": ("classes", "vocabulary"),
    "place": ("front", "before text"),
}
CONTRASTIVE_GRID: dict[str, tuple[Any, ...]] = {
    "learning_rate": (2e-5, 5e-5, 1e-4, 2e-4),
    "epochs": (5, 10, 20),
    "C": (1.0, 10.0, "auto"),
}
GRIDS = {PROMPT: PROMPT_GRID, CONTRASTIVE: CONTRASTIVE_GRID}


def settings(method: str, count: int) -> list[dict[str, Any]]:
    """Settings drawn from the grid."""
    rng = np.random.default_rng(0)
    drawn = [
        {name: values[int(rng.integers(len(values)))] for name, values in GRIDS[method].items()}
        for _ in range(count)
    ]
    for one in drawn:
        if one.get("n") == 0:
            one["fusion"] = "task"
    return drawn


def try_setting(
    name: str, model: str, shots: int, seed: int, setting: dict[str, Any],
    options: argparse.Namespace,
) -> dict[str, Any]:  # fmt: skip
    """Train on a draw, and judge on train rows that are in none."""
    rows = read_rows(options.shared, name, "train")
    judged, drawn = rows[:JUDGED], rows[JUDGED:]
    texts, labels = draw(drawn, shots, seed)
    folder = options.shared / "models" / model
    begun = time.perf_counter()
    source = str(folder) if folder.exists() else model
    learner = make_learner(options.method, source, options.device, seed, GUIDELINES[name], setting)
    learner.fit(texts, labels)
    said = learner.predict([row["text"] for row in judged])
    right = float((said == np.array([row["label"] for row in judged])).mean())
    return {"accuracy": right, "seconds": time.perf_counter() - begun}


def run(options: argparse.Namespace) -> None:
    cells = [
        (place, name, model, shots, seed)
        for place in range(options.settings)
        for model in options.models
        for name in SETS
        for shots in SHOTS
        for seed in range(options.seeds)
    ]
    known = settings(options.method, options.settings)

    def measure(cell: tuple[int, str, str, int, int]) -> dict[str, Any]:
        place, name, model, shots, seed = cell
        found = try_setting(name, model, shots, seed, known[place], options)
        return {"setting": known[place], **found}

    run_cells(options, cells, measure)


def tell(options: argparse.Namespace) -> None:
    lines = read_cells(options.work)
    # Only settings that every set, size and draw has seen are compared.
    counts: dict[str, list[float]] = {}
    for line in lines:
        counts.setdefault(json.dumps(line["setting"]), []).append(line["accuracy"])
    most = max(len(one) for one in counts.values())
    whole = {key: float(np.mean(one)) for key, one in counts.items() if len(one) == most}
    values: dict[str, dict[str, float]] = {}
    for name, tried in GRIDS[options.method].items():
        for value in tried:
            mine = [mean for key, mean in whole.items() if json.loads(key)[name] == value]
            if mine:
                values.setdefault(name, {})[str(value)] = float(np.mean(mine))
    ranked = sorted(whole.items(), key=lambda one: -one[1])
    write_results(
        NAMES[options.method],
        {
            "commands": recorded_commands(options.work),
            "cells": len(lines),
            "cells_a_setting": most,
            "by_value": values,
            "settings": [{"accuracy": mean, **json.loads(key)} for key, mean in ranked],
        },
    )
    print(json.dumps(values, indent=1))
    for key, mean in ranked[:8]:
        print(round(mean, 4), key)
    if options.method != PROMPT:
        return
    best = {
        "dynamic soft prompt": next(json.loads(key) for key, _ in ranked if '"n": 0' not in key),
        "prompt tuning, label words": next(json.loads(key) for key, _ in ranked if '"n": 0' in key),
    }
    (options.work / "best.json").write_text(json.dumps(best), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "tell"])
    parser.add_argument("--method", choices=GRIDS, default=PROMPT)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--models", nargs="+", default=["smollm2-135m-instruct"])
    parser.add_argument("--settings", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--device", default="auto")
    add_processes(parser)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    (run if options.what == "run" else tell)(options)


if __name__ == "__main__":
    main()
