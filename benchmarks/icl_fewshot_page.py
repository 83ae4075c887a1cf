"""The section of the results page on ALLSH's few-shot table."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]
FULL = {"sets": ("rte", "sst2", "trec6"), "shots": (4, 8, 12), "seeds": 5, "test": 300}


def icl_fewshot(figures: Figures) -> list[str]:
    """One table for each model, set and number of shots; which cells are cut is said first."""
    lines = [
        "Ways of choosing demonstrations from labelled candidates that a seed draws (the same for "
        "every way), with prompts of the paper's Table 12; each as it is and with a calibrator "
        "that needs no label. Accuracy, macro-F1 and ECE are means over the seeds, ± one standard "
        "deviation. *To random* is the difference in accuracy to random demonstrations, drawn "
        "afresh for each test text as in the paper, uncalibrated; *likewise calibrated* that to "
        f"the same with the same calibrator; 95 % intervals of {figures['bootstrap_draws']} paired "
        "bootstrap draws over test texts and seeds. Tokens are those of a seed: choosing + "
        "calibrating + labelling.",
    ]
    for model in sorted(figures["models"], key=lambda one: one["model"].startswith("tiny-lm")):
        lines += ["", f"**{model['model']}** ({model['dtype']}). {_cut(model)}", ""]
        lines += _order(model)
        for one in model["tables"]:
            lines += ["", *_table(model, one)]
    return lines


def _cut(model: Figures) -> str:
    """What is there of the full table, and what is not."""
    there = {(one["set"], one["shots"]): len(one["seeds"]) for one in model["tables"]}
    absent = [
        f"{name} at {shots}"
        for name in FULL["sets"]
        for shots in FULL["shots"]
        if not there.get((name, shots))
    ]
    seeds = ", ".join(
        f"{name} at {shots}: {count}" for (name, shots), count in there.items() if count
    )
    text = (
        f"{model['test']} test texts, {model['candidates']} candidates, {model['pool']} texts to "
        f"calibrate on; seeds: {seeds}."
    )
    if absent:
        text += f" Cut for want of time: {', '.join(absent)}."
    if model["test"] < FULL["test"] or min(there.values()) < FULL["seeds"]:
        text += f" The full table has {FULL['seeds']} seeds and {FULL['test']} texts."
    return text


def _order(model: Figures) -> list[str]:
    rows = [one for one in model["tables"] if one.get("paper")]
    if not rows:
        return []
    ways = list(rows[0]["paper"]["here"])
    return [
        "Beside the paper's accuracies (GPT-2 XL / here), and in how many of the six pairs of "
        "these four the order is the paper's:",
        "",
        *table(
            ["set", "shots", *ways, "pairs in the paper's order"],
            (
                [
                    one["set"],
                    one["shots"],
                    *(
                        f"{one['paper']['gpt2_xl'][way]:.3f} / {one['paper']['here'][way]:.3f}"
                        for way in ways
                    ),
                    f"{one['paper']['pairs_in_order']} of {one['paper']['pairs']}",
                ]
                for one in rows
            ),
        ),
    ]


def _table(model: Figures, one: Figures) -> list[str]:
    if not one["rows"]:
        return [f"**{one['set']}, {one['shots']} shots**: no seed has every way yet."]
    return [
        f"{model['model']}, **{one['set']}, {one['shots']} shots** (seeds {len(one['seeds'])}, "
        f"majority {one['majority']:.3f})",
        "",
        *table(
            [
                "demonstrations",
                "calibrator",
                "accuracy",
                "macro-F1",
                "ECE",
                "to random",
                "likewise calibrated",
                "tokens (thousands)",
            ],
            (
                [
                    *key.split(" | "),
                    _pm(row, "accuracy"),
                    _pm(row, "macro_f1"),
                    _pm(row, "ece"),
                    _interval(row.get("to_random")),
                    _interval(row.get("to_random_likewise")),
                    " + ".join(f"{count / 1000:.0f}" for count in row["tokens"]),
                ]
                for key, row in one["rows"].items()
            ),
        ),
    ]


def _pm(row: Figures, what: str) -> str:
    spread = row[f"{what}_std"]
    return f"{row[what]:.3f}" + ("" if spread is None else f" ± {spread:.3f}")


def _interval(values: list[float] | None) -> str:
    if values is None:
        return ""
    mean, low, high = (100 * value for value in values)
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"
