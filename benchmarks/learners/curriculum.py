"""ALLSH's curriculum loss against none, at one labelled text in a hundred.

    python benchmarks/learners/curriculum.py rate --work FOLDER
    python benchmarks/learners/curriculum.py run --work FOLDER [--learning-rate 1e-3]
    python benchmarks/learners/curriculum.py tell --work FOLDER

Trained on 1 % of the train rows of sst2 and imdb, drawn anew for each seed; the loss sees a pool of
train texts without labels, and one copy of each by TF-IDF replacement. Of imdb the first 64 words
of a text are read. As in the paper: 200 steps
of 16 texts, and alpha 0.01. Beside it alpha 1 and 10, set before anything was run. The learner is a
perceptron on MiniLM's vectors (`perceptron.py`), as a CPU trains no encoder of which every weight
moves over so many seeds; `--learner fine_tuned` does just that, with MiniLM. `rate` tries learning
rates without the loss on 1 % of mr, judged on other rows of its *train* part. All alphas of a seed
share items, start and order. `run` writes one line a cell and goes on where it stopped, seed by
seed.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parents[1]))

from cells import add_processes, read_cells, run_cells
from few_shot import read_rows
from results_file import (
    add_line,
    read_lines,
    record_command,
    recorded_commands,
    write_results,
)

NAME = "learners_curriculum"
SHARE = 0.01
STEPS, BATCH = 200, 16
ALPHAS = (0.0, 0.01, 1.0, 10.0)
WORDS = 64
"""Read of each text; only those of imdb have more."""
POOL = {"sst2": 1000, "imdb": 500, "mr": 1000}
TEST_ROWS = {"sst2": 1000, "imdb": 500}
LENGTH = 128
"""Most tokens of a text where MiniLM itself is trained."""
TUNED_ON, JUDGED = "mr", 500
RATES = {"perceptron": (3e-4, 1e-3, 3e-3, 1e-2), "fine_tuned": (2e-5, 5e-5, 1e-4, 2e-4)}
COPIED = 200
"""Test texts whose copies are looked at."""

Cell = tuple[str, float, int]
"""Set, alpha, seed."""


def read(shared: Path, name: str, part: str) -> list[dict[str, Any]]:
    """Rows of a set, as shuffled by seed 0, their texts cut to the first words."""
    rows = read_rows(shared, name, part)
    return [{**row, "text": " ".join(row["text"].split()[:WORDS])} for row in rows]


def draw(rows: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """One row in a hundred, both classes among them."""
    rng = np.random.default_rng([seed, 0xA115])
    while True:
        drawn = [rows[place] for place in rng.permutation(len(rows))[: round(SHARE * len(rows))]]
        if len({row["label"] for row in drawn}) == 2:
            return drawn


def copies_of(name: str, texts: list[str]) -> dict[str, str]:
    """One copy of each text."""
    from llmal.perturb import TfIdfReplacement

    if name not in _COPIES:
        made = TfIdfReplacement().fit(texts).perturb(texts, 1, 0)
        _COPIES[name] = {text: row[0] for text, row in zip(texts, made, strict=True)}
    return _COPIES[name]


_COPIES: dict[str, dict[str, str]] = {}


@functools.cache
def vectors() -> Any:
    from perceptron import KeptVectors

    return KeptVectors()


def train(
    name: str, rows: list[dict[str, Any]], alpha: float, rate: float, seed: int,
    options: argparse.Namespace,
) -> Any:  # fmt: skip
    """A learner trained on a draw; on nothing but its labels where alpha is 0."""
    from perceptron import Perceptron

    from llmal.learners import FineTuned
    from llmal.learners.noisy import CurriculumLoss

    drawn = draw(rows, seed)
    pool = [row["text"] for row in rows[: POOL[name]]]
    terms = []
    if alpha:
        terms = [CurriculumLoss(pool=pool, copies=copies_of(name, pool), alpha=alpha)]
    common: dict[str, Any] = {
        "epochs": -(-STEPS // -(-len(drawn) // BATCH)),
        "learning_rate": rate,
        "batch_size": BATCH,
        "validation": 0.0,
        "random_state": seed,
        "device": options.device,
        "terms": terms,
    }
    learner: Any = Perceptron(vectors(), **common)
    if options.learner == "fine_tuned":
        learner = FineTuned("all-MiniLM-L6-v2", max_length=LENGTH, **common)
    return learner.fit([row["text"] for row in drawn], [row["label"] for row in drawn])


def accuracy(learner: Any, rows: list[dict[str, Any]]) -> float:
    said = learner.predict([row["text"] for row in rows])
    return float((said == np.array([row["label"] for row in rows])).mean())


def divergence(learner: Any, texts: list[str]) -> float:
    """Mean KL(p(x) || p(x')) over copies that no training has seen, in nats."""
    from llmal.calibration.divergences import kullback_leibler
    from llmal.perturb import TfIdfReplacement

    copies = TfIdfReplacement().fit(texts).perturb(texts, 1, 1)
    before: NDArray[np.float64] = learner.predict_proba(texts)
    after = learner.predict_proba([row[0] for row in copies])
    return float(kullback_leibler(before, after).mean())


def run_cell(cell: Cell, options: argparse.Namespace) -> dict[str, Any]:
    """Train and test."""
    name, alpha, seed = cell
    rows = read(options.shared, name, "train")
    test = read(options.shared, name, "test")[: TEST_ROWS[name]]
    begun = time.perf_counter()
    learner = train(name, rows, alpha, options.learning_rate, seed, options)
    seconds = time.perf_counter() - begun
    return {
        "accuracy": accuracy(learner, test),
        "divergence": divergence(learner, [row["text"] for row in test[:COPIED]]),
        "labelled": round(SHARE * len(rows)),
        "train_rows": len(rows),
        "pool": POOL[name],
        "tested": len(test),
        "train_s": round(seconds, 1),
        "learning_rate": options.learning_rate,
    }


def run(options: argparse.Namespace) -> None:
    cells = [
        (name, alpha, seed)
        for seed in range(options.seeds)
        for name in options.sets
        for alpha in ALPHAS
    ]
    run_cells(options, cells, lambda cell: {"learner": options.learner, **run_cell(cell, options)})


def choose_rate(options: argparse.Namespace) -> None:
    """Accuracy by learning rate, on a set and rows that nothing here is tested on."""
    record_command(options.work)
    path = options.work / "rates.jsonl"
    rows = read(options.shared, TUNED_ON, "train")
    judged, rest = rows[:JUDGED], rows[JUDGED:]
    for rate in RATES[options.learner]:
        for seed in range(options.seeds):
            learner = train(TUNED_ON, rest, 0.0, rate, seed, options)
            found = {"rate": rate, "seed": seed, "accuracy": accuracy(learner, judged)}
            add_line(path, found)


def tell(options: argparse.Namespace) -> None:
    by_rate: dict[float, list[float]] = {}
    for one in read_lines(options.work / "rates.jsonl"):
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
            "cells": read_cells(options.work),
        },
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    call = {"rate": choose_rate, "run": run, "tell": tell}
    parser.add_argument("what", choices=call)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--sets", nargs="+", default=["sst2", "imdb"])
    parser.add_argument("--learner", choices=list(RATES), default="perceptron")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seeds", type=int, default=10)
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
