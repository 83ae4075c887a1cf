"""LinearHead with automatic C beside scikit-learn's LogisticRegressionCV, on trec6.

    python benchmarks/linear_head.py [--shared ../shared] [--seeds 5]

Both choose C on the same grid, by five stratified folds and log-loss, from the same MiniLM
embeddings of n random items, five of each class at least (with fewer, LogisticRegressionCV has
folds without a class and no log-loss). Printed and written to results/linear_head.json: seconds
of a fit (median), accuracy and log-loss on the 500 test items (mean), over the seeds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
from results_file import write_results
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from llmal.embed import SentenceEmbedder
from llmal.learners import LinearHead
from llmal.learners.linear import C_GRID, FOLDS

ROOT = Path(__file__).resolve().parents[1]


def _read(path: Path) -> tuple[list[str], np.ndarray]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row["text"] for row in rows], np.array([row["label"] for row in rows])


def _draw(y: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    order = rng.permutation(len(y))
    first = np.concatenate([order[y[order] == label][:FOLDS] for label in np.unique(y)])
    return np.concatenate([first, order[~np.isin(order, first)]])[:n]


def _peer(seed: int) -> LogisticRegressionCV:
    return LogisticRegressionCV(
        Cs=C_GRID,
        cv=StratifiedKFold(FOLDS, shuffle=True, random_state=seed),
        scoring="neg_log_loss",
        max_iter=1000,
        use_legacy_attributes=False,
        l1_ratios=(0.0,),
    )


def _measure(model, X, y, test_X, test_y) -> dict[str, float]:
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    seconds = time.perf_counter() - started
    probabilities = model.predict_proba(test_X)
    return {
        "seconds": seconds,
        "accuracy": float((model.predict(test_X) == test_y).mean()),
        "log_loss": float(log_loss(test_y, probabilities, labels=model.classes_)),
        "C": float(np.ravel(model.C_)[0]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    data = Path(arguments.shared) / "data" / "trec6"
    embedder = SentenceEmbedder()
    texts, y = _read(data / "train.jsonl.gz")
    test_texts, test_y = _read(data / "test.jsonl.gz")
    X, test_X = embedder.embed(texts), embedder.embed(test_texts)

    rows = []
    print(f"{'n':>4}  {'learner':<22} {'seconds':>8} {'accuracy':>9} {'log-loss':>9}  C")
    for n in (50, 200, 500):
        runs: dict[str, list[dict[str, float]]] = {}
        for seed in range(arguments.seeds):
            chosen = _draw(y, n, np.random.default_rng(seed))
            for name, model in (
                ("LinearHead", LinearHead(random_state=seed)),
                ("LogisticRegressionCV", _peer(seed)),
            ):
                made = _measure(model, X[chosen], y[chosen], test_X, test_y)
                runs.setdefault(name, []).append(made)
        for name, made in runs.items():
            row = {
                "n": n,
                "learner": name,
                "seconds": statistics.median(one["seconds"] for one in made),
                "accuracy": statistics.mean(one["accuracy"] for one in made),
                "log_loss": statistics.mean(one["log_loss"] for one in made),
                "C": [one["C"] for one in made],
            }
            rows.append(row)
            print(
                f"{n:>4}  {name:<22} {row['seconds']:>8.3f} {row['accuracy']:>9.4f} "
                f"{row['log_loss']:>9.4f}  {' '.join(f'{c:g}' for c in row['C'])}"
            )
    write_results(
        "linear_head",
        {"data": "trec6", "embedder": embedder.model, "seeds": arguments.seeds, "rows": rows},
    )


if __name__ == "__main__":
    main()
