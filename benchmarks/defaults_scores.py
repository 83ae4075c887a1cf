"""Scores of every cell of the defaults table, kept in a folder and asked for once.

A cell is a model, a set, a style, a number of demonstrations, how they are chosen and arranged,
and a seed. What it holds is raw: for each prompt the log-probabilities of all labels, as a sum over
tokens and for the first token alone. Every calibrator and every normalisation is worked out from
them without the model.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.calibration import Contextual, DomainContext
from llmal.core.records import Item
from llmal.demonstrations import choose_for, make_selector
from llmal.embed import SentenceEmbedder
from llmal.lm import TransformersLM
from llmal.pool import Pool
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt, make_order
from llmal.task import Task

Array = NDArray[np.float64]
TEXT_COLUMNS: dict[str, list[str]] = {
    "sst2": ["text"],
    "trec6": ["text"],
    "ag_news": ["text"],
    "emotion": ["text"],
    "mr": ["text"],
    "rte": ["text_a", "text_b"],
}
ARRANGEMENTS = {
    "balanced": ("balanced", "as-chosen"),
    "balanced, labels in turn": ("balanced", "alternating"),
    "random": ("random", "as-chosen"),
    "similar, most similar last": ("similar", "reversed"),
}
"""How demonstrations are chosen and in what order they stand."""


@dataclass(frozen=True)
class Sizes:
    """How many texts of each kind a cell holds."""

    test: int = 150
    pool: int = 256
    labelled: int = 50
    candidates: int = 50


@dataclass(frozen=True)
class Cell:
    """What is scored."""

    set: str
    style: str
    shots: int
    arrangement: str
    seed: int

    @property
    def file_name(self) -> str:
        parts = (self.set, self.style, self.shots, self.arrangement, self.seed)
        return "-".join(str(part).replace(", ", "_").replace(" ", "_") for part in parts) + ".npz"


@dataclass(frozen=True)
class Draw:
    """The texts of a set under a seed; no text is in two of them."""

    task: Task
    candidates: list[Item]
    labelled: list[Item]
    pool: list[Item]
    test: list[Item]


@dataclass(frozen=True)
class Scores:
    """The scores of one kind of prompts, each of shape (n, C), and the true columns, or -1."""

    sums: Array
    first: Array
    truth: NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """A cell with its scores."""

    cell: Cell
    labels: tuple[str, ...]
    lengths: NDArray[np.int64]
    kinds: dict[str, Scores]

    def matrix(self, kind: str, normalise: str) -> Array:
        """Log-probabilities as they are compared, shape (n, C)."""
        one = self.kinds[kind]
        if normalise == "first":
            return one.first
        return one.sums / self.lengths if normalise == "mean" else one.sums


def draw(name: str, shared: Path, sizes: Sizes, seed: int) -> Draw:
    """Candidates, labelled items and pool from the train part, by the seed; the same test rows."""
    folder, columns = shared / "data" / name, TEXT_COLUMNS[name]
    train = Pool.from_file(folder / "train.jsonl.gz", text=columns, gold="label")
    whole = Pool.from_file(folder / "test.jsonl.gz", text=columns, gold="label")
    task = Task(name, sorted(train.gold_counts()), text=columns)
    test = np.random.default_rng(0).choice(len(whole), sizes.test, replace=False)
    count = sizes.candidates + sizes.labelled + sizes.pool
    rows = np.random.default_rng([seed, 8]).choice(len(train), count, replace=False)
    items = [train[int(row)] for row in rows]
    ends = sizes.candidates, sizes.candidates + sizes.labelled
    return Draw(
        task,
        items[: ends[0]],
        items[ends[0] : ends[1]],
        items[ends[1] :],
        [whole[int(row)] for row in np.sort(test)],
    )


def asked(drawn: Draw, seed: int) -> dict[str, list[Item]]:
    """The items of each kind of prompt."""
    fields = drawn.task.text
    texts = {
        "content-free": list(Contextual().inputs),
        "random-words": DomainContext().inputs(
            [one.text for one in drawn.pool], np.random.default_rng([seed, 9])
        ),
    }
    inputs = {
        kind: [
            Item(f"{kind}-{number}", "\n".join([text] * len(fields)), dict.fromkeys(fields, text))
            for number, text in enumerate(many)
        ]
        for kind, many in texts.items()
    }
    return {"test": drawn.test, "pool": drawn.pool, "labels": drawn.labelled, **inputs}


def score(cell: Cell, drawn: Draw, lm: TransformersLM) -> Scored:
    """Ask the model for all of a cell."""
    prompts = LabellingPrompts(drawn.task, load_prompt("label"), lm, cell.style)
    strategy, order = ARRANGEMENTS[cell.arrangement]
    scorer = PromptScorer(prompts, "sum", make_order(order))
    embedder = SentenceEmbedder() if strategy == "similar" else None
    selector = make_selector(strategy, scorer=scorer, embedder=embedder)
    kinds = asked(drawn, cell.seed)
    if cell.arrangement.startswith("similar"):
        # They have no neighbours, and a prompt of its own for each is dear.
        kinds = {kind: kinds[kind] for kind in ("test", "pool")}
        kinds["pool"] = kinds["pool"][:64]
    rng = np.random.default_rng([cell.seed, 10])
    fixed = () if selector.per_query else selector.choose(drawn.candidates, cell.shots, rng)
    result: dict[str, Scores] = {}
    lengths = np.zeros(0, np.int64)
    for kind, items in kinds.items():
        shown = (
            list(choose_for(selector, drawn.candidates, cell.shots, rng, items))
            if selector.per_query and cell.shots
            else [fixed] * len(items)
        )
        built = scorer.build(items, shown)
        found = lm.score([one.prompt for one in built], prompts.candidates)
        lengths = found.lengths
        truth = [drawn.task.index(one.gold) if one.gold is not None else -1 for one in items]
        result[kind] = Scores(found.log_probs, found.first, np.array(truth))
    return Scored(cell, tuple(drawn.task.names), lengths, result)


def write(scored: Scored, path: Path, told: dict[str, Any]) -> None:
    """Keep a cell; a file is whole or not there."""
    arrays: dict[str, Any] = {"lengths": scored.lengths}
    for kind, one in scored.kinds.items():
        arrays |= {f"{kind}/{key}": value for key, value in asdict(one).items()}
    told = {"cell": asdict(scored.cell), "labels": scored.labels, **told}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new.npz")
    np.savez_compressed(fresh, told=json.dumps(told), **arrays)
    fresh.replace(path)


def read(path: Path) -> tuple[Scored, dict[str, Any]]:
    """A cell that `write` kept, and what was told of it."""
    with np.load(path) as file:
        told = json.loads(str(file["told"]))
        kinds: dict[str, dict[str, Any]] = {}
        for key in file.files:
            if "/" in key:
                kind, part = key.split("/")
                kinds.setdefault(kind, {})[part] = file[key]
        scored = Scored(
            Cell(**told.pop("cell")),
            tuple(told.pop("labels")),
            file["lengths"],
            {kind: Scores(**parts) for kind, parts in kinds.items()},
        )
    return scored, told
