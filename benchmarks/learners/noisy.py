"""What is learnt from labels some of which are wrong? Accuracy on right labels, by kind of noise.

    python benchmarks/learners/noisy.py run --work FOLDER --labels FOLDER [--learners linear]
    python benchmarks/learners/noisy.py tell --work FOLDER

The labels: trec6 and ag_news with none, 20 % or 40 % of the labels replaced by another one drawn at
random ("symmetric") or by the next one of the sorted labels ("class-dependent"); the same sets as
two language models have labelled them (`benchmarks/guarantee/collect_labels.py`, with their
probabilities); and the recorded answers of large models in three sets. Items are drawn anew for
each seed; 50 further ones with their right labels are the gold items of reweighting, and of the
control that simply adds them to the others. Three learners: a perceptron on MiniLM's vectors
(`perceptron.py`), trained by llmal's loop for 50 passes with all terms as they are by default; a
linear head on the same vectors; and MiniLM itself (or `--model`; with `--layers` its first ones
alone), every weight trained for `--epochs` passes by DynamicSoftPrompt with one vector and a head
on the mean state, where a split acts from the third pass on and other terms rise over two, as
passes are few. The last pass counts always. No setting was chosen on any of these sets: the rate
of the last learner is the one that `promptal.py settings` found on emotion, and how much of a label
a split keeps was chosen on dbpedia14, emotion and mr. *Split as published* keeps what seems right
alone. `run` writes one line a cell and goes on where it stopped, sets and noises in the order that
they are named in, so that a run cut short has the first ones whole.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parents[1]))

from few_shot import read_rows
from learners.cells import add_processes, read_cells, run_cells
from results_file import recorded_commands, write_results

NAME = "learners_noisy"
GOLD = 50
TEST_ROWS = 500
MADE_UP = ("clean", "symmetric 20 %", "symmetric 40 %", "class-dependent 40 %")
MODELS = ("tiny-lm", "smollm2-135m-instruct")
RECORDED = ("llm_mr", "llm_stance", "llm_semeval_relations")
SETTINGS = [
    *((name, noise) for name in ("trec6", "ag_news") for noise in (*MADE_UP, *MODELS)),
    *((name, "recorded") for name in RECORDED),
]
TRAINED = (
    "plain",
    "gold added",
    "split",
    "split as published",
    "split, mixup, consistency",
    "reweighting",
    "negative learning",
    "pruning",
    "soft labels",
)
METHODS = {
    "perceptron": TRAINED,
    "fine_tuned": TRAINED,
    "linear": ("plain", "gold added", "pruning", "soft labels", "weights"),
}
NEEDS_PROBABILITIES = ("soft labels", "weights")
FOLDS = 3

Cell = tuple[str, str, str, str, int]
"""Set, noise, learner, method, seed."""


@dataclass
class Material:
    """What a cell has to learn from and is tested on; labels are columns."""

    texts: list[str]
    labels: NDArray[np.int64]
    right: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None
    gold_texts: list[str]
    gold: NDArray[np.int64]
    test_texts: list[str]
    test: NDArray[np.int64]
    copies: dict[str, str] | None = None


def make_material(name: str, noise: str, items: int, seed: int, options: Any) -> Material:
    rng = np.random.default_rng([seed, 0x2015E])
    if noise == "recorded":
        return recorded_material(name, items, rng, options.shared)
    rows = read_rows(options.shared, name, "train")
    test = read_rows(options.shared, name, "test")[:TEST_ROWS]
    names = sorted({row["label"] for row in rows})
    code = {label: column for column, label in enumerate(names)}
    right = np.array([code[row["label"]] for row in rows])
    given, probabilities = right.copy(), None
    if noise in MODELS:
        kept = np.load(options.labels / f"{name}.{noise}.default.npz")
        rows, right = rows[: len(kept["gold"])], right[: len(kept["gold"])]
        assert (kept["gold"] == right).all(), "the labels are of other rows"
        given, probabilities = kept["machine"], kept["probabilities"]
    order = rng.permutation(np.flatnonzero(given >= 0))
    own, gold = order[:items], order[items : items + GOLD]
    labels = given[own] if noise in MODELS else add_noise(right[own], noise, len(names), rng)
    return Material(
        [rows[row]["text"] for row in own],
        labels,
        right[own],
        None if probabilities is None else probabilities[own],
        [rows[row]["text"] for row in gold],
        right[gold],
        [row["text"] for row in test],
        np.array([code[row["label"]] for row in test]),
    )


def add_noise(
    labels: NDArray[np.int64], noise: str, classes: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The same share of labels replaced, drawn item by item."""
    if noise == "clean":
        return labels
    share = int(noise.split()[1]) / 100
    step = 1 if noise.startswith("class") else rng.integers(1, classes, size=len(labels))
    hit = rng.random(len(labels)) < share
    return np.where(hit, (labels + step) % classes, labels)


