"""The section of the results page on wide label sets."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]


def wide_labels(figures: Figures) -> list[str]:
    """What all labels, shortlists and codes cost, and how good the labels are."""
    lines = [
        f"{figures['model']}, {figures['items']} test items of each set, zero-shot, the "
        "completion prompt. *Requests* and *tokens* are for an item: on a server, which is asked "
        "once for each inner node of the labels' trie, and in process. Seconds are of the "
        "processor, one thread, in process, embedding included. *Recall* is the share of the items "
        "whose label was on the list, beside what the list itself said of it. Accuracy with scores "
        "calibrated on inputs without content, in brackets as they are.",
    ]
    for name, ways in figures["sets"].items():
        lines += ["", f"**{name}**, {next(iter(ways.values()))['labels']} labels", ""]
        lines += table(
            [
                "way",
                "labels scored",
                "recall (told)",
                "requests, server",
                "in process",
                "tokens, server",
                "in process",
                "seconds",
                "accuracy (as they are)",
                "ECE",
            ],
            (
                [
                    way,
                    str(one.get("shortlisted", one["labels"])),
                    f"{one['recall']:.2f} ({one['recall_told']:.2f})" if "recall" in one else "",
                    f"{one['requests']['server']:.1f}",
                    f"{one['requests']['in process']:.1f}",
                    f"{one['tokens']['server']:,.0f}",
                    f"{one['tokens']['in process']:,.0f}",
                    f"{one['seconds']:.2f}",
                    f"{one['accuracy']['calibrated']:.3f} ({one['accuracy']['uncalibrated']:.3f})",
                    f"{one['ece']['calibrated']:.2f}",
                ]
                for way, one in ways.items()
            ),
        )
    lines += [
        "",
        "How to read it. A list measured on labelled items keeps its recall and asks a server for "
        "a third or so of the requests; that it can be righter than all labels is the embedder's "
        "help. Without labelled items the list of fine question types, which no description "
        "tells apart, misses more than it is taken to: label some, or score all. Codes cost least "
        "and are beyond these small models, which must read the list to know what a letter means.",
    ]
    return lines
