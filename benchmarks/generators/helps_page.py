"""The section of the results page on whether synthetic items help a learner."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
_NAMES = {"macro_f1": "macro-F1", "rare_recall": "recall of the rare classes"}
_ORDER = (
    "alone",
    "balanced",
    "unfiltered",
    "class_conditional",
    "paraphrase",
    "boundary",
    "weakness_targeted",
    "student_guided",
    "random seeds",
    "tf-idf",
    "real",
)


def generators_helps(figures: Figures) -> list[str]:
    """A linear head with and without what a model wrote."""
    rows = figures["rows"]
    lines = [
        "A linear head on MiniLM's vectors (llmal's default) from few labels, alone and with texts "
        f"that the model wrote ({figures['asked']}). *10:1*: 20 labels of half of the classes, "
        "drawn by the seed, and 2 of the others, the rare ones; texts are written of these alone. "
        "*balanced*: nothing added, but classes weighted by their rarity (`class_weight`), which "
        "costs no model. *unfiltered*: the first readable texts of class_conditional; the other "
        "generators' texts have passed llmal's default filters. *random seeds*: student_guided "
        "with seeds drawn at random, its control. *tf-idf*: copies of the labelled items by "
        "TF-IDF replacement. *real*: as many further real items with their labels, what good "
        "texts could bring. Measured on the test part, up to "
        f"{figures['test rows']:,} rows. Each row: mean ± standard deviation over seeds where "
        "there are several, and the paired difference to the learner alone; *chosen weight* has "
        "the weight of what is added chosen among "
        f"{', '.join(f'{one:g}' for one in figures['weights'])} by cross-validation on the "
        "labelled items alone.",
    ]
    for setting in figures["labels a class"]:
        for name in figures["data"]:
            own = [one for one in rows if one["set"] == name and one["setting"] == setting]
            if own:
                lines += ["", f"{name}, {_setting(setting)}:", "", *_table(own)]
    lines += ["", *_summary(figures), *_chosen(figures), *_writing(figures)]
    return [*lines, "", *_reading(figures), "", f"Not measured: {figures['not measured']}."]


def _reading(figures: Figures) -> list[str]:
    """What the figures say, by setting, for texts of class_conditional that passed the filters."""
    told = []
    for uneven, words in ((False, "Where classes are even"), (True, "At 10:1")):
        gains = {
            variant: [
                one["gain"]["plain"]["macro_f1"]
                for one in figures["cells"]
                if one["variant"] == variant and (one["setting"] == "10:1") is uneven
            ]
            for variant in ("class_conditional", "unfiltered", "balanced", "real")
        }
        if gains["class_conditional"]:
            said = ", ".join(
                f"{variant} {np.mean(values):+.3f} (above 0 in "
                f"{sum(one > 0 for one in values)} of {len(values)})"
                for variant, values in gains.items()
                if values
            )
            told.append(f"{words}, macro-F1 moves by: {said}.")
    return [
        f"{' '.join(told)} At 10:1 the learner alone gives hardly any rare label, so that "
        "whatever adds examples of these helps, and class weights are what it must be compared "
        "with. Nor can a weight be chosen there for class_conditional: with two items of a class, "
        "each text was shown with one that is held out."
    ]


def _setting(setting: str) -> str:
    return "10:1" if setting == "10:1" else f"{setting} labels a class"


def _table(rows: list[Figures]) -> list[str]:
    by = {one["variant"]: one for one in rows}
    return table(
        [
            "",
            "seeds",
            "added",
            "macro-F1",
            "difference",
            "chosen weight",
            "rare recall",
            "difference",
            "chosen weight",
        ],
        (
            [
                name,
                one["seeds"],
                f"{one['added']:.0f}",
                *_three(one, "macro_f1"),
                *_three(one, "rare_recall"),
            ]
            for name in _ORDER
            if name in by
            for one in [by[name]]
        ),
    )


def _three(row: Figures, measure: str) -> list[str]:
    value, spread, gain, gain_spread = row[f"plain {measure}"]
    own = f"{value:.3f}{_within(spread)}"
    if row["variant"] == "alone":
        return [own, "", ""]
    _, _, weighted, weighted_spread = row[f"weighted {measure}"]
    return [own, f"{gain:+.3f}{_within(gain_spread)}", f"{weighted:+.3f}{_within(weighted_spread)}"]


def _within(spread: float | None) -> str:
    return "" if spread is None or math.isnan(spread) else f" ± {spread:.3f}"


def _summary(figures: Figures) -> list[str]:
    """For each variant the mean difference over all sets and settings, and how often above 0."""
    body = []
    for variant in _ORDER[1:]:
        gains = {
            weighting: [
                one["gain"][weighting]["macro_f1"]
                for one in figures["cells"]
                if one["variant"] == variant
            ]
            for weighting in ("plain", "weighted")
        }
        if gains["plain"]:
            body.append(
                [
                    variant,
                    len(gains["plain"]),
                    *(
                        text
                        for values in gains.values()
                        for text in (
                            f"{np.mean(values):+.3f}",
                            f"{sum(one > 0 for one in values)} of {len(values)}",
                        )
                    ),
                ]
            )
    return [
        "Over all draws of sets and settings, the paired difference in macro-F1 to the learner "
        "alone:",
        "",
        *table(
            ["", "draws", "weight 1", "above 0", "chosen weight", "above 0"],
            body,
        ),
    ]


def _chosen(figures: Figures) -> list[str]:
    lines: list[str] = []
    for one in figures["chosen"]:
        weight = "weight 1" if one["weighting"] == "plain" else "the chosen weight"
        there = []
        for part in one["sets"]:
            gains = part["gains"]
            if gains and part["set"] != figures["chosen on"]:
                above = sum(gain > 0 for gain in gains)
                there.append(
                    f"{part['set']} {np.mean(gains):+.3f} (above 0 in {above} of {len(gains)})"
                )
        own = next(part for part in one["sets"] if part["set"] == figures["chosen on"])
        lines += [
            "",
            f"Chosen on {figures['chosen on']} alone, of {one['candidates']} combinations of "
            f"generator, setting and weighting, by {_NAMES[one['measure']]}: {one['variant']}, "
            f"{_setting(one['setting'])}, {weight} ({np.mean(own['gains']):+.3f} there, where it "
            f"was chosen). On the other sets: {'; '.join(there) or 'not measured'}.",
        ]
    return lines


def _writing(figures: Figures) -> list[str]:
    return [
        "",
        "What was written:",
        "",
        *table(
            ["set", "generator", "draws", "wanted", "written", "missing", "refused by"],
            (
                [
                    one["set"],
                    one["generator"],
                    one["draws"],
                    one["wanted"],
                    one["written"],
                    one["missing"],
                    ", ".join(f"{name} {count}" for name, count in one["refused"].items()),
                ]
                for one in figures["writing"]
            ),
        ),
    ]
