"""The sections of the results page on calls of `llmal.generate`, and on their throughput."""

from __future__ import annotations

from typing import Any

import numpy as np
from page_tables import table

Figures = dict[str, Any]


_PARTS = {
    "whole": "five hundred items in one call (how many, refusals by filter, items a second)",
    "same": "the same call twice",
    "killed": "a call that is killed",
}


def generators_five_hundred(figures: Figures) -> list[str]:
    """How many items came of a call, how fast, the same again, and after a kill."""
    rows = figures["rows"]
    parts = {
        part: [one for one in rows if one["part"] == part] for part in ("whole", "same", "killed")
    }
    lines = [
        f"`llmal.generate` with class_conditional over {figures['backend']}, the default filters, "
        f"{figures['demonstrations a label']} labelled items of each label as demonstrations. "
        "Seconds are without start and loading."
    ]
    if parts["whole"]:
        lines += ["", *_whole(parts["whole"])]
    for one in parts["same"]:
        lines += [
            "",
            f"{one['set']}, {one['asked']} items asked for, twice without a cache: "
            f"{one['equal']} of {one['written']} texts equal in text, label and verdict, in their "
            "order.",
        ]
    for one in parts["killed"]:
        lines += [
            "",
            f"{one['set']}, {one['asked']} items, killed with {one['kept at the kill']} of "
            f"{one['answers']} answers kept, and run again: rows "
            f"{_equal(one['equal rows'])} to those of a run left alone, "
            f"{one['repeated texts']} texts twice, cost {_equal(one['equal cost'])} "
            f"({one['cost']['requests']:,} requests, {one['cost']['completion_tokens']:,} tokens "
            f"written), {one['answers in the end']} answers kept in the end.",
        ]
    sets = {one["set"] for one in rows}
    unmeasured = [_PARTS[part] for part, found in parts.items() if not found]
    unmeasured += sorted({"trec6", "ag_news"} - sets)
    if unmeasured:
        lines += ["", f"Not measured with this model: {'; '.join(unmeasured)}."]
    return lines


def _equal(is_so: bool) -> str:
    return "equal" if is_so else "NOT equal"


def _whole(rows: list[Figures]) -> list[str]:
    lines = table(
        [
            "set",
            "asked",
            "accepted",
            "written",
            "refused by",
            "not well-formed",
            "texts/s",
            "accepted/s",
            "texts per processor second",
        ],
        (
            [
                one["set"],
                one["asked"],
                one["accepted"],
                one["written"],
                ", ".join(f"{name} {count}" for name, count in one["refused"].items()),
                ", ".join(one["faults"]) or "none",
                f"{one['written'] / one['seconds']:.1f}",
                f"{one['accepted'] / one['seconds']:.2f}",
                f"{one['written'] / one['processor seconds']:.1f}",
            ]
            for one in rows
        ),
    )
    for one in rows:
        if one["missing"]:
            lines += [
                "",
                f"{one['set']}: {sum(one['missing'].values())} are missing, and for each label "
                f"that lacks some a sentence says so, such as: “{one['sentences'][0].strip()}”"
                if one["sentences"]
                else f"{one['set']}: {sum(one['missing'].values())} are missing, without a word.",
            ]
    return lines


def generators_throughput(figures: Figures) -> list[str]:
    """Items a second through the server, beside bare vLLM."""
    rows = figures["rows"]
    sides = list(dict.fromkeys(one["side"] for one in rows))
    by = {(one["repeat"], one["side"]): one for one in rows}
    repeats = sorted({one["repeat"] for one in rows})

    def rate(one: Figures, key: str) -> float:
        return float(one["items"] / one[key])

    body = []
    for side in sides:
        own = [by[repeat, side] for repeat in repeats if (repeat, side) in by]
        cells: list[Any] = [side]
        for key in ("seconds", "processor seconds"):
            ratios = [
                rate(one, key) / rate(by[one["repeat"], "engine"], key)
                for one in own
                if (one["repeat"], "engine") in by
            ]
            cells += [
                f"{np.mean([rate(one, key) for one in own]):.2f}",
                f"{np.mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            ]
        cells.append(f"{np.mean([one['tokens'] for one in own]):,.0f}")
        body.append(cells)
    return [
        f"{rows[0]['items']} texts of {figures['data']} from {figures['prompts']} prompts of "
        f"{figures['prompt tokens']:.0f} tokens, {len(repeats)} repeats in turn, prefix caches "
        "emptied. *engine*: vLLM's own `LLM.generate`, all prompts in one call. Ratios are to it, "
        f"within a repeat, and their range. Other work ran on the machine (load "
        f"{figures['load']:.0f} on two cores), which moves rates by the clock and not those by "
        "processor seconds.",
        "",
        *table(
            [
                "",
                "items/s",
                "ratio",
                "items per processor second",
                "ratio",
                "tokens written",
            ],
            body,
        ),
    ]
