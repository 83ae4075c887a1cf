"""What a set of learning curves says: areas, wins, and what the initialisation is worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
EARLY = 3
"""Rounds after the start that count as early."""

Setting = tuple[str, str, str]
Rows = Sequence[dict[str, Any]]


def area(labels: Sequence[int], values: Sequence[float]) -> float:
    """Area under a curve over its range of labels: its mean height."""
    x = np.asarray(labels, dtype=np.float64)
    return float(np.trapezoid(values, x) / (x[-1] - x[0]))


def summary(rows: Rows, strategies: Sequence[str]) -> dict[str, Any]:
    """All figures of the page."""
    _check_pairs(rows)
    by = _grouped(rows)
    settings = sorted({setting for setting, _ in by})
    present = [one for one in strategies if any((setting, one) in by for setting in settings)]
    curves = [
        {
            "set": setting[0],
            "embedding": setting[1],
            "start": setting[2],
            "strategy": strategy,
            **_curve(by[setting, strategy]),
        }
        for setting in settings
        for strategy in present
        if (setting, strategy) in by
    ]
    return {
        "strategies": present,
        "runs": len(rows),
        "labels": rows[0]["labels"] if rows else [],
        "curves": curves,
        "wins": _wins(by, settings, present),
        "standing": _standing(by, settings, present),
        "over_settings": _over_settings(by, settings, present),
        "starts": _starts(by),
        "seconds": {
            strategy: {
                kind: round(
                    float(
                        np.median([r["seconds"][kind] for r in rows if r["strategy"] == strategy])
                    ),
                    3,
                )
                for kind in ("select", "fit")
            }
            for strategy in present
        },
    }


def _grouped(rows: Rows) -> dict[tuple[Setting, str], list[dict[str, Any]]]:
    by: dict[tuple[Setting, str], list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["seed"]):
        by[(row["set"], row["embedding"], row["start"]), row["strategy"]].append(row)
    return dict(by)


def _check_pairs(rows: Rows) -> None:
    """Runs of a setting and seed must have the same start set, or no test of pairs holds."""
    starts: dict[tuple[str, str, str, int], int] = {}
    for row in rows:
        place = (row["set"], row["embedding"], row["start"], row["seed"])
        if starts.setdefault(place, row["started_from"]) != row["started_from"]:
            raise SystemExit(
                f"runs of {place} start from different labels, {row['strategy']} among them: "
                "selectors have changed in between; make them all again"
            )


def _curve(rows: Rows) -> dict[str, Any]:
    made: dict[str, Any] = {"seeds": [row["seed"] for row in rows]}
    for name in ("accuracy", "macro_f1"):
        values = np.array([row[name] for row in rows])
        made[f"{name}_mean"] = _rounded(values.mean(axis=0))
        made[f"{name}_sd"] = _rounded(_sd(values))
        made[f"{name}_area"] = _rounded(_areas(rows, name))
    return made


def _areas(rows: Rows, name: str = "accuracy") -> NDArray[np.float64]:
    return np.array([area(row["labels"], row[name]) for row in rows])


def _sd(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1:])


def _rounded(values: Iterable[float]) -> list[float]:
    return [round(float(value), 4) for value in values]


def paired_t(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Two-sided p of the paired t-test; one where all pairs are equal, zero where all differ by
    the same.
    """
    from scipy.stats import ttest_rel

    apart = a - b
    if np.ptp(apart) == 0:
        return 1.0 if apart[0] == 0 else 0.0
    return float(ttest_rel(a, b).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return [float(value) for value in adjusted]


def _wins(
    by: dict[tuple[Setting, str], list[dict[str, Any]]],
    settings: Sequence[Setting],
    strategies: Sequence[str],
) -> dict[str, Any]:
    """In how many settings i beats j: the area of its curves is larger, p < 0.05 over the seeds.

    The paired t-test, as five seeds are too few for Wilcoxon's to reach 0.05.
    """
    index = {name: place for place, name in enumerate(strategies)}
    tests: list[tuple[Setting, int, int, float]] = []
    for setting in settings:
        for a, b in combinations(strategies, 2):
            one, two = _shared_seeds(by.get((setting, a), []), by.get((setting, b), []))
            if len(one) < 2:
                continue
            x, y = _areas(one), _areas(two)
            winner, loser = (a, b) if x.mean() >= y.mean() else (b, a)
            tests.append((setting, index[winner], index[loser], paired_t(x, y)))
    adjusted = holm([p for *_, p in tests])

    def matrix(embedding: str | None, p_values: Sequence[float]) -> list[list[int]]:
        counts = np.zeros((len(strategies), len(strategies)), dtype=int)
        for (setting, winner, loser, _), p in zip(tests, p_values, strict=True):
            if p < LEVEL and embedding in (None, setting[1]):
                counts[winner, loser] += 1
        return counts.tolist()

    plain = [p for *_, p in tests]
    return {
        "settings": len(settings),
        "tests": len(tests),
        "significant": sum(p < LEVEL for p in plain),
        "significant_holm": sum(p < LEVEL for p in adjusted),
        "matrix": matrix(None, plain),
        "matrix_holm": matrix(None, adjusted),
        "by_embedding": {
            embedding: matrix(embedding, plain)
            for embedding in sorted({setting[1] for setting in settings})
        },
    }


def _over_settings(
    by: dict[tuple[Setting, str], list[dict[str, Any]]],
    settings: Sequence[Setting],
    strategies: Sequence[str],
) -> list[dict[str, Any]]:
    """Each pair over all settings: Wilcoxon's signed ranks of the mean areas, with Holm's p.

    Settings of one set are no independent draws, so these p-values are on the low side.
    """
    from scipy.stats import wilcoxon

    complete = [s for s in settings if all((s, one) in by for one in strategies)]
    if len(complete) < 2:
        return []
    areas = {one: np.array([_areas(by[s, one]).mean() for s in complete]) for one in strategies}
    made: list[dict[str, Any]] = []
    for a, b in combinations(strategies, 2):
        apart = areas[a] - areas[b]
        better, worse = (a, b) if apart.mean() >= 0 else (b, a)
        made.append(
            {
                "better": better,
                "worse": worse,
                "difference": round(float(abs(apart.mean())), 4),
                "p": float(wilcoxon(apart).pvalue) if apart.any() else 1.0,
            }
        )
    for row, p in zip(made, holm([row["p"] for row in made]), strict=True):
        row["p"], row["p_holm"] = float(f"{row['p']:.2g}"), float(f"{p:.2g}")
    return made


def _shared_seeds(one: Rows, two: Rows) -> tuple[Rows, Rows]:
    seeds = {row["seed"] for row in one} & {row["seed"] for row in two}
    return [r for r in one if r["seed"] in seeds], [r for r in two if r["seed"] in seeds]


def _standing(
    by: dict[tuple[Setting, str], list[dict[str, Any]]],
    settings: Sequence[Setting],
    strategies: Sequence[str],
) -> dict[str, Any]:
    """For each embedding and strategy: mean and worst rank of its mean area, and regret.

    Regret is what it lacks to the best strategy of a setting; settings in which a strategy has not
    run are left out for all.
    """
    from scipy.stats import rankdata

    made: dict[str, Any] = {}
    embeddings = sorted({setting[1] for setting in settings})
    for embedding in ["all", *embeddings]:
        chosen = [
            setting
            for setting in settings
            if embedding in ("all", setting[1]) and all((setting, one) in by for one in strategies)
        ]
        if not chosen:
            continue
        areas = np.array([[_areas(by[s, one]).mean() for one in strategies] for s in chosen])
        # Equal curves share the better rank: with two labels some strategies are one.
        ranks = rankdata(-areas.round(9), axis=1, method="min")
        regret = areas.max(axis=1, keepdims=True) - areas
        chance = areas[:, [strategies.index("random")]]
        made[embedding] = {
            strategy: {
                "area": round(float(areas[:, i].mean()), 4),
                "over_random": round(float((areas - chance)[:, i].mean()), 4),
                "rank_mean": round(float(ranks[:, i].mean()), 2),
                "rank_worst": int(ranks[:, i].max()),
                "first": int((ranks[:, i] == 1).sum()),
                "regret_mean": round(float(regret[:, i].mean()), 4),
                "regret_worst": round(float(regret[:, i].max()), 4),
                "below_random": int((areas < chance)[:, i].sum()),
                "settings": len(chosen),
            }
            for i, strategy in enumerate(strategies)
        }
    return made


def _starts(by: dict[tuple[Setting, str], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """TypiClust minus random start in accuracy: at once, early (mean of three rounds), at the end.

    Means over strategies and seeds. The start alone is the same for all strategies, so there its
    difference is a mean over seeds, with the paired t-test.
    """
    made = []
    for name, embedding in sorted({(setting[0], setting[1]) for setting, _ in by}):
        pairs = [
            _shared_seeds(rows, by[(name, embedding, "typiclust"), strategy])
            for (setting, strategy), rows in by.items()
            if setting == (name, embedding, "random")
            and ((name, embedding, "typiclust"), strategy) in by
        ]
        pairs = [pair for pair in pairs if pair[0]]
        if not pairs:
            continue
        values = [
            tuple(np.array([row["accuracy"] for row in rows]) for rows in pair) for pair in pairs
        ]
        apart = np.array([(two - one).mean(axis=0) for one, two in values])
        first = max(values, key=lambda pair: len(pair[0]))
        made.append(
            {
                "set": name,
                "embedding": embedding,
                "random_start": round(float(first[0][:, 0].mean()), 4),
                "typiclust_start": round(float(first[1][:, 0].mean()), 4),
                "p": round(paired_t(first[1][:, 0], first[0][:, 0]), 4),
                "early": round(float(apart[:, 1 : EARLY + 1].mean()), 4),
                "end": round(float(apart[:, -1].mean()), 4),
                "random_strategy_early": round(
                    float(
                        np.mean(
                            [
                                (two - one)[:, 1 : EARLY + 1].mean()
                                for pair, (one, two) in zip(pairs, values, strict=True)
                                if pair[0][0]["strategy"] == "random"
                            ]
                            or [np.nan]
                        )
                    ),
                    4,
                ),
            }
        )
    return made
