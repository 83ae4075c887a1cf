"""From the finished cells of ALLSH's few-shot table to its figures: means, spread, intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
ONCE = "random, once"
PAPER: dict[str, dict[str, list[float]]] = {
    "sst2": {
        "random": [64.9, 54.5, 56.3],
        "random + contextual": [73.8, 64.6, 73.0],
        "uncertainty": [59.7, 64.5, 66.8],
        "ALLSH": [75.3, 77.8, 79.7],
    },
    "trec6": {
        "random": [23.1, 32.7, 37.5],
        "random + contextual": [44.2, 44.1, 44.4],
        "uncertainty": [34.8, 52.2, 54.1],
        "ALLSH": [46.4, 58.7, 59.8],
    },
    "rte": {
        "random": [53.2, 54.9, 56.0],
        "random + contextual": [57.5, 57.7, 58.2],
        "uncertainty": [57.0, 57.3, 57.8],
        "ALLSH": [57.9, 58.4, 59.7],
    },
}
"""GPT-2 XL, accuracy in per cent at 4, 8 and 12 shots (ALLSH, Table 4)."""
PAPER_SHOTS = (4, 8, 12)
Right = NDArray[np.float64]


def tell(cells: Sequence[dict[str, Any]], random: str) -> dict[str, Any]:
    """The table of each model, with the number of texts of its cells."""
    tables: dict[str, dict[tuple[str, int], dict[str, dict[int, dict[str, Any]]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(dict))
    )
    sizes: dict[str, dict[str, Any]] = {}
    for cell in cells:
        key = cell["key"]
        model = key["model"] + (" (zhao)" if key["zhao"] else "")
        size = {name: key[name] for name in ("test", "candidates", "pool")}
        size["dtype"] = cell["dtype"]
        if sizes.setdefault(model, size) != size:
            raise SystemExit(f"{model}: cells of different sizes, {size} and {sizes[model]}")
        tables[model][key["set"], key["shots"]][key["way"]][key["seed"]] = cell
    return {
        "models": [
            {
                "model": model,
                **sizes[model],
                "tables": [
                    tabulate(name, shots, ways, random)
                    for (name, shots), ways in sorted(table.items())
                ],
            }
            for model, table in sorted(tables.items())
        ],
        "bootstrap_draws": DRAWS,
    }


def tabulate(
    name: str, shots: int, ways: dict[str, dict[int, dict[str, Any]]], random: str
) -> dict[str, Any]:
    """The rows of a set and a number of shots, over the seeds that every way has."""
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in ways.values())))
    if not seeds:
        return {"set": name, "shots": shots, "seeds": [], "ways": sorted(ways), "rows": {}}
    some = next(iter(ways.values()))[seeds[0]]
    truth = np.array(some["truth"])
    right = {
        (way, calibrator): np.array(
            [
                [int(bit) for bit in by_seed[seed]["calibrated"][calibrator]["right"]]
                for seed in seeds
            ],
            dtype=np.float64,
        )
        for way, by_seed in ways.items()
        for calibrator in some["calibrated"]
    }
    rows = {}
    for (way, calibrator), bits in right.items():
        ones = [ways[way][seed]["calibrated"][calibrator] for seed in seeds]
        row: dict[str, Any] = {}
        for what in ("accuracy", "macro_f1", "ece"):
            values = [one[what] for one in ones]
            row[what] = float(np.mean(values))
            row[f"{what}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        row["mean"] = np.mean([one["mean"] for one in ones], axis=0).round(3).tolist()
        cells = [ways[way][seed] for seed in seeds]
        row["tokens"] = [
            float(np.mean([cell["tokens_choose"] for cell in cells])),
            float(np.mean([one["tokens_calibrate"] for one in ones])),
            float(np.mean([cell["tokens_label"] for cell in cells])),
        ]
        row["shots_in_prompt"] = float(np.mean([cell["shots_in_prompt"] for cell in cells]))
        if (random, "none") in right:
            row["to_random"] = interval(bits, right[random, "none"])
            row["to_random_likewise"] = interval(bits, right[random, calibrator])
        if (ONCE, calibrator) in right:
            row["to_once_likewise"] = interval(bits, right[ONCE, calibrator])
        rows[f"{way} | {calibrator}"] = row
    return {
        "set": name,
        "shots": shots,
        "seeds": seeds,
        "labels": some["labels"],
        "majority": float(np.bincount(truth).max() / len(truth)),
        "rows": rows,
        "paper": paper_order(name, shots, rows, random),
    }


def interval(one: Right, other: Right) -> list[float]:
    """Difference in mean accuracy with a 95 % interval; arrays of shape (seeds, texts).

    Seeds and texts are drawn anew, the same ones for both.
    """
    rng = np.random.default_rng(0)
    gap = one - other
    seeds, texts = gap.shape
    draws = np.empty(DRAWS)
    for number in range(DRAWS):
        rows = rng.integers(seeds, size=seeds)
        columns = rng.integers(texts, size=texts)
        draws[number] = gap[rows][:, columns].mean()
    low, high = np.quantile(draws, [0.025, 0.975])
    return [float(gap.mean()), float(low), float(high)]


def paper_order(
    name: str, shots: int, rows: dict[str, dict[str, Any]], random: str
) -> dict[str, Any] | None:
    """The paper's four rows beside ours, and in how many of their pairs the order is the same."""
    ours = {
        "random": f"{random} | none",
        "random + contextual": f"{random} | contextual",
        "uncertainty": "uncertainty | none",
        "ALLSH": "ALLSH | none",
    }
    if shots not in PAPER_SHOTS or any(key not in rows for key in ours.values()):
        return None
    place = PAPER_SHOTS.index(shots)
    theirs = {key: values[place] / 100 for key, values in PAPER[name].items()}
    mine = {key: rows[row]["accuracy"] for key, row in ours.items()}
    pairs = list(combinations(theirs, 2))
    same = [(theirs[a] - theirs[b]) * (mine[a] - mine[b]) > 0 for a, b in pairs]
    return {"gpt2_xl": theirs, "here": mine, "pairs": len(pairs), "pairs_in_order": sum(same)}
