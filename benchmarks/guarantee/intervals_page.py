"""The section of the results page on intervals for accuracy and class shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]
NAIVE = "naive: audit ± standard error"
MACHINE = "naive: machine ± standard error"


def guarantee_intervals(figures: Figures) -> list[str]:
    """Coverage of what llmal reports beside each method by itself and what is naive."""
    methods = ["llmal reports", "hypergeometric", "PPI++", "Rogan-Gladen", NAIVE, MACHINE]
    classes = figures["classes"]
    accuracy = figures["accuracy"]
    peer = figures["ppi-python"]
    least, level = _least(classes + accuracy), figures["level"]
    lines = [
        f"Intervals of {figures['level']:.0%} from a uniform audit of a pool of "
        f"{figures['items']:,} items, {figures['draws']} audits a setting (a standard error is "
        "about 0.01). A setting of a class is its share (1, 2, 5, 10, 20, 50 %) and a machine "
        + ", ".join(
            f"({name}: finds {one[0]:.0%} of the class, leaves out {one[1]:.0%} of the rest)"
            for name, one in figures["machines"].items()
        )
        + ". Each cell: the least coverage over the settings, the mean one, and the mean width.",
        "",
        "**The share of a class in the pool**",
        "",
        *table(
            ["audited", "classes of", *methods],
            (
                [
                    size,
                    "1 to 5 %" if rare else "10 to 50 %",
                    *(_cell(_some(classes, size, rare), method) for method in methods),
                ]
                for size in sorted({row["audited"] for row in classes})
                for rare in (True, False)
            ),
        ),
        "",
        "**The machine's accuracy** (it errs on 1, 5, 20 or 40 %)",
        "",
        *table(
            ["audited", "llmal reports", NAIVE],
            (
                [
                    size,
                    *(
                        _cell([row for row in accuracy if row["audited"] == size], method)
                        for method in ("llmal reports", NAIVE)
                    ),
                ]
                for size in sorted({row["audited"] for row in accuracy})
            ),
        ),
        "",
        "How to read it. llmal reports PPI++ where the audit has 50 items, ten of the class, "
        "ten of the others and ten mistakes about it, and the exact interval everywhere else. "
        "By itself PPI++ fails on small audits and rare classes: an audit without a mistake "
        "in it leaves no error to see. Rogan and Gladen's holds nearly everywhere and is far "
        "wider, as it asks how well the machine sees the class and the audit holds few of it; "
        "it is missing where the class was not met. Taking the machine's labels for true "
        f"nearly never holds the truth. What llmal reports covers {least:.3f} at least; where it "
        f"lies below {level:.2f} by more than chance it is PPI++ near its limits (100 to 300 "
        "audited, a poor machine): report the exact interval, `others` has it, where that matters.",
    ]
    if peer is not None:
        lines.append(
            f"llmal's PPI++ of an endless pool and ppi-python {peer['version']}, run on the same "
            f"audits, differ by {peer['furthest']:.0e} at most in coverage and mean width. For a "
            "pool llmal counts that the audit is a part of it, which makes the interval narrower."
        )
    return lines


def _some(rows: list[Figures], size: int, rare: bool) -> list[Figures]:
    return [row for row in rows if row["audited"] == size and (row["share"] <= 0.05) == rare]


def _cell(rows: list[Figures], method: str) -> str:
    found = [row[method] for row in rows if method in row]
    if not found:
        return ""
    covered = [one[0] for one in found]
    return f"{min(covered):.2f}, {np.mean(covered):.2f} ({np.mean([one[1] for one in found]):.3f})"


def _least(rows: list[Figures]) -> float:
    return min(row["llmal reports"][0] for row in rows)
