"""Ways to make one answer of several people's, on answers of real people, beside gold.

    python benchmarks/aggregation.py [--shared ../shared] [--draws 3]

The sets are `crowd_snow_rte` (800 pairs of texts, ten workers each) and `crowd_sp` (4,999 snippets
of reviews, 5.6 workers each). Of each item all answers are put together, and three at random
(`--draws` times, the slow models once). Printed and written to results/aggregation.json: the share
of items whose answer is gold's, how sure the answers are on average, and seconds. CROWDLAB weighs
people beside a machine; here that is a logistic regression over TF-IDF of the texts, out of fold,
trained on the majority. It is run where there are texts. Nothing is chosen by gold.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from results_file import write_results

from llmal import Task
from llmal.annotators.aggregation import REGISTRY, Aggregator, agreement_of
from llmal.ledger import WorkerAnswer
from llmal.ledger.combining import majority

ROOT = Path(__file__).resolve().parents[1]
SETS = ("crowd_snow_rte", "crowd_sp")
METHODS = ("majority", "one_coin_dawid_skene", "dawid_skene", "mace", "glad", "crowdlab")
SLOW = ("mace", "glad")

Answers = dict[str, list[WorkerAnswer]]


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _read(folder: Path) -> tuple[Answers, dict[str, str], dict[str, str]]:
    """Answers by item in the order of the file, gold, and texts where there are any."""
    answers: defaultdict[str, list[WorkerAnswer]] = defaultdict(list)
    gold: dict[str, str] = {}
    texts: dict[str, str] = {}
    for number, row in enumerate(_rows(folder / "annotations.jsonl.gz")):
        item = str(row["item"])
        answers[item].append(WorkerAnswer(str(row["annotator"]), str(row["label"]), float(number)))
        gold[item] = str(row["gold"])
    if (folder / "items.jsonl.gz").is_file():
        rows = _rows(folder / "items.jsonl.gz")
        texts = {str(row["item"]): f"{row['text_a']} {row['text_b']}" for row in rows}
    return dict(sorted(answers.items())), gold, texts


def _drawn(answers: Answers, count: int, seed: int) -> Answers:
    """At most so many answers of each item, drawn at random."""
    rng = np.random.default_rng(seed)
    found: Answers = {}
    for item, given in answers.items():
        rows = rng.permutation(len(given))[:count]
        found[item] = [given[row] for row in sorted(rows.tolist())]
    return found


def _beliefs(
    answers: Answers, texts: dict[str, str], labels: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """Probabilities of a classifier that has not seen the item, taught by the majority."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline

    items = list(answers)
    targets = [str(majority(answers[item]).answer) for item in items]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    given = cross_val_predict(
        model, [texts[item] for item in items], targets, cv=5, method="predict_proba"
    )
    order = sorted(set(targets))
    return {
        item: {name: float(row[order.index(name)]) for name in labels}
        for item, row in zip(items, given, strict=True)
    }


def _measured(
    aggregator: Aggregator, answers: Answers, gold: dict[str, str], task: Task, beliefs: Any
) -> dict[str, float]:
    started = time.perf_counter()
    found = aggregator.aggregate(answers, task.space, beliefs)
    seconds = time.perf_counter() - started
    right = [gold[item] == one for item, one in zip(found.items, found.answers, strict=True)]
    return {
        "accuracy": float(np.mean(right)),
        "confidence": float(found.confidence.mean()),
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shared = os.environ.get("LLMAL_SHARED", str(ROOT.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=Path(shared))
    parser.add_argument("--draws", type=int, default=3)
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name in SETS:
        answers, gold, texts = _read(options.shared / "data" / name)
        task = Task(name, sorted({*gold.values()}))
        agreed = agreement_of(answers, task.space, most_pairs=0)
        cells: list[dict[str, Any]] = []
        for count in (3, None):
            for method in METHODS:
                if method == "crowdlab" and not texts:
                    continue
                draws = 1 if count is None or method in SLOW else options.draws
                runs = []
                for draw in range(draws):
                    some = answers if count is None else _drawn(answers, count, draw)
                    beliefs = _beliefs(some, texts, task.names) if method == "crowdlab" else {}
                    made: Aggregator = REGISTRY.make(method)
                    runs.append(_measured(made, some, gold, task, beliefs))
                cell = {
                    "answers": count or "all",
                    "method": method,
                    "draws": draws,
                    **{key: float(np.mean([run[key] for run in runs])) for key in runs[0]},
                }
                cells.append(cell)
                print(name, *(f"{key} {value}" for key, value in cell.items()), flush=True)
        figures[name] = {
            "items": agreed.items,
            "answers": agreed.answers,
            "workers": agreed.workers,
            "alpha": agreed.alpha,
            "cells": cells,
        }
    print(write_results("aggregation", figures))


if __name__ == "__main__":
    main()
