"""From the finished runs of the main job to its figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

PEOPLE = "people"


def tell(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Accuracy of each arm at equal numbers of people's labels; how good the model's were."""
    models: dict[str, dict[str, Any]] = {}
    for line in lines:
        key = dict(line["key"])
        model = key.pop("model")
        one = models.setdefault(model, {"labels": [], "runs": defaultdict(list)})
        threshold = key.pop("threshold")
        if "label" in key:
            found = {what: value for what, value in line.items() if what != "key"}
            one["labels"].append({"set": key["set"], "threshold": threshold, **found})
            continue
        arm = key.pop("arm")
        arm = arm if arm == PEOPLE else f"{arm} (stands from {threshold})"
        setting = (key.pop("set"), key.pop("selectors"), arm)
        seed = key.pop("seed")
        # People alone are the same whatever the threshold that the command named for the model.
        if all(run["seed"] != seed for run in one["runs"][setting]):
            one["runs"][setting].append({"seed": seed, **line})
        if one.setdefault("sizes", key) != key:
            raise SystemExit(f"{model}: runs of different sizes, {key} and {one['sizes']}")
    return {
        "models": [
            {
                "model": model,
                "sizes": one["sizes"],
                "labels": one["labels"],
                "runs": [
                    summarise(setting, runs, one["runs"], one["sizes"])
                    for setting, runs in sorted(one["runs"].items())
                ],
            }
            for model, one in sorted(models.items())
        ]
    }


def summarise(
    setting: tuple[str, str, str],
    runs: list[dict[str, Any]],
    by_setting: dict[tuple[str, str, str], list[dict[str, Any]]],
    sizes: dict[str, Any],
) -> dict[str, Any]:
    """One arm: its curve over people's labels, paired by seed with people alone."""
    name, selectors, arm = setting
    steps = list(range(20, sizes["human_labels"] + 1, 20))
    alone = {run["seed"]: run for run in by_setting.get((name, selectors, PEOPLE), [])}
    accuracies = np.array([[at_people(run, step) for step in steps] for run in runs])
    gaps = np.array(
        [
            [at_people(run, step) - at_people(alone[run["seed"]], step) for step in steps]
            for run in runs
            if run["seed"] in alone
        ]
    )
    asked = sum(run["asked"] for run in runs)
    stands = sum(run["stands"] for run in runs)
    return {
        "set": name,
        "selectors": selectors,
        "arm": arm,
        "seeds": len(runs),
        "people": steps,
        "accuracy": [_or_none(value) for value in np.nanmean(accuracies, axis=0)],
        "std": [_or_none(value) for value in _spread(accuracies)],
        "gap_to_people": [_or_none(value) for value in np.nanmean(gaps, axis=0)]
        if len(gaps)
        else None,
        "gap_std": [_or_none(value) for value in _spread(gaps)] if len(gaps) else None,
        "end": {
            "human_labels": float(np.mean([run["rounds"][-1]["human_labels"] for run in runs])),
            "labelled": float(np.mean([run["rounds"][-1]["labelled"] for run in runs])),
            "accuracy": float(np.mean([run["rounds"][-1]["accuracy"] for run in runs])),
        },
        "asked": asked / len(runs),
        "stands": stands / len(runs),
        "right": sum(run["right"] * run["asked"] for run in runs if run["asked"]) / asked
        if asked
        else None,
        "right_of_standing": sum(
            run["right_of_standing"] * run["stands"] for run in runs if run["stands"]
        )
        / stands
        if stands
        else None,
        "tokens": float(np.mean([run["tokens"] for run in runs])),
    }


def at_people(run: dict[str, Any], labels: int) -> float:
    """Accuracy after the last round that took no more than so many of people's labels."""
    within = [one["accuracy"] for one in run["rounds"] if one["human_labels"] <= labels]
    return float(within[-1]) if within else float("nan")


def _spread(values: np.ndarray) -> np.ndarray:
    if len(values) < 2:
        return np.full(values.shape[1], np.nan)
    return np.std(values, axis=0, ddof=1)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
