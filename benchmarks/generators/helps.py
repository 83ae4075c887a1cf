"""Do synthetic items help a learner that has few labels?

    python benchmarks/generators/helps.py write --work FOLDER [--lm tiny-lm] [--processes 1]
    python benchmarks/generators/helps.py train --work FOLDER
    python benchmarks/generators/helps.py tell  --work FOLDER

For each set, setting and seed, labelled items are drawn from the train part: 5, 10 or 20 of each
class, or 20 of half of the classes, drawn by the seed, and 2 of the others, the *rare* ones (10:1).
A generator writes from them until 5 texts of each class have passed llmal's default filters or
four times as many were written; where classes are uneven, until 10 of each rare one have. `write`
keeps one line for each set, setting, seed and generator, with all texts; the model's answers are
cached.

`train` fits llmal's LinearHead on MiniLM's vectors to the labelled items and, for each variant, to
what it adds:

    alone            nothing
    balanced         nothing; classes have the weight that their rarity asks for (class_weight)
    unfiltered       the first readable texts of class_conditional, as many as were wanted
    class_conditional, paraphrase, boundary, weakness_targeted, student_guided
                     the first accepted texts of the generator, at most as many as were wanted
    random seeds     student_guided with seeds drawn at random: its control
    tf-idf           copies of the labelled items by TF-IDF replacement, as many as were wanted
    real             as many further real items with their labels: what good texts could bring

Added items have the weight 1, or one of 0, 0.1, 0.3 and 1 that cross-validation on the labelled
items alone chooses (`choose_weight`), in which a text is left out where an item is held out that it
was made from or shown with. What a generator is told of the learner are out-of-fold probabilities
of the labelled items. The measures are those of up to 1,000 rows of the test part.

The setting that is reported as the one that helps, if there is one, is chosen on --choose-on alone
and reported on the other sets. `--lm` takes a model's name or path, or the URL of a vLLM server;
each model has a folder of its own.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from generators.helps_figures import figures_of
from generators.helps_parts import (
    PER_CLASS,
    PER_RARE,
    POOL_TEXTS,
    SETS,
    SETTINGS,
    TEST_ROWS,
    WEIGHTS,
    Added,
    choose_weight,
    draw,
    f1_and_recall,
    out_of_fold,
    rows_of,
)
from learners.cells import add_processes, read_cells, run_cells
from results_file import recorded_commands, write_results

NAME = "generators_helps"
SEEDS = 5
GENERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "class_conditional": ("class_conditional", {"structure": "line"}),
    "paraphrase": ("paraphrase", {}),
    "boundary": ("boundary", {"structure": "line"}),
    "weakness_targeted": ("weakness_targeted", {"structure": "line"}),
    "student_guided": ("student_guided", {"structure": "line"}),
    "random seeds": ("student_guided", {"structure": "line", "measure": "random"}),
}
"""Variants that a language model writes for: the generator, and its options."""

BY_LEARNER = ("boundary", "weakness_targeted", "student_guided")
UNFILTERED, TF_IDF, REAL, ALONE = "unfiltered", "tf-idf", "real", "alone"
BALANCED = "balanced"
VARIANTS = (ALONE, BALANCED, UNFILTERED, *GENERATORS, TF_IDF, REAL)

Cell = tuple[str, str, int, str]
"""Set, setting, seed, and generator or variant."""


def cells_of(options: argparse.Namespace, last: tuple[str, ...]) -> list[Cell]:
    """Seed after seed, two settings at a time: what is there when time is over is whole."""
    return [
        (name, setting, seed, one)
        for start in range(0, len(options.settings), 2)
        for seed in range(options.seeds)
        for setting in options.settings[start : start + 2]
        for name in options.sets
        for one in last
    ]


def write_cell(cell: Cell, options: argparse.Namespace, kept: dict[str, Any]) -> dict[str, Any]:
    """Have one generator write from one draw."""
    from llmal.functions.writing import Writing, generator_section

    name, setting, seed, variant = cell
    lm, embedder = kept["lm"], kept["embedder"]
    drawn = draw(options.shared, name, setting, seed)
    generator, settings = GENERATORS[variant]
    section = generator_section(
        generator, settings, shots=3, max_words=drawn.max_words, similarity=0.95, agreement=0.5
    )
    told = {"learner": out_of_fold(drawn, embedder, seed)} if variant in BY_LEARNER else {}
    writing = Writing(
        drawn.task,
        next(iter(drawn.wanted.values())),
        section=section,
        lm=lm,
        embedder=embedder,
        labels=list(drawn.wanted),
        demonstrations=drawn.items,
        labelled=drawn.items,
        unlabelled=drawn.pool[:64],
        seed=seed,
        **told,
    )
    begun, processor = time.perf_counter(), time.process_time()
    result = writing.run()
    return {
        "model": lm.fingerprint,
        "wanted": drawn.wanted,
        "missing": result.missing,
        "refused": result.refusals,
        "usage": writing.usage.as_dict(),
        "seconds": round(time.perf_counter() - begun, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        "items": [
            {
                "text": one.text,
                "label": one.label,
                "refused_by": one.refused_by,
                "from": [
                    *one.provenance.get("sources", ()),
                    *one.provenance.get("demonstrations", ()),
                ],
            }
            for one in result.items
        ],
    }


def added_of(cell: Cell, written: dict[Cell, dict[str, Any]], drawn: Any) -> Added | None:
    """What a variant adds; None where it has not been written yet."""
    name, setting, seed, variant = cell
    if variant in (ALONE, BALANCED):
        return Added([], [], [])
    if variant == REAL:
        return Added(
            [one.text for one in drawn.real],
            [str(one.gold) for one in drawn.real],
            [frozenset()] * len(drawn.real),
        )
    if variant == TF_IDF:
        return _perturbed(drawn, seed)
    generator = "class_conditional" if variant == UNFILTERED else variant
    line = written.get((name, setting, seed, generator))
    if line is None:
        return None
    # What the generator itself refused cannot be read: there is no text to train on.
    able = [
        one
        for one in line["items"]
        if one["refused_by"] is None
        or (variant == UNFILTERED and one["refused_by"] != GENERATORS[generator][0])
    ]
    left = Counter(drawn.wanted)
    chosen = []
    for one in able:
        if left[one["label"]]:
            left[one["label"]] -= 1
            chosen.append(one)
    return Added(
        [one["text"] for one in chosen],
        [one["label"] for one in chosen],
        [frozenset(one["from"]) for one in chosen],
    )


def _perturbed(drawn: Any, seed: int) -> Added:
    from llmal.perturb import TfIdfReplacement, perturb_items

    known = [*drawn.items, *drawn.pool]
    perturbation = TfIdfReplacement().fit([one.text for one in known])
    texts: list[str] = []
    labels: list[str] = []
    sources: list[frozenset[str]] = []
    for label, count in drawn.wanted.items():
        own = [one for one in drawn.items if one.gold == label]
        copies = perturb_items(perturbation, own, -(-count // len(own)), seed)
        turns = [
            (copy.text, item.id)
            for row in zip(*copies, strict=True)
            for copy, item in zip(row, own, strict=True)
        ]
        for text, source in turns[:count]:
            texts.append(text)
            labels.append(label)
            sources.append(frozenset([source]))
    return Added(texts, labels, sources)


def train_cell(
    cell: Cell,
    options: argparse.Namespace,
    written: dict[Cell, dict[str, Any]],
    kept: dict[str, Any],
) -> dict[str, Any]:
    """Train on the labelled items and what a variant adds, and test."""
    from llmal.learners import LinearHead

    name, setting, seed, variant = cell
    embedder = kept["embedder"]
    drawn = draw(options.shared, name, setting, seed)
    added = added_of(cell, written, drawn)
    assert added is not None
    X = embedder.embed([one.text for one in drawn.items])
    y = np.array([str(one.gold) for one in drawn.items])
    test = rows_of(options.shared, name, "test")[:TEST_ROWS]
    T, gold = embedder.embed([row["text"] for row in test]), np.array([r["label"] for r in test])
    Z = embedder.embed(added.texts) if added.texts else np.zeros((0, X.shape[1]))
    chosen = 0.0
    if added.texts:
        chosen = choose_weight(X, y, [one.id for one in drawn.items], added, Z, seed)
    found: dict[str, Any] = {
        "labelled": len(y),
        "added": dict(Counter(added.labels)),
        "wanted": sum(drawn.wanted.values()),
        "chosen": chosen,
    }
    for title, weight in (("plain", 1.0), ("weighted", chosen)):
        balance = "balanced" if variant == BALANCED else None
        head = LinearHead(class_weight=balance, random_state=seed).fit(
            np.concatenate([X, Z]),
            np.concatenate([y, np.array(added.labels, dtype=y.dtype)]),
            sample_weight=np.r_[np.ones(len(y)), np.full(len(Z), weight)],
        )
        found[title] = f1_and_recall(gold, head.predict(T), drawn.task.names, drawn.rare)
    return found


def open_lm(options: argparse.Namespace) -> Any:
    from llmal.lm import VLLM, ResponseCache, TransformersLM

    name = str(options.lm)
    folder = options.shared / "models" / name
    if name.startswith("http"):
        lm: Any = VLLM(name)
    else:
        lm = TransformersLM(folder if folder.exists() else name)
    lm.cache = ResponseCache(options.work / "answers.sqlite")
    return lm


def write(options: argparse.Namespace) -> None:
    from llmal.embed import SentenceEmbedder

    kept = {"lm": open_lm(options), "embedder": SentenceEmbedder()}

    def measure(cell: Cell) -> dict[str, Any]:
        gc.collect()
        return write_cell(cell, options, kept)

    run_cells(options, cells_of(options, tuple(options.generators)), measure)


def train(options: argparse.Namespace) -> None:
    from llmal.embed import SentenceEmbedder

    kept = {"embedder": SentenceEmbedder()}
    written = {tuple(line["cell"]): line for line in read_cells(options.work)}
    cells = [
        cell
        for cell in cells_of(options, VARIANTS)
        if cell[3] in (ALONE, BALANCED, TF_IDF, REAL) or _source(cell) in written
    ]
    options.work = options.work / "trained"
    run_cells(options, cells, lambda cell: train_cell(cell, options, written, kept))


def _source(cell: Cell) -> Cell:
    name, setting, seed, variant = cell
    return (name, setting, seed, "class_conditional" if variant == UNFILTERED else variant)


def tell(options: argparse.Namespace) -> None:
    written = read_cells(options.work)
    trained = read_cells(options.work / "trained")
    figures = figures_of(written, trained, choose_on=options.choose_on)
    write_results(
        NAME,
        {
            "commands": recorded_commands(options.work),
            "data": list(SETS),
            "labels a class": list(SETTINGS),
            "weights": list(WEIGHTS),
            "pool texts": POOL_TEXTS,
            "test rows": TEST_ROWS,
            "chosen on": options.choose_on,
            "asked": f"{PER_CLASS} of each class, {PER_RARE} of each rare one",
            "not measured": options.missing,
            **figures,
        },
        model=options.name,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verb", choices=("write", "train", "tell"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--lm", default="tiny-lm")
    parser.add_argument("--name", default="tiny-lm", help="of the model, in the file of results")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS), choices=SETTINGS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--generators", nargs="+", default=list(GENERATORS), choices=GENERATORS)
    parser.add_argument("--choose-on", default="trec6", choices=SETS)
    parser.add_argument("--missing", default="nothing that is named above", help="for the page")
    add_processes(parser)
    options = parser.parse_args()
    {"write": write, "train": train, "tell": tell}[options.verb](options)


if __name__ == "__main__":
    main()
