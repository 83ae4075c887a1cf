"""How long a shortlist of labels must be where no labelled item tells: chosen on train rows alone.

    python benchmarks/shortlist_size.py [--shared ../shared] [--items 1500]

Ranks the labels of wide sets for train rows without any labelled item, and with ten, which are too
few to choose the length on (`llmal.prompting.shortlist`): trec6's fine labels under plain words and
under their codes, goemotions (rows of one emotion), dbpedia14 (below the width from which lists are
made, for comparison), and random parts of the labels of the first three, for other widths. For each
set and share of the labels, at least 20 of them, the recall: the share of rows whose label is on
the list.

The length is the least share, in steps of a tenth, at which every wide set under words reaches a
recall of 0.8. What the recall is taken to be is the lowest of any wide set at that length, under
codes too, rounded down to a step of .05: a caution, for where nothing is labelled nothing tells how
much the names of the labels say. (A mean over the sets was tried first and dropped: parts of a
label set are easier than the whole, and hide it.) Test rows are not read.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from results_file import write_results
from wide_labels import FINE

from llmal.core.records import Item
from llmal.embed import SentenceEmbedder
from llmal.prompting.shortlist import WIDE, Shortlister
from llmal.task import Label, Task

SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
TARGET = 0.8
FEW = 10
SETS: dict[str, tuple[str, str, bool]] = {
    "trec6, fine": ("trec6", "fine_label", True),
    "trec6, fine, codes": ("trec6", "fine_label", False),
    "goemotions": ("goemotions", "labels", False),
    "dbpedia14": ("dbpedia14", "label", False),
}
"""Folder, column, and whether labels go under plain words."""
WIDTHS = (25, 30, 40)
DRAWS = 10


def read(folder: Path, column: str, count: int) -> list[Item]:
    """Train rows of one label, drawn once."""
    with gzip.open(folder / "train.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    labels = [one if isinstance(one, list) else [one] for one in (row[column] for row in rows)]
    items = [
        Item(f"train-{n}", " ".join(row["text"].split()[:60]), gold=names[0])
        for n, (row, names) in enumerate(zip(rows, labels, strict=True))
        if len(names) == 1
    ]
    drawn = np.random.default_rng(0).permutation(len(items))[:count]
    return [items[i] for i in drawn]


def recalls(
    labels: Sequence[str],
    items: Sequence[Item],
    words: dict[str, str],
    labelled: Sequence[Item],
    embedder: SentenceEmbedder,
) -> dict[str, Any]:
    """Recall at each share of the labels, and how many labels it takes for a recall."""
    task = Task("t", [Label(one, words=(words[one],) if one in words else ()) for one in labels])
    asked = [one for one in items if one.gold in set(labels)]
    places = Shortlister(task, embedder, labelled, size=2).places(asked)
    own = places[np.arange(len(asked)), [task.index(one.gold or "") for one in asked]]
    return {
        "labels": len(labels),
        "items": len(asked),
        "recall": {
            str(share): float((own < length(share, len(labels))).mean()) for share in SHARES
        },
        "labels_for": {
            str(recall): int(np.sort(own)[math.ceil(len(own) * recall) - 1]) + 1
            for recall in (0.8, 0.9, 0.95)
        },
    }


def length(share: float, labels: int) -> int:
    """Labels on a list: a share of them; of a wide set at least as many as make a set wide."""
    least = WIDE if labels > WIDE else 2
    return min(max(least, math.ceil(round(share * labels, 6))), labels)


def mean_over_draws(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "labels": found[0]["labels"],
        "draws": len(found),
        "recall": {
            str(share): float(np.mean([one["recall"][str(share)] for one in found]))
            for share in SHARES
        },
    }


def choose(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The rule at the head of this file."""
    wide = {
        name: one["recall"]
        for name, one in rows.items()
        if one["labels"] > WIDE and "labelled" not in name
    }
    worded = [recall for name, recall in wide.items() if "codes" not in name]
    reached = [share for share in SHARES if min(one[str(share)] for one in worded) >= TARGET]
    share = reached[0]
    lowest = min(wide, key=lambda name: wide[name][str(share)])
    recall = wide[lowest][str(share)]
    return {
        "share": share,
        "recall_under_words": min(one[str(share)] for one in worded),
        "recall_taken": math.floor(round(recall * 20, 6)) / 20,
        "lowest": [lowest, recall],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--items", type=int, default=1500)
    given = parser.parse_args()
    torch.set_num_threads(1)
    embedder = SentenceEmbedder()
    rows: dict[str, dict[str, Any]] = {}
    for name, (folder, column, plain) in SETS.items():
        drawn = read(given.shared / "data" / folder, column, given.items + FEW)
        few, items = drawn[:FEW], drawn[FEW:]
        labels = sorted({str(one.gold) for one in items})
        words = FINE if plain else {}
        rows[name] = recalls(labels, items, words, [], embedder)
        rows[f"{name}, {FEW} labelled"] = recalls(labels, items, words, few, embedder)
        rng = np.random.default_rng(1)
        for width in WIDTHS if len(labels) > WIDE else ():
            if width >= len(labels):
                continue
            parts = [sorted(rng.choice(labels, width, replace=False)) for _ in range(DRAWS)]
            rows[f"{name}, {width} of its labels"] = mean_over_draws(
                [recalls(part, items, words, [], embedder) for part in parts]
            )
        for row, one in rows.items():
            if row.startswith(name):
                print(row, json.dumps(one), flush=True)
    chosen = choose(rows)
    print(json.dumps(chosen))
    write_results("shortlist_size", {"rows": given.items, "sets": rows, "chosen": chosen})


if __name__ == "__main__":
    main()
