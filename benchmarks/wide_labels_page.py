"""The section of the results page on wide label sets."""

from __future__ import annotations

from typing import Any

from page_tables import table

Figures = dict[str, Any]


def wide_labels(figures: Figures) -> list[str]:
    """What all labels, shortlists and codes cost, and how good the labels are."""
    lines = [
        f"{figures['model']} (dtype {figures['dtype']}), {figures['items']} test items of each "
        "set, zero-shot, the completion prompt. *Requests* and *tokens* are for an item: on a "
        "server, which is asked once for each inner node of the labels' trie, and in process. "
        "Seconds are of the processor, one thread, in process, embedding included. *Recall* is "
        "the share of the items whose label was on the list, beside what the list itself said "
        "of it. Accuracy with scores calibrated on inputs without content, in brackets as they "
        "are.",
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
    lines += ["", _at_a_server(figures), *_reading(figures)]
    return lines


def _at_a_server(figures: Figures) -> str:
    """Requests that a real server counted, where one was asked."""
    counted = [
        (name, way, one["counted"])
        for name, ways in figures["sets"].items()
        for way, one in ways.items()
        if "counted" in one
    ]
    if not counted:
        return "Requests at a server are computed from the trie; no server was asked."
    same = sum(one["server"] == one["client"] == one["computed"] for _, _, one in counted)
    rates = "; ".join(
        f"{name}, {way}: {one['server'] / one['items']:.1f} ({one['seconds']:.2f} s)"
        for name, way, one in counted
    )
    return (
        f"At a real vLLM server, {counted[0][2]['items']} of these items, requests an item by the "
        f"server's own counter of finished requests (and seconds an item of the clock): {rates}. "
        f"In {same} of {len(counted)} cases it is the number that the client counted and the "
        "number computed from the trie for these items."
    )


def _reading(figures: Figures) -> list[str]:
    told = []
    for name, ways in figures["sets"].items():
        whole = ways["all labels"]
        for way, one in ways.items():
            if "recall" in one:
                told.append(
                    f"{name}, {way}: {one['requests']['server'] / whole['requests']['server']:.0%} "
                    f"of the requests, accuracy "
                    f"{one['accuracy']['calibrated'] - whole['accuracy']['calibrated']:+.3f}"
                )
    error = 0.5 / figures["items"] ** 0.5
    return [
        "",
        f"How to read it. Against all labels: {'; '.join(told)} (a standard error of an accuracy "
        f"is at most {error:.3f}). A list measured on labelled items keeps the recall that it "
        "states. Where nothing is labelled the recall is not known, and the list says the lowest "
        "that was seen on train rows of any wide set (below); on labels that say what they mean "
        "it is better than that. Codes cost least and are beyond these small models, which must "
        "read the list to know what a letter means.",
    ]


def shortlist_size(figures: Figures) -> list[str]:
    """How long a list must be where nothing is labelled, on train rows."""
    chosen = figures["chosen"]
    sets = figures["sets"]
    shares = list(next(iter(sets.values()))["recall"])
    return [
        f"Recall of a shortlist on {figures['rows']:,} train rows of each set, for lists of a "
        "share of the labels (at least 20 of a wide set), ranked without labelled items where the "
        "name of the row does not say otherwise. *Of its labels*: random parts of the labels, mean "
        "of ten draws. dbpedia14 is no wide set and is there for comparison.",
        "",
        *table(
            ["set", "labels", *(f"{float(share):.0%}" for share in shares)],
            (
                [name, one["labels"], *(f"{one['recall'][share]:.3f}" for share in shares)]
                for name, one in sets.items()
            ),
        ),
        "",
        f"The default from it: {chosen['share']:.0%} of the labels is the least share at which "
        f"every wide set under words reaches 0.8 ({chosen['recall_under_words']:.3f} at worst), "
        f"and the recall is taken to be {chosen['recall_taken']}: the lowest of all wide sets at "
        f"that length is {chosen['lowest'][1]:.3f} ({chosen['lowest'][0]}), where names say "
        "little. A first rule, the mean over the sets, was dropped on these same rows: it took the "
        "shortest list and told 0.85, which the 50 question types do not reach. Ten labelled items "
        "are worth as much as a list longer by a fifth, or more.",
    ]
