"""The section of the results page on labelling programs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]


def labelling_programs(figures: Figures) -> list[str]:
    """Coverage and accuracy by set and number of labelled items, and what was dropped."""
    groups: dict[tuple[str, int], list[Figures]] = {}
    for one in figures["cells"]:
        groups.setdefault((one["set"], one["labelled"]), []).append(one)
    rows, why = [], []
    for (name, labelled), cells in groups.items():
        rows.append(
            [
                name,
                labelled,
                *(
                    _mean([one[key] for one in cells if one[key] is not None])
                    for key in ("coverage", "right", "said_probability", "head_same_rows",
                                "head_all")
                ),
                _mean([one["seconds"] for one in cells], "{:.1f}"),
            ]
        )  # fmt: skip
        dropped = Counter(program for one in cells for program in one["dropped"])
        told = ", ".join(f"{program} {count}" for program, count in sorted(dropped.items()))
        why.append([name, labelled, told])
    head = ["set", "labelled", "rows with an answer", "right", "their probability, as told",
            "linear head, same rows", "linear head, all rows", "seconds"]  # fmt: skip
    seeds = len(next(iter(groups.values())))
    sizes = ", ".join(f"{one['rows']} of {one['set']}" for one in
                      {one["set"]: one for one in figures["cells"]}.values())  # fmt: skip
    return [
        f"Test rows: {sizes}; mean ± standard deviation over {seeds} draws of the labelled items. "
        "The programs were written by hand, in place of a model that can write code. The linear "
        "head is over MiniLM's vectors and learnt from the same labelled items.",
        "",
        *table(head, rows),
        "",
        f"How often a program was dropped, of {seeds} draws; *vowels* guesses, *endless* never "
        "ends, *file* opens a file, *failing* raises on every text:",
        "",
        *table(["set", "labelled", "dropped"], why),
    ]


def _mean(values: list[float], form: str = "{:.3f}") -> str:
    if not values:
        return ""
    return f"{form.format(np.mean(values))} ± {form.format(np.std(values))}"
