"""The section of the results page on machines in the place of people."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]


def guarantee_trial(figures: Figures) -> list[str]:
    """llmal's test beside the authors' code and figures, and what the advised sizes give."""
    rows = [row for row in figures["handed out"] if row["epsilon"] == 0.1]
    same = all(
        abs(row["authors"][0] - row["winning rate"]) < 1e-12
        and abs(row["authors"][1] - row["advantage"]) < 1e-12
        for row in [*figures["handed out"], *figures["authors' file"]]
        if "authors" in row
    )
    compared = len([row for row in figures["handed out"] if "authors" in row])
    power = {row["machine"]: row for row in figures["power"]}
    return [
        "May a language model stand in for a person? The alternative annotator test (Calderon, "
        f"Reichart and Dror 2025) on `llm_cebab`: {rows[0]['items']:,} items, {rows[0]['people']} "
        "people, crowd workers, so epsilon 0.1. *Authors* is the `alt_test` of their notebook, run "
        "on the same answers in the same process; *published* is what the notebook shows. "
        f"In all {compared} comparisons (each machine at epsilon .1, .15 and .2) and on the "
        f"authors' own file llmal's and the authors' figures are "
        f"{'the same to twelve digits' if same else 'NOT the same'}. *Items needed* is llmal's "
        "advice: items a person at which a machine like this should pass in 80 % of trials; "
        "*passed* is how many of 200 trials of that size did, with items drawn again from those "
        "that there are.",
        "",
        *table(
            [
                "machine",
                "winning rate",
                "authors",
                "published",
                "advantage",
                "authors",
                "published",
                "passes",
                "items needed",
                "passed at half of them",
                "at as many",
                "at twice as many",
            ],
            (
                [
                    row["machine"],
                    f"{row['winning rate']:.2f}",
                    f"{row['authors'][0]:.2f}" if "authors" in row else "",
                    f"{figures['published'][row['machine']][0]:.2f}",
                    f"{row['advantage']:.3f}",
                    f"{row['authors'][1]:.3f}" if "authors" in row else "",
                    f"{figures['published'][row['machine']][1]:.2f}",
                    "yes" if row["passed"] else "no",
                    "none would do" if row["items needed"] is None else row["items needed"],
                    *(
                        f"{power[row['machine']][key]:.2f}" if key in power[row["machine"]] else ""
                        for key in (
                            "passed at 0.5 times as many",
                            "passed at 1 times as many",
                            "passed at 2 times as many",
                        )
                    ),
                ]
                for row in rows
            ),
        ),
        "",
        "How to read it. The advice errs on the safe side here: of ten people five have to be won, "
        "and the sixth and seventh often are too, so more trials pass than the 80 % asked for.",
    ]
