"""From cells of benchmarks/generators/helps.py to means, spreads and paired differences."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import Any

import numpy as np

Row = dict[str, Any]
MEASURES = ("macro_f1", "rare_recall", "accuracy")
WEIGHTINGS = ("plain", "weighted")
ALONE = "alone"
NOT_SYNTHETIC = (ALONE, "balanced", "real", "tf-idf")


def figures_of(written: list[Row], trained: list[Row], *, choose_on: str) -> dict[str, Any]:
    """What stands in the file of results."""
    found = {tuple(one["cell"]): one for one in trained}
    return {
        # Fingerprints, their folders cut to the last part.
        "models": sorted({re.sub(r"/\S*/(?=[^/]+@)", "/", one["model"]) for one in written}),
        "writing": _writing(written),
        "rows": _rows(found),
        "cells": _gains(found),
        "chosen": _chosen(found, choose_on),
    }


def _writing(written: list[Row]) -> list[Row]:
    """Texts asked for, written, accepted and refused, by set and generator."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for one in written:
        name, _, _, generator = one["cell"]
        groups[name, generator].append(one)
    rows = []
    for (name, generator), lines in groups.items():
        refused: Counter[str] = Counter()
        for line in lines:
            refused.update(line["refused"])
        texts = [item["text"] for line in lines for item in line["items"]]
        rows.append(
            {
                "set": name,
                "generator": generator,
                "draws": len(lines),
                "wanted": sum(sum(line["wanted"].values()) for line in lines),
                "missing": sum(sum(line["missing"].values()) for line in lines),
                "written": len(texts),
                "refused": dict(refused.most_common()),
            }
        )
    return rows


def _rows(found: dict[Any, Row]) -> list[Row]:
    """By set, setting and variant: each measure, and its difference to the learner alone."""
    groups: dict[tuple[str, str, str], list[tuple[Row, Row]]] = defaultdict(list)
    for (name, setting, seed, variant), row in found.items():
        alone = found.get((name, setting, seed, ALONE))
        if alone is not None:
            groups[name, setting, variant].append((row, alone))
    rows = []
    for (name, setting, variant), pairs in groups.items():
        row: Row = {
            "set": name,
            "setting": setting,
            "variant": variant,
            "seeds": len(pairs),
            "labelled": pairs[0][0]["labelled"],
            "added": float(np.mean([sum(one["added"].values()) for one, _ in pairs])),
            "weights": dict(Counter(str(one["chosen"]) for one, _ in pairs).most_common()),
        }
        for weighting in WEIGHTINGS:
            for measure in MEASURES:
                values = [one[weighting][measure] for one, _ in pairs]
                gains = [one[weighting][measure] - alone["plain"][measure] for one, alone in pairs]
                row[f"{weighting} {measure}"] = [*_mean_sd(values), *_mean_sd(gains)]
        rows.append(row)
    return rows


def _gains(found: dict[Any, Row]) -> list[Row]:
    """For each draw and variant the difference to the learner alone."""
    rows = []
    for (name, setting, seed, variant), row in found.items():
        alone = found.get((name, setting, seed, ALONE))
        if variant == ALONE or alone is None:
            continue
        gain = {
            weighting: {one: row[weighting][one] - alone["plain"][one] for one in MEASURES}
            for weighting in WEIGHTINGS
        }
        rows.append(
            {
                "set": name,
                "setting": setting,
                "seed": seed,
                "variant": variant,
                "added": sum(row["added"].values()),
                "weight": row["chosen"],
                "gain": gain,
            }
        )
    return rows


def _mean_sd(values: list[float]) -> list[float | None]:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return [float(np.mean(values)), spread]


def _chosen(found: dict[Any, Row], choose_on: str) -> list[Row]:
    """For each measure the variant, weighting and setting that gain the most on one set, and what
    they gain on the others; of those that were measured on another set too.
    """
    elsewhere = {(key[1], key[3]) for key in found if key[0] != choose_on}
    chosen = []
    for measure in ("macro_f1", "rare_recall"):
        gains: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        for (name, setting, seed, variant), row in found.items():
            alone = found.get((name, setting, seed, ALONE))
            if (setting, variant) not in elsewhere or variant in NOT_SYNTHETIC:
                continue
            if name == choose_on and alone is not None:
                for weighting in WEIGHTINGS:
                    gain = row[weighting][measure] - alone["plain"][measure]
                    gains[setting, variant, weighting].append(gain)
        if not gains:
            continue
        setting, variant, weighting = max(gains, key=lambda key: float(np.mean(gains[key])))
        sets = [
            {
                "set": name,
                "gains": [
                    found[name, setting, seed, variant][weighting][measure]
                    - found[name, setting, seed, ALONE]["plain"][measure]
                    for seed in sorted({key[2] for key in found})
                    if (name, setting, seed, variant) in found
                    and (name, setting, seed, ALONE) in found
                ],
            }
            for name in sorted({key[0] for key in found})
        ]
        chosen.append(
            {
                "measure": measure,
                "setting": setting,
                "variant": variant,
                "weighting": weighting,
                "candidates": len(gains),
                "sets": sets,
            }
        )
    return chosen