def recorded_material(name: str, items: int, rng: np.random.Generator, shared: Path) -> Material:
    """Items whose people's label and model's label are both labels of the task."""
    with gzip.open(shared / "data" / name / "items.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [row for row in rows if row["gold"] is not None]
    names = sorted({row["gold"] for row in rows})
    code = {label: column for column, label in enumerate(names)}
    rows = [row for row in rows if row["llm_label"] in code]
    order = rng.permutation(len(rows))
    parts = np.split(order, [items, items + GOLD, items + GOLD + TEST_ROWS])[:3]
    texts = [[rows[row]["text"] for row in part] for part in parts]
    right = [np.array([code[rows[row]["gold"]] for row in part]) for part in parts]
    own = [rows[row] for row in parts[0]]
    labels = np.array([code[row["llm_label"]] for row in own])
    probabilities = copies = None
    if "llm_confidence" in own[0]:
        sure = np.array([float(row["llm_confidence"] or 1.0) for row in own])
        rest = (1 - sure) / (len(names) - 1)
        probabilities = np.where(np.eye(len(names))[labels] == 1, sure[:, None], rest[:, None])
    if "llm_paraphrase" in own[0]:
        copies = {row["text"]: row["llm_paraphrase"] or row["text"] for row in own}
    return Material(texts[0], labels, right[0], probabilities, texts[1], right[1], texts[2],
                    right[2], copies)  # fmt: skip


def make_learner(
    kind: str, method: str, made: Material, seed: int, options: Any, known: dict[str, Any]
) -> Any:
    from llmal.learners import DynamicSoftPrompt, LinearHead, Pruned
    from llmal.learners.noisy import (
        Consistency,
        GaussianMixtureSplit,
        Mixup,
        NegativeLearning,
        Reweighting,
    )

    short = kind == "fine_tuned"
    late: dict[str, Any] = {"from_epoch": 2} if short else {}
    slow: dict[str, Any] = {"ramp": 2} if short else {}
    mix: Any = "embeddings" if short else "states"
    terms = {
        "split": lambda: [GaussianMixtureSplit(**late)],
        "split as published": lambda: [GaussianMixtureSplit(least_kept=0.0, **late)],
        "split, mixup, consistency": lambda: [
            GaussianMixtureSplit(**late),
            Mixup(mix, **slow),
            Consistency(copies=made.copies, **slow),
        ],
        "reweighting": lambda: [Reweighting(made.gold_texts, made.gold)],
        "negative learning": lambda: [
            NegativeLearning("drawn" if made.probabilities is None else "unlikely")
        ],
    }.get(method, list)
    if kind == "linear":
        base: Any = LinearHead(random_state=seed)
    elif kind == "perceptron":
        from perceptron import Perceptron

        base = Perceptron(kept_vectors(known), random_state=seed, terms=terms())
    else:
        base = DynamicSoftPrompt(
            model_to_tune(options),
            kind="encoder",
            m=1,
            n=0,
            fusion="task",
            epochs=options.epochs,
            learning_rate=options.learning_rate,
            batch_size=32,
            max_length=options.max_length,
            validation=0.0,
            random_state=seed,
            device=options.device,
            terms=terms(),
        )
    if method == "pruning":
        return Pruned(base, folds=FOLDS, random_state=seed)
    return base


def kept_vectors(known: dict[str, Any]) -> Any:
    """MiniLM's, each text once."""
    from perceptron import KeptVectors

    if "vectors" not in known:
        known["vectors"] = KeptVectors()
    return known["vectors"]


def model_to_tune(options: Any) -> str:
    """What is fine-tuned: by name, a folder, or a folder of its first layers."""
    from llmal.loading import local_directory

    folder = options.shared / "models" / options.model
    name = str(folder) if folder.exists() else options.model
    if options.layers is None:
        return name
    cut: Path = options.work / f"{options.model}.{options.layers}"
    if not cut.exists():
        source = local_directory(name)
        assert source is not None, f"{name} is in no folder"
        cut.mkdir()
        for path in source.iterdir():
            (cut / path.name).symlink_to(path.resolve())
        config = json.loads((cut / "config.json").read_text("utf-8"))
        (cut / "config.json").unlink()
        config["num_hidden_layers"] = options.layers
        (cut / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(cut)


def run_cell(cell: Cell, options: argparse.Namespace, known: dict[str, Any]) -> dict[str, Any]:
    """Train and test."""
    from llmal.learners import SoftLabels

    name, noise, kind, method, seed = cell
    made = make_material(name, noise, options.items, seed, options)
    texts, y, weights = made.texts, made.labels, None
    if method == "gold added":
        texts, y = [*texts, *made.gold_texts], np.concatenate([y, made.gold])
    learner = make_learner(kind, method, made, seed, options, known)
    labels: Any = y
    if made.probabilities is not None:
        columns = np.arange(made.probabilities.shape[1])
        if method == "soft labels" or method == "negative learning":
            labels = SoftLabels(made.probabilities, columns)
        elif method == "weights":
            weights = made.probabilities[np.arange(len(y)), y]
    given: Any = texts
    tested: Any = made.test_texts
    if kind == "linear":
        given, tested = (kept_vectors(known).embed(one) for one in (texts, made.test_texts))
    begun = time.perf_counter()
    learner.fit(given, labels, weights)
    seconds = time.perf_counter() - begun
    found = {
        "accuracy": float((learner.predict(tested) == made.test).mean()),
        "noise": float((made.labels != made.right).mean()),
        "items": len(texts),
        "tested": len(made.test),
        "train_s": round(seconds, 2),
    }
    return {**found, **judged(learner, made)}


def judged(learner: Any, made: Material) -> dict[str, float]:
    """How well a learner that judges labels finds the wrong ones."""
    kept = getattr(learner, "kept_", None)
    for term in getattr(learner, "terms_", ()):
        kept = getattr(term, "kept", kept)
    if kept is None:
        return {}
    wrong = made.labels != made.right
    found: dict[str, float] = {"kept": float(kept.mean())}
    if kept.any():
        found["wrong_among_kept"] = float(wrong[kept].mean())
    if wrong.any():
        found["wrong_left_out"] = float((~kept)[wrong].mean())
    return found


def cells(options: argparse.Namespace) -> list[Cell]:
    """All cells, seed by seed."""
    found: list[Cell] = []
    wanted = [(name, noise) for noise in options.noise for name in options.sets]
    for seed in range(options.seeds):
        for kind in options.learners:
            for name, noise in wanted:
                if (name, noise) not in SETTINGS:
                    continue
                sure = noise in MODELS or name == "llm_stance"
                found += [
                    (name, noise, kind, method, seed)
                    for method in METHODS[kind]
                    if method in options.methods and (sure or method not in NEEDS_PROBABILITIES)
                ]
    return found


def run(options: argparse.Namespace) -> None:
    import torch

    torch.set_num_threads(1)
    known: dict[str, Any] = {}

    def measure(cell: Cell) -> dict[str, Any]:
        model = options.model if cell[2] == "fine_tuned" else "all-MiniLM-L6-v2"
        found = {"model": model, **run_cell(cell, options, known)}
        if cell[2] == "perceptron":
            found |= {"epochs": 50, "learning_rate": 1e-3}
        if cell[2] == "fine_tuned":
            names = ("epochs", "learning_rate", "layers", "max_length", "device")
            found |= {name: getattr(options, name) for name in names}
        return found

    run_cells(options, cells(options), measure)


def tell(options: argparse.Namespace) -> None:
    lines = read_cells(options.work)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for line in lines:
        groups.setdefault(tuple(line["cell"][:4]), []).append(line)
    rows = [
        {
            **dict(zip(("set", "noise", "learner", "method"), key, strict=True)),
            "seeds": len(found),
            "accuracy": round(float(np.mean([one["accuracy"] for one in found])), 4),
            "sd": round(float(np.std([one["accuracy"] for one in found])), 4),
            "lowest": min(one["accuracy"] for one in found),
            "highest": max(one["accuracy"] for one in found),
            "wrong_labels": round(float(np.mean([one["noise"] for one in found])), 4),
        }
        for key, found in sorted(groups.items())
    ]
    path = write_results(
        NAME, {"commands": recorded_commands(options.work), "rows": rows, "cells": lines}
    )
    print(path)
    for row in rows:
        print(" | ".join(f"{value}" for value in row.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    call: dict[str, Callable[[argparse.Namespace], None]] = {"run": run, "tell": tell}
    every = [one for methods in METHODS.values() for one in methods]
    parser.add_argument("what", choices=call)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--labels", type=Path, default=Path("labels"), help="of collect_labels.py")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--learners", nargs="+", default=list(METHODS))
    parser.add_argument("--methods", nargs="+", default=list(dict.fromkeys(every)))
    parser.add_argument("--sets", nargs="+", default=["trec6", "ag_news", *RECORDED])
    parser.add_argument("--noise", nargs="+", default=[*MADE_UP, *MODELS, "recorded"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--items", type=int, default=600, help="labelled items of a cell")
    parser.add_argument("--model", default="all-MiniLM-L6-v2", help="what is fine-tuned")
    parser.add_argument("--layers", type=int, help="only the first ones of the model")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--max-length", type=int, default=64, help="most tokens of a text")
    parser.add_argument("--device", default="cpu")
    add_processes(parser)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    call[options.what](options)


if __name__ == "__main__":
    main()
