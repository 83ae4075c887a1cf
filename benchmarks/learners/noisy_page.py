"""The section of the results page on training with noisy labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
Cell = dict[str, Any]
_LEARNERS = {
    "perceptron": "A perceptron on MiniLM's vectors",
    "fine_tuned": "MiniLM itself, every weight trained",
    "linear": "A linear head on MiniLM's vectors",
}


def learners_noisy(figures: Figures) -> list[str]:
    """Accuracy by kind of noise and method, learner by learner."""
    lines = [
        "Accuracy on right labels, mean ± standard deviation over seeds where there are several, "
        "the best method of each row in bold. *Gold added* is the control of reweighting: its 50 "
        "right labels are simply trained on. *Recorded* are the answers of large models that came "
        "with the sets. No "
        "setting was chosen on these sets. *Split* is FreeAL's with llmal's default, which keeps "
        "at least seven tenths of the items of each label (chosen on dbpedia14, emotion and mr); "
        "*as published* it keeps what seems right alone. A single seed says little by itself, the "
        "sum over settings more."
    ]
    for learner, words in _LEARNERS.items():
        cells = [one for one in figures["cells"] if one["cell"][2] == learner]
        if cells:
            lines += ["", f"**{words}** ({_sizes(cells)})", "", *_accuracies(cells)]
            lines += ["", *_beside_plain(cells), "", *_judged(cells)]
    return lines


def _beside_plain(cells: list[Cell]) -> list[str]:
    """How far each method is from plain training on the same items, and how often above it."""
    plain = {_place(one): one["accuracy"] for one in cells if one["cell"][3] == "plain"}
    gains: dict[str, dict[tuple[str, str], list[float]]] = {}
    for one in cells:
        name, noise, _, method, _ = one["cell"]
        if method != "plain" and _place(one) in plain:
            gain = 100 * (one["accuracy"] - plain[_place(one)])
            gains.setdefault(method, {}).setdefault((name, noise), []).append(gain)
    body = []
    for method, by in sorted(gains.items(), key=lambda item: item[0]):
        wrong = {key: found for key, found in by.items() if key[1] != "clean"}
        clean = {key: found for key, found in by.items() if key[1] == "clean"}
        means = [float(np.mean(found)) for found in wrong.values()]
        every = [gain for found in wrong.values() for gain in found]
        body.append(
            [
                method,
                _with_error(means),
                f"{sum(one > 0 for one in means)} of {len(means)}",
                f"{sum(one > 0 for one in every)} of {len(every)}",
                f"{min(means):+.1f} to {max(means):+.1f}" if means else "",
                _with_error([float(np.mean(found)) for found in clean.values()]),
            ]
        )
    head = ["method", "points above plain, wrong labels", "better in settings", "in cells",
            "settings, worst to best", "points above plain, clean labels"]  # fmt: skip
    said = (
        "Beside plain training on the same items. A setting is a set with its labels; the mean is "
        "over settings of the means over seeds, the standard error that of the settings."
    )
    return [said, "", *table(head, body)]


def _with_error(means: list[float]) -> str:
    if not means:
        return ""
    if len(means) == 1:
        return f"{means[0]:+.1f}"
    return f"{np.mean(means):+.1f} ± {np.std(means, ddof=1) / np.sqrt(len(means)):.1f}"


def _place(cell: Cell) -> tuple[str, str, int]:
    name, noise, _, _, seed = cell["cell"]
    return name, noise, seed


def _sizes(cells: list[Cell]) -> str:
    plain = next(one for one in cells if one["cell"][3] != "gold added")
    counts: dict[tuple[str, ...], int] = {}
    for one in cells:
        counts[tuple(one["cell"][:4])] = counts.get(tuple(one["cell"][:4]), 0) + 1
    seeds = sorted(set(counts.values()))
    tested = sorted({one["tested"] for one in cells})
    cut = f", its first {plain['layers']} layers" if plain.get("layers") else ""
    said = [plain["model"] + cut, f"{plain['items']} labelled items"]
    said.append(f"{tested[0]} test rows" if len(tested) == 1 else f"{tested[0]} to {tested[-1]} "
                "test rows")  # fmt: skip
    said.append(f"{' or '.join(map(str, seeds))} seed{'s' if seeds != [1] else ''}")
    if "epochs" in plain:
        said.append(f"{plain['epochs']} passes at a rate of {plain['learning_rate']:g}")
        if "max_length" in plain:
            said.append(f"texts cut to {plain['max_length']} tokens")
    return ", ".join(said)


def _accuracies(cells: list[Cell]) -> list[str]:
    methods = list(dict.fromkeys(one["cell"][3] for one in cells))
    methods.sort(key=lambda one: (one != "plain", one != "gold added", one))
    found: dict[tuple[str, str], dict[str, list[Cell]]] = {}
    for one in sorted(cells, key=lambda one: one["cell"][:2]):
        name, noise, _, method, _ = one["cell"]
        found.setdefault((name, noise), {}).setdefault(method, []).append(one)
    body = []
    for (name, noise), ways in found.items():
        means = {way: float(np.mean([one["accuracy"] for one in mine])) for way, mine in
                 ways.items()}  # fmt: skip
        best = max(round(one, 3) for one in means.values())
        wrong = float(np.mean([one["noise"] for mine in ways.values() for one in mine]))
        row = [name, noise, f"{wrong:.0%}"]
        for method in methods:
            if method not in ways:
                row.append("")
                continue
            found_by_seed = [one["accuracy"] for one in ways[method]]
            spread = f" ± {np.std(found_by_seed):.3f}" if len(found_by_seed) > 1 else ""
            bold = "**" if round(means[method], 3) == best else ""
            row.append(f"{bold}{means[method]:.3f}{bold}{spread}")
        body.append(row)
    return table(["set", "labels", "wrong", *methods], body)


def _judged(cells: list[Cell]) -> list[str]:
    """How well the methods that judge labels find the wrong ones."""
    body = []
    judging: dict[str, list[Cell]] = {}
    for one in cells:
        if "wrong_left_out" in one:
            judging.setdefault(one["cell"][3], []).append(one)
    for method, mine in sorted(judging.items()):
        lost = 0.0
        for one in mine:
            right = 1 - one["noise"]
            kept_right = one["kept"] * (1 - one.get("wrong_among_kept", 0.0))
            lost += 1 - kept_right / right
        found = sum(one["wrong_left_out"] for one in mine) / len(mine)
        body.append([method, str(len(mine)), f"{found:.0%}", f"{lost / len(mine):.0%}"])
    head = ["who judges labels", "cells with wrong labels", "wrong labels left out",
            "right labels left out"]  # fmt: skip
    return table(head, body) if body else []
