"""Does a soft prompt beat a plain one? Accuracy by the number of labels a class.

    python benchmarks/learners/few_shot.py run --work FOLDER --models tiny-lm --device cpu
    python benchmarks/learners/few_shot.py tell --work FOLDER

A language model asked with and without demonstrations (batch calibration), soft prompts in front
of it, LoRA, a linear head on MiniLM's vectors, and MiniLM tuned on pairs (contrastive), each from
the same labels: so many a class, drawn from the train part, three draws. The accuracy is that on
the first test rows as shuffled by seed 0. No setting is chosen on any of them: learners have their
defaults (`search.py` says how these were found, on other sets). `run` writes one line a cell and
goes on where it stopped.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from learners.cells import add_processes, read_cells, run_cells
from results_file import recorded_commands, write_results

NAME = "learners_few_shot"
SETS = ("trec6", "ag_news", "sst2")
SHOTS = (4, 8, 16, 32)
SEEDS = (0, 1, 2)
TEST_ROWS = 500
MOST_DEMONSTRATIONS = 8
GUIDELINES = {
    "trec6": "What kind of thing does the question ask for?",
    "ag_news": "Which part of a newspaper does the article belong to?",
    "sst2": "Is what the film critic says positive or negative?",
    "emotion": "Which emotion does the writer feel?",
    "mr": "Is what the film critic says positive or negative?",
    "dbpedia14": "What kind of thing is the article about?",
}

Cell = tuple[str, str, str, int, int]
"""Set, model, method, labels a class, seed."""


def read_rows(shared: Path, name: str, part: str) -> list[dict[str, Any]]:
    """Rows of a set, as shuffled by seed 0."""
    with gzip.open(shared / "data" / name / f"{part}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]


def draw(rows: list[dict[str, Any]], shots: int, seed: int) -> tuple[list[str], list[str]]:
    """So many texts of each class, class by class."""
    order = np.random.default_rng([seed, shots]).permutation(len(rows))
    found: dict[str, list[str]] = {}
    for place in order:
        kept = found.setdefault(rows[place]["label"], [])
        if len(kept) < shots:
            kept.append(rows[place]["text"])
    texts = [text for label in sorted(found) for text in found[label]]
    return texts, [label for label in sorted(found) for _ in found[label]]


def make_learner(
    method: str, model: str, device: str, seed: int, guidelines: str, given: dict[str, Any]
) -> Any:
    """A learner with its defaults, but for what is given."""
    from llmal.learners import Contrastive, DynamicSoftPrompt, LinearHead, LoRA, PromptTuned

    common: dict[str, Any] = {"device": device, "random_state": seed, **given}
    if method == LINEAR:
        return LinearHead()
    if method == CONTRASTIVE:
        return Contrastive(model, **common)
    if method == "LoRA":
        return LoRA(model, **common)
    if method == "prompt tuning, head":
        return PromptTuned(model, instruction=guidelines, **common)
    if method == "prompt tuning, label words":
        common = {"fusion": "task", "n": 0, **common}
        return DynamicSoftPrompt(model, instruction=guidelines, **common)
    assert method == "dynamic soft prompt"
    return DynamicSoftPrompt(model, instruction=guidelines, **common)


TRAINED = (
    "prompt tuning, head",
    "prompt tuning, label words",
    "dynamic soft prompt",
    "LoRA",
)
ASKED = ("zero-shot, calibrated", "few-shot, calibrated")
LINEAR, CONTRASTIVE = "linear head on MiniLM", "contrastive"
EMBEDDER, OVER_EMBEDDER = "all-MiniLM-L6-v2", (LINEAR, CONTRASTIVE)


def parameters_of(learner: Any) -> int:
    """How many numbers training changes."""
    network = getattr(learner, "network_", None)
    if network is None:
        return int(learner.coef_.size + learner.intercept_.size)
    return sum(one.numel() for group in network.groups(1.0) for one in group["params"])


def run_cell(cell: Cell, options: argparse.Namespace, known: dict[str, Any]) -> dict[str, Any]:
    """Train or ask, and test."""
    name, model, method, shots, seed = cell
    rows = read_rows(options.shared, name, "train")
    texts, labels = draw(rows, shots, seed)
    classes = sorted({row["label"] for row in rows})
    test = read_rows(options.shared, name, "test")[:TEST_ROWS]
    asked, gold = [row["text"] for row in test], np.array([row["label"] for row in test])
    folder = options.shared / "models" / model
    source = str(folder) if folder.exists() else model
    begun = time.perf_counter()
    if method in ASKED:
        said = ask(method, source, options.device, texts, labels, asked, seed,
                   GUIDELINES[name], classes, known)  # fmt: skip
        found = {"train_s": 0.0, "predict_s": time.perf_counter() - begun, "parameters": 0}
    else:
        learner = make_learner(method, source, options.device, seed, GUIDELINES[name],
                               options.settings.get(method, {}))  # fmt: skip
        given: Any = texts
        if method == LINEAR:
            embedder = known.setdefault("embedder", make_embedder())
            given, asked = embedder.embed(texts), embedder.embed(asked)
        learner.fit(given, labels)
        trained = time.perf_counter() - begun
        said = learner.predict(asked)
        found = {
            "train_s": trained,
            "predict_s": time.perf_counter() - begun - trained,
            "parameters": parameters_of(learner),
        }
    return {"accuracy": float((np.asarray(said) == gold).mean()), "tested": len(gold), **found}


def ask(
    method: str,
    source: str,
    device: str,
    texts: list[str],
    labels: list[str],
    asked: list[str],
    seed: int,
    guidelines: str,
    classes: list[str],
    known: dict[str, Any],
) -> list[str]:
    """What the model says, asked with and without demonstrations."""
    import llmal
    from llmal.lm import TransformersLM

    if source not in known:
        known[source] = TransformersLM(source, device=None if device == "auto" else device)
    more: dict[str, Any] = {}
    if method == "few-shot, calibrated":
        rows = [{"text": a, "label": b} for a, b in zip(texts, labels, strict=True)]
        more = {"demonstrations": rows, "shots": min(len(rows), MOST_DEMONSTRATIONS)}
    result = llmal.annotate(
        [{"text": text} for text in asked],
        classes,
        text="text",
        lm=known[source],
        guidelines=guidelines,
        seed=seed,
        cache=False,
        progress=False,
        **more,
    )
    return list(result.labels)


def make_embedder() -> Any:
    """MiniLM."""
    from llmal.embed import SentenceEmbedder

    return SentenceEmbedder()


def cells(options: argparse.Namespace) -> list[Cell]:
    """All cells, cheap ones and dear ones mixed, so that parts take about as long."""
    found: list[Cell] = []
    for model in [*options.models, EMBEDDER]:
        for name in options.sets:
            for seed in SEEDS[: options.seeds]:
                for method in options.methods:
                    if (method in OVER_EMBEDDER) != (model == EMBEDDER):
                        continue
                    if method == ASKED[0]:
                        found += [(name, model, method, 0, 0)] * (seed == 0)
                        continue
                    found += [(name, model, method, shots, seed) for shots in options.shots]
    return [found[place] for place in np.random.default_rng(1).permutation(len(found))]


def run(options: argparse.Namespace) -> None:
    known: dict[str, Any] = {}

    def measure(cell: Cell) -> dict[str, Any]:
        return {"device": options.device, **run_cell(cell, options, known)}

    run_cells(options, cells(options), measure)


def tell(options: argparse.Namespace) -> None:
    write_results(
        NAME, {"commands": recorded_commands(options.work), "cells": read_cells(options.work)}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    call: dict[str, Callable[[argparse.Namespace], None]] = {"run": run, "tell": tell}
    parser.add_argument("what", choices=call)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--models", nargs="+", default=["tiny-lm", "smollm2-135m-instruct"])
    parser.add_argument("--methods", nargs="+", default=[*ASKED, *TRAINED, *OVER_EMBEDDER])
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--shots", nargs="+", type=int, default=list(SHOTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--settings", type=Path, help="what search.py found, for the defaults")
    add_processes(parser)
    options = parser.parse_args()
    options.settings = {} if options.settings is None else json.loads(options.settings.read_text())
    options.work.mkdir(parents=True, exist_ok=True)
    call[options.what](options)


if __name__ == "__main__":
    main()
