"""The figures about synthetic items as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmal.report import charts
from llmal.report.html import environment
from llmal.report.synthetic.map import synthetic_map_chart


def render_synthetic(figures: Mapping[str, Any]) -> str:
    """One self-contained page: inline style and drawings, no script, nothing fetched.

    All that comes from data (texts, labels, names) is escaped; besides, the page forbids scripts
    and every request to its browser.

    Args:
        figures: What `collect_synthetic` made, or the same read back from JSON.
    """
    counts, origin = figures["counts"], figures["origin"]
    wanted = {} if origin is None else origin["wanted"]
    accepted: dict[str, int] = {}
    for one in counts["rows"]:
        accepted[one["label"]] = accepted.get(one["label"], 0) + one["accepted"]
    return (
        environment()
        .get_template("synthetic.html.j2")
        .render(
            f=figures,
            counts=counts,
            origin=origin,
            quality=figures["quality"],
            audit=figures["audit"],
            examples=figures["examples"],
            filters=[one["filter"] for one in counts["by_filter"]],
            missing={
                label: count - accepted.get(label, 0)
                for label, count in wanted.items()
                if count > accepted.get(label, 0)
            },
            distances_chart=None
            if figures["distances"] is None
            else charts.neighbour_distances(figures["distances"]),
            map_chart=None if figures["map"] is None else synthetic_map_chart(figures["map"]),
        )
    )
