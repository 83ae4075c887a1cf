"""What benchmarks/generators/helps.py draws, adds, weighs and measures."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from learners.few_shot import GUIDELINES, read_rows

from llmal.core.records import Item
from llmal.generators import LearnerAnswers
from llmal.learners import LinearHead
from llmal.task import Task

SETS = ("trec6", "ag_news", "emotion")
SETTINGS = ("10", "10:1", "5", "20")
"""Labels a class; "10:1" has 20 of half of the classes and 2 of the others."""

MANY, FEW = 20, 2
PER_CLASS, PER_RARE = 5, 10
"""Accepted texts of each class; where classes are uneven, of each rare one."""

POOL_TEXTS, TEST_ROWS, FOLDS = 1_000, 1_000, 5
WEIGHTS = (0.0, 0.1, 0.3, 1.0)
HEAD_C = 30.0
"""LinearHead's own penalty where it has few items; here in all folds that choose a weight."""


@dataclass(frozen=True)
class Draw:
    """Labelled items of a set, setting and seed.

    Attributes:
        task: The task.
        items: The labelled items, class by class.
        rare: Half of the classes, drawn by the seed: those of few labels where classes are uneven.
        wanted: Texts of each class to be written.
        pool: Texts of the pool, without labels.
        real: Further labelled items, as many of each class as texts are wanted.
        max_words: The longest text asked for, by the texts of the pool.
    """

    task: Task
    items: list[Item]
    rare: tuple[str, ...]
    wanted: dict[str, int]
    pool: list[Item]
    real: list[Item]
    max_words: int


@functools.cache
def rows_of(shared: Path, name: str, part: str) -> list[dict[str, Any]]:
    return read_rows(shared, name, part)


def draw(shared: Path, name: str, setting: str, seed: int) -> Draw:
    rows = rows_of(shared, name, "train")
    labels = sorted({row["label"] for row in rows})
    task = Task(name, labels, guidelines=GUIDELINES[name])
    rng = np.random.default_rng([seed, 12])
    rare = tuple(sorted(rng.permutation(labels)[: len(labels) // 2].tolist()))
    uneven = setting == "10:1"
    counts = {
        label: (FEW if label in rare else MANY) if uneven else int(setting) for label in labels
    }
    wanted = {
        label: PER_RARE if uneven else PER_CLASS for label in labels if not uneven or label in rare
    }
    items: list[Item] = []
    real: list[Item] = []
    # The same order in all settings: fewer labels are some of those of more.
    order = rng.permutation(len(rows))
    rest = {row["id"] for row in rows}
    for label in labels:
        own = [rows[place] for place in order if rows[place]["label"] == label]
        own = [Item(str(row["id"]), row["text"], gold=label) for row in own]
        items += own[: counts[label]]
        real += own[MANY : MANY + wanted.get(label, 0)]
        rest -= {one.id for one in own[: 2 * MANY]}
    # The same pool for all seeds that can have it, as answers about its texts are kept.
    pool = [Item(str(row["id"]), row["text"]) for row in rows if row["id"] in rest][:POOL_TEXTS]
    words = [len(one.text.split()) for one in pool]
    return Draw(task, items, rare, wanted, pool, real, int(np.quantile(words, 0.95)))


def out_of_fold(drawn: Draw, embedder: Any, seed: int) -> LearnerAnswers:
    """What heads that were not shown an item make of it."""
    X = embedder.embed([one.text for one in drawn.items])
    y = np.array([one.gold for one in drawn.items])
    probabilities = np.zeros((len(y), len(drawn.task.names)))
    for held in folds(y, seed):
        head = LinearHead(C=HEAD_C).fit(X[~held], y[~held])
        columns = [drawn.task.index(str(name)) for name in head.classes_]
        probabilities[np.ix_(held, columns)] = head.predict_proba(X[held])
    return LearnerAnswers(drawn.items, probabilities)


def folds(y: np.ndarray, seed: int) -> list[np.ndarray]:
    """Which items are held out, fold by fold; every class is in the rest of each."""
    place = np.zeros(len(y), dtype=int)
    count = min(FOLDS, min(int((y == label).sum()) for label in set(y)))
    rng = np.random.default_rng([seed, FOLDS])
    for label in sorted(set(y)):
        rows = rng.permutation(np.flatnonzero(y == label))
        place[rows] = np.arange(len(rows)) % count
    return [place == one for one in range(count)]


@dataclass(frozen=True)
class Added:
    """What is added to the labelled items.

    Attributes:
        texts: The texts.
        labels: Their labels.
        made_from: Ids of the labelled items that each was made from or was shown with.
    """

    texts: list[str]
    labels: list[str]
    made_from: list[frozenset[str]]


def choose_weight(
    X: np.ndarray, y: np.ndarray, ids: Sequence[str], added: Added, Z: np.ndarray, seed: int
) -> float:
    """The weight of what is added by cross-validation on the labelled items alone.

    By the log-loss of held-out items, each class counted alike; on a tie the smaller. What was made
    from an item is left out where that item is held out.
    """
    z = np.array(added.labels)
    losses = np.zeros(len(WEIGHTS))
    for held in folds(y, seed):
        hidden = {one for one, out in zip(ids, held, strict=True) if out}
        kept = np.array([not (hidden & one) for one in added.made_from], dtype=bool)
        for number, weight in enumerate(WEIGHTS):
            head = LinearHead(C=HEAD_C).fit(
                np.concatenate([X[~held], Z[kept]]),
                np.concatenate([y[~held], z[kept]]),
                sample_weight=np.r_[np.ones((~held).sum()), np.full(kept.sum(), weight)],
            )
            columns = {str(name): column for column, name in enumerate(head.classes_)}
            own = head.predict_proba(X[held])[
                np.arange(held.sum()), [columns[label] for label in y[held]]
            ]
            shares = {label: (y[held] == label).sum() for label in set(y[held])}
            each = np.array([1 / shares[label] / len(shares) for label in y[held]])
            losses[number] -= each @ np.log(np.maximum(own, 1e-12))
    return float(WEIGHTS[int(losses.argmin())])


def f1_and_recall(
    gold: np.ndarray, said: np.ndarray, labels: Sequence[str], rare: Sequence[str]
) -> dict[str, float]:
    """Macro-F1, accuracy, and the mean recall of the rare classes."""
    from sklearn.metrics import f1_score, recall_score

    return {
        "macro_f1": float(f1_score(gold, said, labels=list(labels), average="macro")),
        "rare_recall": float(
            recall_score(gold, said, labels=list(rare), average="macro", zero_division=0)
        ),
        "accuracy": float((gold == said).mean()),
    }
