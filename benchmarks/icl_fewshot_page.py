"""The section of the results page on ALLSH's few-shot table."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]
EACH = ("random, afresh for each text", "similar")
"""Ways that give each test text demonstrations of its own."""
FULL = {"sets": ("rte", "sst2", "trec6"), "shots": (4, 8, 12), "seeds": 5, "test": 300}


def icl_fewshot(figures: Figures) -> list[str]:
    """One table for each model, set and number of shots; which cells are cut is said first."""
    lines = [
        "Ways of choosing demonstrations from labelled candidates that a seed draws (the same for "
        "every way), with prompts of the paper's Table 12; each as it is and with a calibrator "
        "that needs no label. Accuracy, macro-F1 and ECE are means over the seeds, ± one standard "
        "deviation. *To random* is the difference in accuracy to random demonstrations, drawn "
        "afresh for each test text as in the paper, uncalibrated; *likewise calibrated* that to "
        "the same with the same calibrator, *to random once* that to one random set for all texts "
        f"with the same calibrator; 95 % intervals of {figures['bootstrap_draws']} paired "
        "bootstrap draws over test texts and seeds. Tokens are those of a seed: choosing + "
        "calibrating + labelling.",
    ]
    for model in sorted(figures["models"], key=lambda one: one["model"].startswith("tiny-lm")):
        lines += ["", f"**{model['model']}** ({model['dtype']}). {_cut(model)}", ""]
        lines += _order(model)
        lines += ["", _reading(model)]
        for one in model["tables"]:
            lines += ["", *_table(model, one)]
    return lines


def _reading(model: Figures) -> str:
    """What the tables of a model say of the paper's order, of each way, and of calibration."""
    tables = [one for one in model["tables"] if one["rows"]]
    papers = [one["paper"] for one in tables if one.get("paper")]
    same = sum(one["pairs_in_order"] for one in papers)
    pairs = sum(one["pairs"] for one in papers)
    ways = list(dict.fromkeys(way for one in tables for way in _ways(one)))
    first = sum(
        all(one["here"]["ALLSH"] > other for way, other in one["here"].items() if way != "ALLSH")
        for one in papers
    )
    said = [
        f"{way} {_against(tables, way, 'none', 'to_random')}, "
        f"{_against(tables, way, 'batch', 'to_random_likewise')}, "
        f"{_against(tables, way, 'batch', 'to_once_likewise')}"
        for way in ways[1:]
    ]
    once = [way for way in ways if way not in EACH]
    means = {
        (group, calibrator): _mean(tables, names, calibrator)
        for group, names in (("fixed", once), ("each", [way for way in ways if way in EACH]))
        for calibrator in ("none", "contextual", "batch", "prior-matching")
    }
    calibrated = " and ".join(
        f"{words} {means[group, 'none']:.3f} uncalibrated, {means[group, 'contextual']:.3f} "
        f"contextual, {means[group, 'batch']:.3f} batch, {means[group, 'prior-matching']:.3f} "
        "prior matching"
        for group, words in (
            ("fixed", "where one set of demonstrations serves all texts"),
            ("each", "where each text has its own"),
        )
    )
    return (
        f"**Does the paper's order hold?** In {same} of {pairs} pairs of its four rows, of which "
        f"lots would give half; ALLSH, the paper's first in all, is first alone in {first} "
        f"of {len(papers)} tables. Points of accuracy, mean over the tables, and behind it in how "
        "many of them the interval lies above and below 0: against random demonstrations drawn "
        "afresh for each text, uncalibrated; "
        "against the same with batch on both sides; against one random set for all texts, with "
        f"batch on both sides. {'; '.join(said)}. So what a way of choosing is worth depends on "
        "what it is compared with: one set for all texts can be calibrated, and with that a random "
        "one has most of what the others have over demonstrations that change from text to text. "
        "Calibration, mean accuracy over ways "
        f"and tables: {calibrated}. A bias that comes from the demonstrations is the same for all "
        "texts only where the demonstrations are, so what is fitted on the pool takes away less of "
        "it where each text has its own. With one seed an interval is over test texts alone, and "
        "one draw of candidates."
    )


def _ways(one: Figures) -> list[str]:
    """The ways of choosing that a table has."""
    return list(dict.fromkeys(key.split(" | ")[0] for key in one["rows"]))


def _against(tables: list[Figures], way: str, calibrator: str, what: str) -> str:
    found = [
        one["rows"][f"{way} | {calibrator}"][what]
        for one in tables
        if what in one["rows"].get(f"{way} | {calibrator}", {})
    ]
    if not found:
        return "not measured"
    above = sum(low > 0 for _, low, _ in found)
    below = sum(high < 0 for _, _, high in found)
    mean = 100 * sum(gap for gap, _, _ in found) / len(found)
    return f"{mean:+.1f} ({above}, {below} of {len(found)})"


def _mean(tables: list[Figures], ways: list[str], calibrator: str) -> float:
    values = [
        one["rows"][f"{way} | {calibrator}"]["accuracy"]
        for one in tables
        for way in ways
        if f"{way} | {calibrator}" in one["rows"]
    ]
    return sum(values) / len(values) if values else float("nan")


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
    if len(set(there.values())) == 1:
        seeds = f"{next(iter(there.values()))} in every table"
    text = (
        f"{model['test']} test texts, {model['candidates']} candidates, {model['pool']} texts to "
        f"calibrate on; seeds: {seeds}."
    )
    every = {way: None for one in model["tables"] for way in _ways(one)}
    without = [
        f"{way} for {one['set']} at {one['shots']}"
        for one in model["tables"]
        for way in every
        if one["rows"] and way not in _ways(one)
    ]
    if without:
        text += f" Not measured for want of time: {', '.join(without)}."
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
                "to random once",
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
                    _interval(row.get("to_once_likewise")),
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
