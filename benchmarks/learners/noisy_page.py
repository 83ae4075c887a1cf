"""The section of the results page on training with noisy labels."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]
_LEARNERS = {
    "fine_tuned": "A language model fine-tuned",
    "linear": "A linear head on MiniLM's vectors",
}


def learners_noisy(figures: Figures) -> list[str]:
    """Accuracy by kind of noise and method, learner by learner."""
    lines = [
        "Accuracy on right labels, the mean over seeds, with the best method of each row in bold. "
        "*Gold added* is the control of reweighting: its 50 right labels are simply trained on. "
        "*Recorded* are the answers of large models that came with the sets. No setting was chosen "
        "on these sets; a single seed says little."
    ]
    for learner, words in _LEARNERS.items():
        rows = [row for row in figures["rows"] if row["learner"] == learner]
        if rows:
            lines += ["", f"**{words}** ({_sizes(figures, learner)})", "", *_accuracies(rows)]
            lines += ["", _beside_plain(rows), "", *_judged(figures, learner)]
    return lines


def _beside_plain(rows: list[dict[str, Any]]) -> str:
    """How often, and by how much, each method is better than plain training."""
    plain = {(row["set"], row["noise"]): row["accuracy"] for row in rows
             if row["method"] == "plain"}  # fmt: skip
    gains: dict[str, list[float]] = {}
    for row in rows:
        key = (row["set"], row["noise"])
        if row["method"] != "plain" and key in plain and row["wrong_labels"] > 0:
            gains.setdefault(row["method"], []).append(row["accuracy"] - plain[key])
    said = [
        f"*{method}* is better in {sum(one > 0 for one in found)} of {len(found)}, on the mean by "
        f"{100 * sum(found) / len(found):+.1f} points"
        for method, found in sorted(gains.items())
    ]
    return f"Beside plain training, of the rows with wrong labels: {'; '.join(said)}."


def _sizes(figures: Figures, learner: str) -> str:
    cells = [one for one in figures["cells"] if one["cell"][2] == learner]
    plain = next(one for one in cells if one["cell"][3] != "gold added")
    seeds = sorted({row["seeds"] for row in figures["rows"] if row["learner"] == learner})
    said = [plain["model"], f"{plain['items']} labelled items"]
    said.append(f"{' or '.join(map(str, seeds))} seed{'s' if seeds != [1] else ''}")
    if "epochs" in plain:
        said.append(f"{plain['epochs']} passes at a rate of {plain['learning_rate']:g}")
    return ", ".join(said)


def _accuracies(rows: list[dict[str, Any]]) -> list[str]:
    methods = list(dict.fromkeys(row["method"] for row in rows))
    methods.sort(key=lambda one: (one != "plain", one != "gold added", one))
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["set"], row["noise"]), {})[row["method"]] = row
    body = []
    for (name, noise), ways in found.items():
        best = max(round(one["accuracy"], 3) for one in ways.values())
        wrong = next(iter(ways.values()))["wrong_labels"]
        cells = [name, noise, f"{wrong:.0%}"]
        for method in methods:
            one = ways.get(method)
            text = "" if one is None else f"{one['accuracy']:.3f}"
            bold = one is not None and round(one["accuracy"], 3) == best
            cells.append(f"**{text}**" if bold else text)
        body.append(cells)
    return table(["set", "labels", "wrong", *methods], body)


def _judged(figures: Figures, learner: str) -> list[str]:
    """How well the methods that judge labels find the wrong ones."""
    body = []
    judging: dict[str, list[dict[str, Any]]] = {}
    for one in figures["cells"]:
        if one["cell"][2] == learner and "wrong_left_out" in one:
            judging.setdefault(one["cell"][3], []).append(one)
    for method, cells in sorted(judging.items()):
        lost, count = 0.0, 0
        for one in cells:
            right = 1 - one["noise"]
            kept_right = one["kept"] * (1 - one.get("wrong_among_kept", 0.0))
            lost, count = lost + 1 - kept_right / right, count + 1
        found = sum(one["wrong_left_out"] for one in cells) / count
        body.append([method, str(count), f"{found:.0%}", f"{lost / count:.0%}"])
    head = ["who judges labels", "cells with wrong labels", "wrong labels left out",
            "right labels left out"]  # fmt: skip
    return table(head, body) if body else []
