"""ALLSH's curriculum loss against none, at one labelled text in a hundred.

    python benchmarks/learners/curriculum.py rate --work FOLDER
    python benchmarks/learners/curriculum.py run --work FOLDER [--learning-rate 1e-4]
    python benchmarks/learners/curriculum.py tell --work FOLDER

MiniLM fine-tuned on 1 % of the train rows of sst2 and imdb, drawn anew for each seed; the loss sees
all train texts without their labels, and copies of them by TF-IDF replacement. As in the paper: 200
steps of 16 texts, and alpha 0.01. Beside it alpha 1, set before anything was run. Of MiniLM's
learning rate the paper says nothing: `rate` tries some without the loss on 1 % of mr, judged on
other rows of its *train* part. All alphas of a seed share items, start and order. `run` writes one
line a cell and goes on where it stopped, seed by seed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parents[1]))

from few_shot import read_rows
from results_file import record_command, recorded_commands, write_results

NAME = "learners_curriculum"
SHARE = 0.01
STEPS, BATCH = 200, 16
ALPHAS = (0.0, 0.01, 1.0)
LENGTHS = {"sst2": 64, "imdb": 128, "mr": 64}
"""Most tokens of a text; the paper has 128, and 256 for imdb."""
TEST_ROWS = {"sst2": 1000, "imdb": 500}
TUNED_ON, JUDGED = "mr", 500
RATES = (2e-5, 5e-5, 1e-4, 2e-4)
COPIED = 200
"""Test texts whose copies are looked at."""

Cell = tuple[str, float, int]
"""Set, alpha, seed."""


def draw(rows: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """One row in a hundred, both classes among them."""
    rng = np.random.default_rng([seed, 0xA115])
    while True:
        drawn = [rows[place] for place in rng.permutation(len(rows))[: round(SHARE * len(rows))]]
        if len({row["label"] for row in drawn}) == 2:
            return drawn


def train(
    name: str, rows: list[dict[str, Any]], alpha: float, rate: float, seed: int,
    options: argparse.Namespace,
) -> Any:  # fmt: skip
    """A learner trained on a draw; on nothing but its labels where alpha is 0."""
    from llmal.learners import FineTuned
    from llmal.learners.noisy import CurriculumLoss

    drawn = draw(rows, seed)
    pool = [row["text"] for row in rows]
    learner = FineTuned(
        options.model,
        epochs=-(-STEPS // -(-len(drawn) // BATCH)),
        learning_rate=rate,
        batch_size=BATCH,
        max_length=LENGTHS[name],
        validation=0.0,
        random_state=seed,
        device="cpu",
        terms=[CurriculumLoss(pool=pool, alpha=alpha)] if alpha else [],
    )
    return learner.fit([row["text"] for row in drawn], [row["label"] for row in drawn])


def accuracy(learner: Any, rows: list[dict[str, Any]]) -> float:
    said = learner.predict([row["text"] for row in rows])
    return float((said == np.array([row["label"] for row in rows])).mean())


def divergence(learner: Any, texts: list[str]) -> float:
    """Mean KL(p(x) || p(x')) over copies that no training has seen, in nats."""
    from llmal.calibration.divergences import kullback_leibler
    from llmal.perturb import TfIdfReplacement

    copies = TfIdfReplacement().fit(texts).perturb(texts, 1, 0)
    before: NDArray[np.float64] = learner.predict_proba(texts)
    after = learner.predict_proba([row[0] for row in copies])
    return float(kullback_leibler(before, after).mean())


def run_cell(cell: Cell, options: argparse.Namespace) -> dict[str, Any]:
    """Train and test."""
    name, alpha, seed = cell
    rows = read_rows(options.shared, name, "train")
    test = read_rows(options.shared, name, "test")[: TEST_ROWS[name]]
    begun = time.perf_counter()
    learner = train(name, rows, alpha, options.learning_rate, seed, options)
    seconds = time.perf_counter() - begun
    return {
        "accuracy": accuracy(learner, test),
        "divergence": divergence(learner, [row["text"] for row in test[:COPIED]]),
        "labelled": round(SHARE * len(rows)),
        "pool": len(rows),
        "tested": len(test),
        "train_s": round(seconds, 1),
        "learning_rate": options.learning_rate,
        "max_length": LENGTHS[name],
    }


def run(options: argparse.Namespace) -> None:
    path = options.work / "cells.jsonl"
    kept = path.read_text("utf-8").splitlines() if path.exists() else []
    done = {tuple(json.loads(line)["cell"]) for line in kept}
    for seed in range(options.seeds):
        for name in options.sets:
            for alpha in ALPHAS:
                if (name, alpha, seed) not in done:
                    cell = (name, alpha, seed)
                    _keep(path, {"cell": cell, "model": options.model, **run_cell(cell, options)})


def choose_rate(options: argparse.Namespace) -> None:
    """Accuracy by learning rate, on a set and rows that nothing here is tested on."""
    path = options.work / "rates.jsonl"
    rows = read_rows(options.shared, TUNED_ON, "train")
    judged, rest = rows[:JUDGED], rows[JUDGED:]
    for rate in RATES:
        for seed in range(options.seeds):
            learner = train(TUNED_ON, rest, 0.0, rate, seed, options)
            found = {"rate": rate, "seed": seed, "accuracy": accuracy(learner, judged)}
            _keep(path, found)


def _keep(path: Path, found: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(found) + "\n")
    print(found, flush=True)


def tell(options: argparse.Namespace) -> None:
    def lines(name: str) -> list[dict[str, Any]]:
        path = options.work / name
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    by_rate: dict[float, list[float]] = {}
    for one in lines("rates.jsonl"):
        by_rate.setdefault(one["rate"], []).append(one["accuracy"])
    write_results(
        NAME,
        {
            "commands": recorded_commands(options.work),
            "steps": STEPS,
            "batch": BATCH,
            "tuned_on": TUNED_ON,
            "rates": {str(rate): [len(found), float(np.mean(found))] for rate, found in
                      by_rate.items()},
            "cells": lines("cells.jsonl"),
        },
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    call = {"rate": choose_rate, "run": run, "tell": tell}
    parser.add_argument("what", choices=call)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--sets", nargs="+", default=["sst2", "imdb"])
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.what != "tell":
        import torch

        torch.set_num_threads(1)
        record_command(options.work)
    call[options.what](options)


if __name__ == "__main__":
    main()
