"""The section of the results page on PromptAL's query step over a million items."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]
Row = dict[str, Any]


def learners_promptal_million(figures: Figures) -> list[str]:
    """Seconds and memory beside the authors' way, the agreement, and what the learner takes."""
    rows = figures["rows"]
    sides = {(row["items"], row["width"], row["labelled"], row["side"]): row for row in rows}
    body = []
    for items, width, labelled in dict.fromkeys(key[:3] for key in sides):
        ours = sides[items, width, labelled, "llmal"]
        theirs = sides.get((items, width, labelled, "authors"))
        parts = sides.get((items, width, labelled, "llmal's parts"))
        body.append(
            [
                f"{items:,}",
                width,
                f"{labelled:,}",
                _seconds(ours),
                _parts(parts),
                _memory(ours),
                "not tried" if theirs is None else _seconds(theirs),
                "" if theirs is None else _memory(theirs),
                _ratio(ours, theirs),
            ]
        )
    same = ", ".join(
        f"{one['same']} of {one['picks']} ({one['width']} wide, {one['labelled']:,} labelled)"
        for one in figures["agreement"]
    )
    learner = figures["learner"]
    hours = {
        name: 1e6 / learner[f"{name}_items_s"] / 3600 for name in ("probabilities", "features")
    }
    head = ["items", "width", "labelled", "llmal, seconds", "calibration, clusters, distances",
            "llmal, MB", "authors, seconds", "authors, MB", "authors / llmal"]  # fmt: skip
    return [
        f"One query of {figures['picks']} items on made-up features and probabilities of "
        f"{figures['labels']} labels, memory-mapped; seconds of the processor, one thread, and by "
        "how much the process's private memory grew. *Authors* is scikit-learn's k-means++ over "
        "all features and its KDTree, as in their code; after "
        f"{figures['limit_s']:g} seconds of the processor it was stopped, and not tried with more. "
        "llmal's centres come from 256 items a cluster, so its clusters are not "
        "those of a k-means over all.",
        "",
        *table(head, body),
        "",
        f"Picks as the authors' scores have them in float64, from the same clusters: {same}.",
        "",
        f"What comes before is dearer than the query: probabilities of {learner['texts']} "
        f"questions by a soft prompt over {learner['model']} took a second for "
        f"{learner['probabilities_items_s']:.0f} of them on one core, features for "
        f"{learner['features_items_s']:.0f}. For a million such texts that would be "
        f"{hours['probabilities']:.1f} and {hours['features']:.1f} hours; they were not run.",
    ]


def _seconds(row: Row) -> str:
    if "stopped_s" in row:
        return "stopped"
    return f"{row['cpu_s']:.1f}"


def _memory(row: Row) -> str:
    return "" if "stopped_s" in row else f"{row['extra_mb']:.0f}"


def _parts(row: Row | None) -> str:
    if row is None or "stopped_s" in row:
        return ""
    return ", ".join(f"{row[name]:.1f}" for name in ("calibration", "clusters", "distances"))


def _ratio(ours: Row, theirs: Row | None) -> str:
    if theirs is None or "stopped_s" in ours:
        return ""
    if "stopped_s" in theirs:
        return f"above {theirs['stopped_s'] / ours['cpu_s']:.0f}"
    return f"{theirs['cpu_s'] / ours['cpu_s']:.1f}"
