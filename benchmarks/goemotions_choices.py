"""How the learner's penalty and thresholds were chosen: on train rows, 1,500 of them held out."""

from __future__ import annotations

from typing import Any

import numpy as np
from goemotions_data import Part
from sklearn.linear_model import LogisticRegression

from llmal.learners import LinearHead
from llmal.learners.linear import C_GRID, FOLD_TOLERANCE, FOLDS
from llmal.learners.one_vs_rest import Indicator, held_out_probabilities, log_losses
from llmal.task.spaces.thresholds import HALF, f1_thresholds

SIZES = (50, 100, 200, 500, 1000, 2000)
SEEDS = 3
JUDGED = 1500
DRAWN = (20, 50, 100, 200)
ALL = 1e9
"""So many items that a label's own threshold counts for nothing."""


def choices(train: Part, X: np.ndarray) -> list[dict[str, Any]]:
    """Figures of each way, mean over the seeds."""
    space, rows = train.task.space, []
    for size in SIZES:
        found: dict[tuple[str, str], list[dict[str, float]]] = {}
        for seed in range(SEEDS):
            order = np.random.default_rng(seed).permutation(len(X))
            judged, known = order[:JUDGED], order[JUDGED : JUDGED + size]
            matrix, holds = X[known].astype(np.float64), train.y[known]
            table = Indicator(np.arange(size), holds, None)
            held_out = held_out_probabilities(
                matrix,
                table,
                lambda: LogisticRegression(max_iter=1000, warm_start=True, tol=FOLD_TOLERANCE),
                C_GRID,
                folds=FOLDS,
                seed=seed,
            )
            shared = int(log_losses(held_out, table).argmin())
            for name, place in (("one for all", shared), ("30", C_GRID.index(30.0))):
                head = LinearHead(C=C_GRID[place], thresholds=HALF).fit(matrix, holds)
                given = head.predict_proba(X[judged])
                own = held_out[place]
                thresholds: dict[str, Any] = {
                    "one half": HALF,
                    "its own": f1_thresholds(own, holds, 0),
                    **{f"its own, drawn by {n}": f1_thresholds(own, holds, n) for n in DRAWN},
                    "one for all": f1_thresholds(own, holds, ALL),
                }
                for way, cut in thresholds.items():
                    figures = space.measures(given > cut, train.y[judged])
                    found.setdefault((name, way), []).append(dict(figures))
        for (penalty, way), each in found.items():
            mean = {key: float(np.mean([one[key] for one in each])) for key in each[0]}
            rows.append({"labels": size, "penalty": penalty, "thresholds": way, **mean})
        print(size, flush=True)
    return rows
