"""The section of the results page on putting several people's answers together."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]

_SETS = ("crowd_snow_rte", "crowd_sp")


def aggregation(figures: Figures) -> list[str]:
    """How often the answer that is put together is gold's."""
    lines = [
        "Answers of real people, put together and compared with gold: the share of items that are "
        "right, how sure the answers are on average, and seconds, on a machine that was busy with "
        "other things. Three answers of an item are drawn at random (mean over the draws; the slow "
        "models once).",
    ]
    for name in _SETS:
        one = figures[name]
        lines += [
            "",
            f"**{name}**, {one['items']:,} items, {one['answers']:,} answers of {one['workers']} "
            f"people, Krippendorff's alpha {one['alpha']:.2f}",
            "",
            *table(
                ["answers an item", "aggregation", "draws", "right", "mean confidence", "seconds"],
                (
                    [
                        str(cell["answers"]),
                        cell["method"],
                        str(cell["draws"]),
                        f"{cell['accuracy']:.3f}",
                        f"{cell['confidence']:.3f}",
                        f"{cell['seconds']:.1f}",
                    ]
                    for cell in one["cells"]
                ),
            ),
        ]
    lines += ["", *_reading(figures)]
    return lines


def _reading(figures: Figures) -> list[str]:
    """What the tables say."""
    gains = []
    for name in _SETS:
        cells = {
            (str(cell["answers"]), cell["method"]): cell["accuracy"]
            for cell in figures[name]["cells"]
        }
        by_count = (
            f"{100 * (cells[count, 'dawid_skene'] - cells[count, 'majority']):+.1f} points with "
            f"{'three answers' if count == '3' else 'all answers'}"
            for count in ("3", "all")
        )
        gains.append(f"{name}: {' and '.join(by_count)}")
    return [
        f"Dawid-Skene over the majority: {'; '.join(gains)}. The models of crowd-kit are surer of "
        "their answers than they are right."
    ]
