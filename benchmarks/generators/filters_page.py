"""The sections of the results page on filters of synthetic items."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]


def generators_near_duplicates(figures: Figures) -> list[str]:
    """Seconds and memory of the filter of near duplicates, beside datasketch."""
    rows = figures["rows"]
    ours = {(one["texts"], one["seed"]): one for one in rows if one["side"] == "llmal"}
    return [
        "Texts made from real ones by random changes, one in five a near copy, in batches of "
        "1,000; a text is refused that has a Jaccard index of character five-grams of at least "
        f"{figures['threshold']:g} with one accepted before. *same*: datasketch "
        f"{figures['datasketch']} with the same number of hashes, the same bands, and candidates "
        "compared exactly; *its default*: `MinHashLSH(threshold, num_perm=128)`, any candidate "
        "counted. Seconds are of the processor; the ratios are to llmal. *found*: planted copies "
        "that reach the threshold, and were refused; *wrong*: refused ones that do not reach it.",
        "",
        *table(
            ["texts", "", "seconds", "ratio", "MB", "ratio", "found", "wrong"],
            (
                [
                    f"{one['texts']:,}",
                    one["side"],
                    f"{one['processor seconds']:.1f}",
                    f"{one['processor seconds'] / own['processor seconds']:.1f}",
                    f"{one['MB']:.0f}",
                    f"{one['MB'] / own['MB']:.1f}",
                    f"{one['found']:.3f}",
                    f"{one['wrong']:.3f}",
                ]
                for one in rows
                for own in [ours[one["texts"], one["seed"]]]
            ),
        ),
        *_not_measured(figures),
    ]


def _not_measured(figures: Figures) -> list[str]:
    missing = figures.get("not measured")
    return ["", f"Not measured: {missing}."] if missing else []


def generators_planted(figures: Figures) -> list[str]:
    """What each filter refuses of planted texts, and of real ones."""
    rows = figures["rows"]
    sets = list(dict.fromkeys(one["set"] for one in rows))
    if list(rows[0]["alone"]) == ["label_agreement"]:
        return _judged(figures)
    lines = [
        "500 test items are protected; 500 real items of the training set are *held out*. Planted "
        "are 200 texts of each kind, and 46 in other languages; these sentences, and the words "
        "that boilerplate is wrapped in, were written by who wrote the rules, and the limit of "
        "language was raised once after a first run on ag_news had missed an eighth of them: on "
        "texts that nobody had seen, both will do less well. What each filter refuses by itself "
        f"({len({one['seed'] for one in rows})} seed(s)):"
    ]
    for name in sets:
        own = [one for one in rows if one["set"] == name]
        kinds = list(own[0]["planted"])
        filters = list(own[0]["alone"])
        lines += [
            "",
            f"{name} (pool of {own[0]['pool']:,}):",
            "",
            *table(
                ["filter", *kinds],
                (
                    [one, *(_share([row["alone"][one].get(kind) for row in own]) for kind in kinds)]
                    for one in filters
                ),
            ),
        ]
    right = "the right one: " + "; ".join(
        f"*{kind}* {' or '.join(names)}" for kind, names in figures["right"].items()
    )
    lines += ["", f"All of them in turn, and by {right}:", ""]
    lines += table(
        ["set", "", *rows[0]["planted"]],
        (
            [
                name,
                what,
                *(
                    _share([row["together"][kind][what] for row in rows if row["set"] == name])
                    if what == "refused" or kind in figures["right"]
                    else ""
                    for kind in rows[0]["planted"]
                ),
            ]
            for name in sets
            for what in ("refused", "by the right one")
        ),
    )
    lines += ["", "Items with three words changed that leakage finds, by the item's words:", ""]
    lengths = list(rows[0]["leakage by least words"])
    lines += table(
        ["set", *(f"at least {one}" for one in lengths)],
        (
            [name, *(_by_length([one for one in rows if one["set"] == name], n) for n in lengths)]
            for name in sets
        ),
    )
    named = {one for names in figures["right"].values() for one in names}
    for name in sets:
        measured = {one for row in rows if row["set"] == name for one in row["alone"]}
        if missing := sorted({*named, *figures["by design"]} - measured):
            lines += ["", f"Not measured on {name}: {', '.join(missing)}."]
    return [*lines, "", *_wrong_labels(rows), *_refused_together(rows)]


def _wrong_labels(rows: list[Figures]) -> list[str]:
    """What the two filters of labels do, where they were measured."""
    own = [row for row in rows if "label_agreement" in row["alone"]]
    if not own:
        return []
    said = [
        f"{row['set']} (seed {row['seed']}) {name} {alone['wrong label']:.3f} of the wrong labels "
        f"and {alone['held-out']:.3f} of the right ones"
        for row in own
        for name in ("label_agreement", "learner_agreement")
        if name in row["alone"]
        for alone in [row["alone"][name]]
    ]
    return [
        f"Of labels, refused: {'; '.join(said)}. Wrong labels are found at the price of right "
        "ones: neither filter is better than the model or learner that it asks. *by the right "
        "one* is lower than *refused* where a filter before these two has refused the text.",
        "",
    ]


def _refused_together(rows: list[Figures]) -> list[str]:
    """Who refuses real texts, when all filters are asked in turn."""
    lines = []
    for row in rows:
        by = row["together"]["held-out"]["by"]
        total = row["planted"]["held-out"]
        lines.append(
            f"Of the held-out of {row['set']} (seed {row['seed']}) "
            f"{row['together']['held-out']['refused']:.3f} are refused by one or another: "
            + ", ".join(f"{name} {count / total:.3f}" for name, count in by.items())
            + "."
        )
    return [" ".join(lines)]


def _judged(figures: Figures) -> list[str]:
    """What another model's label_agreement refuses, where nothing else was measured."""
    rows = figures["rows"]
    judged = rows[0]["judged"]
    return [
        f"The filter label_agreement alone, asked of {figures['model']}, calibrated on 100 texts "
        f"of the pool without labels; the first {judged} of the held-out texts and of those with "
        "a wrong label:",
        "",
        *table(
            ["set", "seed", "held-out", "wrong label"],
            (
                [
                    one["set"],
                    one["seed"],
                    *(f"{one['alone']['label_agreement'][kind]:.3f}"
                      for kind in ("held-out", "wrong label")),
                ]
                for one in rows
            ),
        ),
    ]  # fmt: skip


def _share(values: list[float | None]) -> str:
    known = [one for one in values if one is not None]
    return f"{np.mean(known):.3f}" if known else "–"


def _by_length(rows: list[Figures], least: str) -> str:
    found = [row["leakage by least words"][least] for row in rows]
    count = sum(n for _, n in found)
    return f"{sum(share * n for share, n in found) / count:.3f} of {count}" if count else "–"
