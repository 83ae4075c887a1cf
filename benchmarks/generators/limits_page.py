"""The section of the results page on the limits of filters of copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
_SHORT = "trec6"


def generators_planted_limits(figures: Figures) -> list[str]:
    """What leakage and minhash refuse of real texts and of near copies, limit by limit."""
    rows = figures["rows"]
    sets = list(dict.fromkeys(one["set"] for one in rows))
    seeds = len({one["seed"] for one in rows})
    chosen, defaults = figures["chosen"], figures["defaults"]
    lines = [
        "Share of 500 real held-out texts that a filter refuses / of 200 protected ones with three "
        f"words changed, at each limit ({seeds} seed(s), mean). *repeated*: held-out texts that "
        "do reach a Jaccard index of 0.7 with one of pool or test set; *patterned*: those that "
        "leakage refuses at its default and that do not. *others*: what format_length, "
        "boilerplate, repetition and language refuse of the held-out together.",
        "",
    ]
    keys = list(rows[0]["real"])
    lines += table(
        ["set", "median words", "repeated", "patterned", "others", *keys],
        (
            [
                name,
                f"{_mean(own, 'words'):.0f}",
                f"{_mean(own, 'repeated'):.3f}",
                f"{_mean(own, 'patterned'):.3f}",
                f"{_mean(own, 'others'):.3f}",
                *(
                    f"{_mean(own, 'real', key):.3f} / {_mean(own, 'changed', key):.3f}"
                    for key in keys
                ),
            ]
            for name in sets
            for own in [[one for one in rows if one["set"] == name]]
        ),
    )
    picked = {key: defaults[key] if chosen[key] is None else chosen[key] for key in defaults}
    lines += [
        "",
        f"Of the limits that refuse at most {figures['most']:g} of the held-out of "
        f"{', '.join(figures['chosen on'])} on average, the lowest are leakage "
        f"{picked['leakage']:g} and minhash {picked['minhash']:g}. All filters that "
        "need no model together, on held-out texts of the sets that nothing was chosen on:",
        "",
        *table(
            ["set", "llmal's defaults", "the chosen limits", "leakage's alone"],
            (
                [
                    name,
                    *(
                        f"{_mean(own, 'together', f'{leakage:g} {minhash:g}'):.3f}"
                        for leakage, minhash in (
                            (defaults["leakage"], defaults["minhash"]),
                            (picked["leakage"], picked["minhash"]),
                            (picked["leakage"], defaults["minhash"]),
                        )
                    ),
                ]
                for name in sets
                if name not in figures["chosen on"]
                for own in [[one for one in rows if one["set"] == name]]
            ),
        ),
    ]
    short = [one for one in rows if one["set"] == _SHORT]
    if short:
        before, after = (
            _mean(short, "changed", f"leakage {one['leakage']:g}") for one in (defaults, picked)
        )
        lines += [
            "",
            f"On {_SHORT}, two filters make up most of what is refused, about alike. What minhash "
            f"refuses there ({_mean(short, 'real', 'minhash 0.7'):.3f}) does repeat another "
            "question, as the sets are; what leakage refuses is for the most part of a pattern "
            f"with a protected one ({_mean(short, 'patterned'):.3f}): in a question of "
            f"{_mean(short, 'words'):.0f} words the words that are left do weigh half. Limits "
            "that hold elsewhere bring this down and not below 0.05, and find fewer near copies "
            f"({before:.3f} before, {after:.3f} after): so the defaults stay.",
        ]
    return lines


def _mean(rows: list[Figures], *path: str) -> float:
    values = []
    for row in rows:
        found: Any = row
        for key in path:
            found = found[key]
        values.append(found)
    return float(np.mean(values))
