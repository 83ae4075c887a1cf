"""The section of the results page on synthetic items in a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]


def generators_in_a_run(figures: Figures) -> list[str]:
    """When texts were written, what was withdrawn, and what the learner was worth in the end."""
    rows = figures["rows"]
    runs = [one for one in rows if not one["arm"].endswith("killed")]
    killed = [one for one in rows if one["arm"].endswith("killed")]
    arms = list(dict.fromkeys(one["arm"] for one in runs))
    lines = [
        f"{figures['set']}, {figures['pool']} texts, {figures['rounds']} rounds of "
        f"{figures['batch']} labels by people (the gold column) after a start of as many, "
        f"{figures['model']} writes {figures['per_label']} texts of each label at a time with one "
        "shot, a linear head on all-MiniLM-L6-v2 learns; filters of format and copies alone, so "
        "that what is bad gets through. Test accuracy is looked at for this table and decides "
        f"nothing. Mean and standard deviation over {len(figures['seeds'])} seeds. *mislabelled* "
        "texts are those of the next label; *none withdrawn* also takes the weight 1 in place of "
        f"one by people's labels. The budget of the generator is {figures['tokens']:,} tokens.",
        "",
        *table(
            ["", "written in rounds", "texts", "tokens", "batches withdrawn", "test accuracy"],
            (
                [
                    arm,
                    "; ".join(
                        ", ".join(map(str, one["written in rounds"])) or "–" for one in of_arm
                    ),
                    _mean([one["written"] for one in of_arm]),
                    _mean([one["tokens"] for one in of_arm]),
                    "; ".join(str(len(one["withdrawn"])) for one in of_arm),
                    _spread([one["test accuracy"][-1] for one in of_arm]),
                ]
                for arm in arms
                for of_arm in [[one for one in runs if one["arm"] == arm]]
            ),
        ),
        "",
    ]
    kills = sum(len(one["killed after seconds"]) for one in killed)
    parts = sorted({name for one in killed for name in one if name.startswith("same ")})
    differing = [one for one in killed if not all(one[name] for name in parts)]
    compared = ", ".join(name.removeprefix("same ") for name in parts)
    lines.append(
        f"Runs on a plateau, killed {kills} times in all and started again: compared with the "
        f"undisturbed run ({compared}), {len(killed) - len(differing)} of {len(killed)} are equal."
    )
    twice = [one for one in runs if one["distinct ids"] != one["written"]]
    lines.append(f"Runs in which a text was written down twice: {len(twice)}.")
    lines.append(
        "The budget and the kills were run after the rest, as a first budget had been too large to "
        "end, and first kills had mostly come too late. That a held-out accuracy is told too low, "
        "and on items that margin sampling picked as hard, is said in docs/synthetic_in_runs.md."
    )
    return lines


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):,.0f}"


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else "–"
