"""The section of the results page on forecasts of people's labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
MOMENTS = ("after the seed", "as the audit begins")


def guarantee_forecast(figures: Figures) -> list[str]:
    """How often intervals held, how wide they were, and how far their middle was off."""
    runs = figures["runs"]
    names = list(dict.fromkeys(run["set"] for run in runs))
    held = {moment: [_held(run, moment) for run in runs] for moment in MOMENTS}
    return [
        f"{len(runs)} whole runs of the procedure on recorded answers, each with its own seed; at "
        "most 5 % wrong with 95 % confidence, people are gold. The forecast is made when the seed "
        "is "
        "labelled, and again when labels and order are frozen; it is held against the labels that "
        f"people had given in the end. Its interval should hold {figures['level']:.0%}. *Off*: "
        "what was needed less the middle of the forecast, in % of the pool, mean and root of the "
        "mean square; *wide*: the mean width of the interval in % of the pool.",
        "",
        *table(
            [
                "set",
                "runs",
                "labels needed, %",
                *(f"{moment}: {one}" for moment in MOMENTS for one in ("held", "off", "wide")),
            ],
            [
                *(_row(name, [run for run in runs if run["set"] == name]) for name in names),
                _row("all", runs),
            ],
        ),
        "",
        f"How to read it. After the seed {np.mean(held[MOMENTS[0]]):.0%} of the intervals held, "
        f"as the audit began {np.mean(held[MOMENTS[1]]):.0%}. The interval after the seed is wide: "
        "fifty to two hundred labels say little of how well mistakes can be told from the rest, "
        "and what the doubtful items will teach is not known yet. What forecasts take as known "
        "beforehand was set on other sets, where 19 of 19 intervals held. " + _misses(runs),
    ]


def _held(run: Figures, moment: str) -> bool:
    _, low, high = run[moment]
    return low <= run["needed"] <= high


def _misses(runs: Sequence[Figures]) -> str:
    """On which sets, and to which side, intervals after the seed missed."""
    first = MOMENTS[0]
    parts = []
    for name in dict.fromkeys(run["set"] for run in runs):
        mine = [run for run in runs if run["set"] == name]
        fewer = sum(run["needed"] < run[first][1] for run in mine)
        more = sum(run["needed"] > run[first][2] for run in mine)
        said = [
            f"{count} of {len(mine)} took {word} labels than the interval after the seed had"
            for count, word in ((fewer, "fewer"), (more, "more"))
            if count
        ]
        if said:
            parts.append(f"{name}: {', '.join(said)}")
    return f"Where they missed: {'; '.join(parts)}." if parts else "None missed."


def _row(name: str, runs: Sequence[Figures]) -> list[object]:
    cells: list[object] = [
        name,
        len(runs),
        f"{100 * np.mean([run['needed'] / run['items'] for run in runs]):.0f}",
    ]
    for moment in MOMENTS:
        off = [100 * (run["needed"] - run[moment][0]) / run["items"] for run in runs]
        wide = [100 * (run[moment][2] - run[moment][1]) / run["items"] for run in runs]
        cells += [
            f"{sum(_held(run, moment) for run in runs)} of {len(runs)}",
            f"{np.mean(off):+.1f}, {np.sqrt(np.mean(np.square(off))):.1f}",
            f"{np.mean(wide):.0f}",
        ]
    return cells
