"""GoEmotions for the benchmarks of several labels an item: 28 emotions, 1.18 of them an item."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from llmal.core.records import Item
from llmal.task import Task

GUIDELINES = "Which emotions does the writer of the comment express?"


@dataclass(frozen=True)
class Part:
    """Rows of one part of the data.

    Attributes:
        task: The task, whose labels are the columns of `y`.
        items: With gold labels.
    """

    task: Task
    items: list[Item]

    @cached_property
    def texts(self) -> list[str]:
        return [one.text for one in self.items]

    @cached_property
    def y(self) -> np.ndarray:
        """Shape (n, C), 1 where a label holds."""
        return self.task.space.targets([one.gold for one in self.items if one.gold is not None])

    def drawn(self, count: int, seed: int = 0) -> Part:
        """So many rows at random, in random order."""
        rows = np.random.default_rng(seed).permutation(len(self.items))[:count]
        return Part(self.task, [self.items[row] for row in rows])


def read_parts(shared: Path) -> tuple[Part, Part]:
    """Train and test."""
    rows = {}
    for part in ("train", "test"):
        path = shared / "data" / "goemotions" / f"{part}.jsonl.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows[part] = [json.loads(line) for line in file]
    names = sorted({label for row in rows["train"] for label in row["labels"]})
    task = Task("goemotions", names, guidelines=GUIDELINES, kind="multi")
    train, test = (
        Part(
            task,
            [
                Item(f"{part}-{n}", row["text"], gold=tuple(sorted(row["labels"])))
                for n, row in enumerate(rows[part])
            ],
        )
        for part in ("train", "test")
    )
    return train, test
