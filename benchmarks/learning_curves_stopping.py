"""PALM's forecasts and the stopping rules on long learning curves.

    python benchmarks/learning_curves.py --long
    python benchmarks/learning_curves_stopping.py [--runs runs/learning_curves.jsonl]

Reads the curves of 40 rounds of 20 labels (random start; random and margin; 3 seeds), and those of
25 rounds of 8 on the sets that reach the target early. PALM is fitted to the first 5, 8, 12 and 16
points and says how many labels 80 % accuracy takes; the truth is where the measured curve first
crosses, by linear interpolation. Stopping rules with their default options see one round of 20
after the other; what a stop costs is the accuracy at the end (mean of the last three rounds) minus
that at the stop. Written to results/learning_curves_stopping.json.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from learning_curves import FINE_BATCH, FINE_ROUNDS, LONG_ROUNDS, ROOT, read_runs
from results_file import write_results

from llmal.statistics.learning_curve import LearningCurve
from llmal.stopping import (
    AgreementSettled,
    EntropySettled,
    GainBelowCost,
    Plateau,
    PredictedTarget,
    StoppingRule,
    TargetAccuracy,
)

TARGET = 0.8
POINTS = (5, 8, 12, 16)
LEVEL = 0.9
AHEAD = (2.0, 4.0)
"""How many times the labels seen the forecasts of accuracy reach."""

Row = dict[str, Any]


def crossing(labels: Sequence[float], accuracy: Sequence[float], target: float) -> float | None:
    """Labels at which a measured curve first reaches the target, by linear interpolation."""
    for place, value in enumerate(accuracy):
        if value < target:
            continue
        if place == 0:
            return float(labels[0])
        low = accuracy[place - 1]
        share = (target - low) / (value - low)
        return float(labels[place - 1] + share * (labels[place] - labels[place - 1]))
    return None


def rules(most: int) -> dict[str, StoppingRule]:
    return {
        "plateau": Plateau(),
        "target_accuracy 0.8": TargetAccuracy(TARGET),
        "entropy_settled": EntropySettled(),
        "agreement_settled": AgreementSettled(),
        "gain_below_cost 50": GainBelowCost(labels_per_point=50),
        "gain_below_cost 100": GainBelowCost(),
        f"predicted_target 0.8 by {most}": PredictedTarget(TARGET, labels=most),
        f"predicted_target 0.8, level {LEVEL}": PredictedTarget(TARGET, labels=most, level=LEVEL),
    }


def forecasts(rows: Sequence[Row]) -> list[Row]:
    """For each setting the mean curve over seeds, and how often the interval of a run held."""
    made = []
    for key, group in _grouped(rows):
        labels = group[0]["labels"]
        mean = np.mean([row["accuracy"] for row in group], axis=0).tolist()
        truth = crossing(labels, mean, TARGET)
        for points in POINTS:
            seen = labels[points - 1]
            entry: Row = {**key, "points": points, "seen": seen, "actual": _short(truth)}
            entry["reached_before"] = truth is not None and truth <= seen
            curve = LearningCurve.fit(labels[:points], mean[:points])
            low, high = curve.labels_for_interval(TARGET, LEVEL)
            entry |= {
                "predicted": _short(curve.labels_for(TARGET)),
                "low": _short(low),
                "high": _short(high),
                "a_max": round(curve.a_max, 4),
            }
            made.append(entry)
    return made


def coverage(rows: Sequence[Row]) -> list[Row]:
    """Over single runs: errors of the forecasts, and how often intervals hold the truth."""
    made = []
    for points in POINTS:
        labels_off: list[float] = []
        labels_in: list[bool] = []
        never = 0
        ahead: dict[float, list[tuple[float, bool, float]]] = defaultdict(list)
        for row in rows:
            labels, accuracy = row["labels"], row["accuracy"]
            curve = LearningCurve.fit(labels[:points], accuracy[:points])
            truth = crossing(labels, accuracy, TARGET)
            if truth is not None and truth > labels[points - 1]:
                low, high = curve.labels_for_interval(TARGET, LEVEL)
                guess = curve.labels_for(TARGET)
                labels_in.append(low <= truth <= high)
                never += not np.isfinite(guess)
                labels_off.append(abs(np.log(guess / truth)) if guess > 0 else np.inf)
            for times in AHEAD:
                place = min(round(points * times), len(labels)) - 1
                if round(points * times) > len(labels):
                    continue
                # The mean of three rounds: the interval is the curve's, not a measurement's.
                around = slice(max(place - 1, points), place + 2)
                measured = float(np.mean(accuracy[around]))
                where = float(np.mean(labels[around]))
                ends = curve.predict_interval(where, LEVEL)
                guess = float(curve.predict(where))
                inside = bool(ends[0] <= measured <= ends[1])
                ahead[times].append((guess - measured, inside, accuracy[points - 1] - measured))
        made.append(
            {
                "points": points,
                "runs": len(rows),
                "crossings": len(labels_off),
                "crossings_in_interval": sum(labels_in),
                "never_predicted": never,
                "median_factor": round(float(np.exp(np.median(labels_off))), 2)
                if labels_off and np.isfinite(np.median(labels_off))
                else None,
                "ahead": {
                    f"{times:g}": {
                        "runs": len(found),
                        "in_interval": sum(inside for _, inside, _ in found),
                        "mean_error": round(float(np.mean([abs(off) for off, *_ in found])), 4),
                        "bias": round(float(np.mean([off for off, *_ in found])), 4),
                        "error_if_flat": round(
                            float(np.mean([abs(flat) for *_, flat in found])), 4
                        ),
                    }
                    for times, found in ahead.items()
                },
            }
        )
    return made


def stops(rows: Sequence[Row]) -> list[Row]:
    """Where each rule stops each kind of run, and what that costs."""
    made = []
    for key, group in _grouped(rows):
        for name, rule in rules(group[0]["labels"][-1]).items():
            found = [_stop(row, rule) for row in group]
            fired = [one for one in found if one is not None]
            end = float(np.mean([np.mean(row["accuracy"][-3:]) for row in group]))
            entry: Row = {
                **key,
                "rule": name,
                "runs": len(group),
                "stopped": len(fired),
                "end": round(end, 4),
            }
            if fired:
                entry |= {
                    "labels": [one["labels"] for one in fired],
                    "accuracy": round(float(np.mean([one["accuracy"] for one in fired])), 4),
                    "lost": [round(one["lost"], 4) for one in fired],
                    "after": [one["after"] for one in fired],
                    "right": _right(fired) if isinstance(rule, PredictedTarget) else None,
                    "reason": fired[0]["reason"],
                }
            made.append(entry)
    return made


def _stop(row: Row, rule: StoppingRule) -> Row | None:
    history = [
        {
            "labelled": labels,
            "accuracy": row["accuracy"][place],
            "test_items": row["test_items"],
            "mean_entropy": row["mean_entropy"][place],
            "agreement": row["agreement"][place],
        }
        for place, labels in enumerate(row["labels"])
    ]
    for place in range(len(history)):
        reason = rule.reason(history[: place + 1])
        if reason is not None:
            accuracy = row["accuracy"][place]
            end = float(np.mean(row["accuracy"][-3:]))
            return {
                "labels": row["labels"][place],
                "accuracy": accuracy,
                "lost": end - accuracy,
                "after": row["labels"][-1] - row["labels"][place],
                "reached": "and reaches" in reason,
                # Three rounds, as one may be over the target by luck.
                "here": float(np.mean(row["accuracy"][max(place - 1, 0) : place + 2])),
                "best": float(np.convolve(row["accuracy"], np.ones(3) / 3, "valid").max()),
                "reason": reason,
            }
    return None


def _right(stops: Sequence[Row]) -> dict[str, list[bool]]:
    """Of the two things that predicted_target says, which were so."""
    return {
        "reached": [one["here"] >= TARGET for one in stops if one["reached"]],
        "out_of_reach": [one["best"] < TARGET for one in stops if not one["reached"]],
    }


def _grouped(rows: Sequence[Row]) -> list[tuple[Row, list[Row]]]:
    names = ("set", "embedding", "strategy", "batch")
    by: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        by[tuple(row[name] for name in names)].append(row)
    return [(dict(zip(names, key, strict=True)), group) for key, group in by.items()]


def _short(value: float | None) -> float | None:
    """One decimal; None where it is infinite or there is none, which JSON cannot say."""
    return None if value is None or not np.isfinite(value) else round(float(value), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "learning_curves.jsonl")
    arguments = parser.parse_args()
    runs = [vars(key) | row for key, row in read_runs(arguments.runs).items()]
    rows = [row for row in runs if row["rounds"] == LONG_ROUNDS]
    fine = [row for row in runs if row["rounds"] == FINE_ROUNDS]
    if not rows:
        raise SystemExit("there are no long runs; make them with learning_curves.py --long")
    good = [row for row in rows if row["embedding"] == "minilm"]
    figures = {
        "target": TARGET,
        "level": LEVEL,
        "rounds": LONG_ROUNDS,
        "seeds": len({row["seed"] for row in rows}),
        "fine": {"rounds": FINE_ROUNDS, "batch": FINE_BATCH},
        "forecasts": forecasts([*rows, *fine]),
        "coverage": coverage(rows),
        "stops": stops(good),
    }
    print(write_results("learning_curves_stopping", figures))


if __name__ == "__main__":
    main()
