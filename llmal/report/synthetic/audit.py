"""How right the labels of synthetic items are, by what a person says of a sample of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from llmal.core.records import SyntheticItem
from llmal.guarantee.intervals import clopper_pearson

SAMPLE = 100
"""Items of a sample, where so many are accepted."""

LEVEL = 0.95


def drawn_sample(accepted: Sequence[SyntheticItem], seed: int) -> list[SyntheticItem]:
    """At most 100 items, each as likely as any other, in order of draw."""
    rows = np.random.default_rng([seed, SAMPLE]).permutation(len(accepted))[:SAMPLE]
    return [accepted[row] for row in rows.tolist()]


@dataclass(frozen=True)
class JudgedSample:
    """What a person said of a sample.

    Attributes:
        drawn: The sample in order of draw.
        right: By id whether the label is right, of the items that were judged.
        file: The name of the file.
    """

    drawn: Sequence[SyntheticItem]
    right: Mapping[str, bool]
    file: str


def audit_figures(sample: JudgedSample) -> dict[str, Any]:
    """Shares of right labels with exact intervals (Clopper and Pearson, 1934).

    What comes after the last item that was judged, in order of draw, was just not reached; what was
    left out before it may have been left out because it is hard, and is also counted as wrong.
    """
    ids = [item.id for item in sample.drawn]
    judged = [place for place, id in enumerate(ids) if id in sample.right]
    reached = judged[-1] + 1 if judged else 0
    skipped = reached - len(judged)
    right = sum(sample.right.values())
    names = list(dict.fromkeys(item.label for item in sample.drawn))
    of_label = {
        name: [
            sample.right[item.id]
            for item in sample.drawn
            if item.label == name and item.id in sample.right
        ]
        for name in sorted(names)
    }
    return {
        "file": sample.file,
        "drawn": len(ids),
        "judged": len(judged),
        "skipped": skipped,
        "not_reached": len(ids) - reached,
        "right": _share(right, len(judged)),
        "right_if_skipped_are_wrong": _share(right, reached) if skipped else None,
        "by_label": [
            {"label": name, "right": _share(sum(said), len(said))}
            for name, said in of_label.items()
        ],
        "wrong": [
            {"text": item.text, "label": item.label}
            for item in sample.drawn
            if sample.right.get(item.id) is False
        ],
    }


def _share(hits: int, n: int) -> dict[str, Any] | None:
    if not n:
        return None
    found = clopper_pearson(hits, n, LEVEL)
    return {"value": hits / n, "low": found.low, "high": found.high, "hits": hits, "n": n}
