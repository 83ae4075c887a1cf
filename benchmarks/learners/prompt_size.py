"""m and n of a soft prompt by held-out loss, against PromptAL's fixed 4 and 1.

    python benchmarks/learners/prompt_size.py rate --work FOLDER
    python benchmarks/learners/prompt_size.py run --work FOLDER [--learning-rate 3e-3]
    python benchmarks/learners/prompt_size.py tell --work FOLDER

DynamicSoftPrompt over MiniLM as an encoder that is left alone (with `--layers` its first ones), so
that soft prompt and head are all that is trained; so many labels a class of trec6 and ag_news drawn
from the train part, accuracy on test rows. Three ways, from the same draws: m=4 and n=1 with the
default validation (a tenth is held out from 100 items on); the same with a fifth held out, from 20
items on, as the search holds out; and m="auto", n="auto", which trains each of six pairs so and
keeps the one of the lowest held-out loss. `rate` chooses the learning rate of all three by m=4 and
n=1 on dbpedia14, judged on other rows of its *train* part. `run` writes one line a cell and goes on
where it stopped, few labels first, seed by seed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cells import add_processes, read_cells, run_cells
from few_shot import draw, read_rows
from noisy import model_to_tune
from results_file import (
    add_line,
    read_lines,
    record_command,
    recorded_commands,
    write_results,
)

NAME = "learners_prompt_size"
SETS = ("trec6", "ag_news")
SHOTS = (8, 32)
WAYS: dict[str, dict[str, Any]] = {
    "4 and 1": {"m": 4, "n": 1},
    "4 and 1, a fifth held out": {"m": 4, "n": 1, "validation": 0.2},
    "auto": {"m": "auto", "n": "auto"},
}
EPOCHS, LENGTH = 20, 32
TEST_ROWS = 500
TUNED_ON, TUNED_SHOTS, JUDGED = ("dbpedia14",), 8, 300
RATES = (3e-4, 1e-3, 3e-3, 1e-2)

Cell = tuple[str, str, int, int]
"""Set, way, labels a class, seed."""


def make_learner(options: argparse.Namespace, seed: int, rate: float, **given: Any) -> Any:
    from llmal.learners import DynamicSoftPrompt

    return DynamicSoftPrompt(
        model_to_tune(options),
        freeze_backbone=True,
        epochs=EPOCHS,
        learning_rate=rate,
        max_length=LENGTH,
        random_state=seed,
        device=options.device,
        **given,
    )


def accuracy(learner: Any, rows: list[dict[str, Any]]) -> float:
    said = learner.predict([row["text"] for row in rows])
    return float((said == np.array([row["label"] for row in rows])).mean())


def run_cell(cell: Cell, options: argparse.Namespace) -> dict[str, Any]:
    """Train and test."""
    name, way, shots, seed = cell
    texts, labels = draw(read_rows(options.shared, name, "train"), shots, seed)
    test = read_rows(options.shared, name, "test")[:TEST_ROWS]
    begun = time.perf_counter()
    learner = make_learner(options, seed, options.learning_rate, **WAYS[way]).fit(texts, labels)
    seconds = time.perf_counter() - begun
    return {
        "accuracy": accuracy(learner, test),
        "tested": len(test),
        "items": len(texts),
        "m": learner.m_,
        "n": learner.n_,
        "train_s": round(seconds, 2),
        "learning_rate": options.learning_rate,
    }


def run(options: argparse.Namespace) -> None:
    cells = [
        (name, way, shots, seed)
        for shots in SHOTS
        for seed in range(options.seeds)
        for name in SETS
        for way in WAYS
    ]

    def measure(cell: Cell) -> dict[str, Any]:
        return {"model": options.model, "layers": options.layers, **run_cell(cell, options)}

    run_cells(options, cells, measure)


def choose_rate(options: argparse.Namespace) -> None:
    """Accuracy by learning rate, on sets and rows that nothing here is tested on."""
    record_command(options.work)
    for name in TUNED_ON:
        rows = read_rows(options.shared, name, "train")
        judged, rest = rows[:JUDGED], rows[JUDGED:]
        for rate in RATES:
            for seed in range(options.seeds):
                texts, labels = draw(rest, TUNED_SHOTS, seed)
                learner = make_learner(options, seed, rate, m=4, n=1).fit(texts, labels)
                found = {"set": name, "rate": rate, "seed": seed}
                found |= {"accuracy": accuracy(learner, judged)}
                add_line(options.work / "rates.jsonl", found)


def tell(options: argparse.Namespace) -> None:
    by_rate: dict[float, list[float]] = {}
    for one in read_lines(options.work / "rates.jsonl"):
        by_rate.setdefault(one["rate"], []).append(one["accuracy"])
    write_results(
        NAME,
        {
            "commands": recorded_commands(options.work),
            "epochs": EPOCHS,
            "max_length": LENGTH,
            "tuned_on": list(TUNED_ON),
            "rates": {str(rate): float(np.mean(found)) for rate, found in by_rate.items()},
            "cells": read_cells(options.work),
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    call = {"rate": choose_rate, "run": run, "tell": tell}
    parser.add_argument("what", choices=call)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--layers", type=int, help="only the first ones of the model")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    add_processes(parser)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.what != "tell":
        import torch

        torch.set_num_threads(1)
    call[options.what](options)


if __name__ == "__main__":
    main()
