"""From the scores of the defaults table to its figures, without the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from defaults_judged import CALIBRATORS, NORMALISE, WITHOUT_LABELS
from numpy.typing import NDArray

Key = tuple[str, str, str, int, str]
"""Model, set, style, shots, arrangement."""


def tell(cells: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """All figures of the table, from what `figures_of` gives of each cell."""
    rows: dict[tuple[Key, str, str], list[dict[str, float]]] = defaultdict(list)
    sizes: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    skews: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    failed: dict[str, int] = defaultdict(int)
    scored_cells: dict[Key, list[int]] = defaultdict(list)
    auto: dict[tuple[str, str], str] = {}
    models: dict[str, dict[str, Any]] = {}
    of_sizes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in cells:
        cell, told = one["cell"], one["told"]
        model = told["model"]
        key = (model, cell["set"], cell["style"], cell["shots"], cell["arrangement"])
        scored_cells[key].append(cell["seed"])
        auto[model, cell["set"]] = told["auto"]
        models[model] = {"dtype": told["dtype"], "sizes": of_sizes[model]}
        of_sizes[model][", ".join(f"{count} {kind}" for kind, count in told["sizes"].items())] += 1
        for normalise, name, found in one["judged"]:
            rows[key, normalise, name].append(found)
        for name in one["failed"]:
            failed[f"{model}, {name}"] += 1
        if cell["arrangement"] == "balanced":
            for name, count, gain in one["sizes"]:
                sizes[model, name, count].append(gain)
            for name, where, gains in one["skewed"]:
                skews[model, name, where].extend(gains)
    means = {key: _mean(many) for key, many in rows.items()}
    return {
        "models": models,
        "normalise": NORMALISE,
        "cells": [
            " | ".join([*(str(part) for part in key), ",".join(map(str, sorted(seeds)))])
            for key, seeds in sorted(scored_cells.items())
        ],
        "failed": dict(failed),
        "auto": [" | ".join([*key, style]) for key, style in sorted(auto.items())],
        "calibrators": rank_calibrators(means),
        "settings": rank_settings(means),
        "normalisation": compare_normalisations(means),
        "styles": compare_styles(means, auto),
        "shots": compare_shots(means),
        "arrangements": compare_arrangements(means),
        "pool_sizes": [
            {
                "model": model,
                "calibrator": name,
                "texts": count,
                "mean": float(np.mean(many)),
                "sd": float(np.std(many)),
                "worst": float(np.min(many)),
                "cells": len(many),
            }
            for (model, name, count), many in sizes.items()
        ],
        "skewed": [
            {
                "model": model,
                "calibrator": name,
                "judged_on": where,
                "mean": float(np.mean(many)),
                "worst": float(np.min(many)),
                "pools": len(many),
            }
            for (model, name, where), many in skews.items()
        ],
        "columns": "model | set | style | shots | arrangement | normalise | calibrator | accuracy "
        "on train rows | accuracy | macro-F1 | ECE",
        "rows": [
            " | ".join(
                [*(str(part) for part in key), normalise, name]
                + [f"{one[what]:.4f}" for what in ("choice", "accuracy", "macro_f1", "ece")]
            )
            for (key, normalise, name), one in sorted(means.items())
            if key[4] == "balanced" or normalise == "sum"
        ],
    }


def _mean(many: Sequence[dict[str, float]]) -> dict[str, float]:
    mean = {key: float(np.mean([one[key] for one in many])) for key in many[0]}
    return mean | {"seeds": float(len(many))}


Means = dict[tuple[Key, str, str], dict[str, float]]


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """1 for the highest; equals share the mean of their ranks."""
    array = np.asarray(values)
    higher = (array[None, :] > array[:, None]).sum(axis=1)
    equal = (array[None, :] == array[:, None]).sum(axis=1)
    return np.asarray(1 + higher + (equal - 1) / 2)


def rank_calibrators(means: Means) -> list[dict[str, Any]]:
    """Calibrators side by side, for each model and style and over all, summed log-probabilities."""
    blocks = {key for key, normalise, _ in means if key[4] == "balanced" and normalise == "sum"}
    groups: dict[tuple[str, str], list[Key]] = {("all", "all"): sorted(blocks)}
    for key in sorted(blocks):
        groups.setdefault((key[0], "all"), []).append(key)
        groups.setdefault((key[0], key[2]), []).append(key)
    result = []
    for (model, style), keys in groups.items():
        for family in (list(WITHOUT_LABELS), list(CALIBRATORS)):
            usable = [key for key in keys if all((key, "sum", name) in means for name in family)]
            if not usable:
                continue
            table = {name: [means[key, "sum", name] for key in usable] for name in family}
            for name, row in _compare(table, "none").items():
                result.append(
                    {
                        "model": model,
                        "style": style,
                        "among": "without labels" if len(family) == len(WITHOUT_LABELS) else "all",
                        "calibrator": name,
                        "cells": len(usable),
                        **row,
                    }
                )
    return result


def _compare(
    table: dict[str, list[dict[str, float]]], base: str | None = None
) -> dict[str, dict[str, float]]:
    """Mean rank and worst case of each row of a table, on the rows of choice and of the test."""
    result: dict[str, dict[str, float]] = {name: {} for name in table}
    for what, part in (("choice", "choice"), ("accuracy", "test")):
        values = np.array([[one[what] for one in ones] for ones in table.values()])
        ranks = np.stack([_ranks(column) for column in values.T]).mean(axis=0)
        best = values.max(axis=0)
        for place, name in enumerate(table):
            row = result[name]
            row[f"{part}_accuracy"] = float(values[place].mean())
            row[f"{part}_rank"] = float(ranks[place])
            row[f"{part}_below_best"] = float((best - values[place]).mean())
            row[f"{part}_worst_below_best"] = float((best - values[place]).max())
            if base is not None:
                gain = values[place] - values[list(table).index(base)]
                row[f"{part}_worst_to_{base}"] = float(gain.min())
                row[f"{part}_better"] = int((gain > 0).sum())
                row[f"{part}_worse"] = int((gain < 0).sum())
    for name, ones in table.items():
        result[name]["macro_f1"] = float(np.mean([one["macro_f1"] for one in ones]))
        result[name]["ece"] = float(np.mean([one["ece"] for one in ones]))
    return result


def rank_settings(means: Means) -> list[dict[str, Any]]:
    """Style, normalisation and calibrator together, over all models, sets and numbers of shots.

    Only those that need no labels: a default cannot count on any.
    """
    settings: dict[tuple[str, str, str], dict[tuple[Any, ...], dict[str, float]]] = {}
    for (key, normalise, name), one in means.items():
        model, data, style, shots, arrangement = key
        if arrangement == "balanced" and name in WITHOUT_LABELS:
            settings.setdefault((style, normalise, name), {})[model, data, shots] = one
    blocks = sorted(set.intersection(*(set(one) for one in settings.values())))
    if not blocks:
        return []
    table = {
        " | ".join(setting): [ones[block] for block in blocks] for setting, ones in settings.items()
    }
    compared = _compare(table)
    order = sorted(compared, key=lambda name: compared[name]["choice_rank"])
    return [{"setting": name, "blocks": len(blocks), **compared[name]} for name in order]


def compare_normalisations(means: Means) -> list[dict[str, Any]]:
    """The three ways to compare labels, with calibrators that matter."""
    result = []
    models = sorted({key[0] for key, _, _ in means})
    for model in models:
        for name in ("none", "batch", "prior-matching"):
            keys = sorted(
                key
                for key, normalise, calibrator in means
                if normalise == "mean"
                and calibrator == name
                and key[0] == model
                and key[4] == "balanced"
            )
            if not keys:
                continue
            table = {how: [means[key, how, name] for key in keys] for how in NORMALISE}
            for how, row in _compare(table).items():
                result.append(
                    {
                        "model": model,
                        "calibrator": name,
                        "normalise": how,
                        "cells": len(keys),
                        **row,
                    }
                )
    return result


def compare_styles(means: Means, auto: dict[tuple[str, str], str]) -> list[dict[str, Any]]:
    """Chat, completion, and the one that `style: auto` takes."""
    result = []
    for name in ("none", "batch", "prior-matching"):
        blocks = sorted(
            {
                (key[0], key[1], key[3])
                for key, normalise, calibrator in means
                if normalise == "sum" and calibrator == name and key[4] == "balanced"
            }
        )
        for model in sorted({block[0] for block in blocks}):
            table: dict[str, list[dict[str, float]]] = {"chat": [], "completion": [], "auto": []}
            for block in blocks:
                both = {
                    style: means.get(
                        ((block[0], block[1], style, block[2], "balanced"), "sum", name)
                    )
                    for style in ("chat", "completion")
                }
                chat, completion = both["chat"], both["completion"]
                if block[0] != model or chat is None or completion is None:
                    continue
                table["chat"].append(chat)
                table["completion"].append(completion)
                table["auto"].append(chat if auto[block[0], block[1]] == "chat" else completion)
            if table["chat"]:
                for style, row in _compare(table).items():
                    result.append(
                        {
                            "model": model,
                            "calibrator": name,
                            "style": style,
                            "cells": len(table["chat"]),
                            **row,
                        }
                    )
    return result


def compare_shots(means: Means) -> list[dict[str, Any]]:
    """What demonstrations bring, with and without calibration."""
    groups: dict[tuple[str, str, int, str], list[dict[str, float]]] = defaultdict(list)
    for (key, normalise, name), one in means.items():
        if key[4] == "balanced" and normalise == "sum" and name in WITHOUT_LABELS:
            groups[key[0], key[2], key[3], name].append(one)
    return [
        {
            "model": model,
            "style": style,
            "shots": shots,
            "calibrator": name,
            "cells": len(ones),
            **{
                what: float(np.mean([one[what] for one in ones]))
                for what in ("choice", "accuracy", "macro_f1", "ece")
            },
        }
        for (model, style, shots, name), ones in sorted(groups.items())
    ]


def compare_arrangements(means: Means) -> list[dict[str, Any]]:
    """Ways of choosing and arranging demonstrations, in the cells in which all were scored."""
    names = sorted({key[4] for key, _, _ in means if key[3]})
    result = []
    for other in names:
        if other == "balanced":
            continue
        for calibrator in ("none", "batch", "prior-matching"):
            keys = sorted(
                key
                for key, normalise, name in means
                if key[4] == other
                and normalise == "sum"
                and name == calibrator
                and ((*key[:4], "balanced"), "sum", calibrator) in means
            )
            for model in sorted({key[0] for key in keys}):
                mine = [key for key in keys if key[0] == model]
                table = {
                    "balanced": [means[(*key[:4], "balanced"), "sum", calibrator] for key in mine],
                    other: [means[key, "sum", calibrator] for key in mine],
                }
                row = _compare(table)
                result.append(
                    {
                        "model": model,
                        "arrangement": other,
                        "calibrator": calibrator,
                        "cells": len(mine),
                        **row[other],
                        "balanced": row["balanced"],
                    }
                )
    return result
