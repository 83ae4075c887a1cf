"""PromptAL's ablations: what its sample vectors, fusion, calibration and local diversity bring.

    python benchmarks/learners/promptal.py run --work FOLDER
    python benchmarks/learners/promptal.py run --work FOLDER --plm roberta-base --rounds 10 --pool 0
    python benchmarks/learners/promptal.py tell --work FOLDER

Rounds of 32 labels, the first at random and the same for all variants of a seed, then by the
query; a fresh model in every round. The learner and the selector are those of the recipe
`promptal`, called directly: a run of llmal besides measures entropy and agreement on reference
items, and reads the pool twice, once for probabilities and once for features, which would double
the time of this benchmark. Labels are the gold column. The pool and the test set are the first
rows of the train and of the test part as shuffled by seed 0. The accuracy on the test set is
measured after every round and decides nothing. IMB, Unc, Div and Rep are PromptAL's names; each
function below says whose definition it follows. Over a masked language model the learner has
PromptAL's own settings; for an encoder without a language head `--learning-rate` and `--epochs`
are given, chosen by `settings` on a set that this benchmark does not test. `run` writes one line
a cell of set, variant and seed, and goes on where it stopped; all variants of one seed come first.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parents[1]))

from learners.cells import add_processes, read_cells, run_cells
from learners.few_shot import draw, read_rows
from results_file import (
    add_line,
    read_lines,
    record_command,
    recorded_commands,
    write_results,
)

NAME = "learners_promptal"
SETS = ("trec6", "ag_news")
BATCH = 32
NEAREST = 10
MINILM = "all-MiniLM-L6-v2"
WORDS = {
    "trec6": {
        "Abbreviation": "expression",
        "Entity": "entity",
        "Description": "description",
        "Person": "human",
        "Location": "location",
        "Number": "number",
    },
    "ag_news": {
        "World": "world",
        "Sports": "sports",
        "Business": "business",
        "Sci/Tech": "technology",
    },
}
"""The authors' verbalizers, by the labels' names here."""
TEMPLATES = {"trec6": "{text} It was {mask}.", "ag_news": "{text} . It was {mask} ."}

VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "full": ({}, {"name": "promptal"}),
    "task vectors alone": ({"n": 0}, {"name": "promptal"}),
    "no calibration": ({}, {"name": "promptal", "calibrated": False}),
    "no local diversity": ({}, {"name": "promptal", "weight": 1.0}),
    "hadamard": ({"fusion": "hadamard"}, {"name": "promptal"}),
    "addition": ({"fusion": "addition"}, {"name": "promptal"}),
    "random picks": ({}, {"name": "random"}),
}
"""What differs from the recipe: options of the learner, and the selector."""

Cell = tuple[str, str, int]
"""Set, variant, seed."""


class Model:
    """The learner of a variant, and what it says of texts in one pass."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self._name, self._options = name, options
        self._readings: dict[str, list[Any]] = {}

    def make(self, seed: int, changed: dict[str, Any]) -> Any:
        """A fresh learner with the settings of the recipe, but for what is changed."""
        from llmal.learners import DynamicSoftPrompt

        given: dict[str, Any] = {
            "validation": 0,
            "max_length": self._options.max_length,
            "learning_rate": self._options.learning_rate,
            "epochs": self._options.epochs,
            "device": self._options.device,
            "random_state": seed,
        }
        if self._options.kind == "masked":
            given |= {
                "verbalizers": WORDS.get(self._name),
                "template": TEMPLATES.get(self._name),
            }
        return DynamicSoftPrompt(self._options.folder, **{**given, **changed})

    def read(self, learner: Any, part: str, texts: Sequence[str]) -> list[Any]:
        """Texts as all learners over this model read them: token ids, and what the model before
        training says of each.
        """
        if part not in self._readings:
            self._readings[part] = learner.network_.read(texts)
        return self._readings[part]

    def ask(
        self, learner: Any, readings: list[Any], classes: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Probabilities, shape (n, C), zero for classes not seen, and states, shape (n, d)."""
        import torch

        from llmal.learners.training.batches import batches_to_read

        network = learner.network_
        columns = [classes.index(one) for one in learner.classes_]
        probabilities = np.zeros((len(readings), len(classes)))
        states: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        with torch.inference_mode():
            for rows in batches_to_read(readings, 64):
                output = network.forward([readings[row] for row in rows])
                said = torch.softmax(output.scores.double(), dim=1).cpu().numpy()
                probabilities[np.ix_(rows, columns)] = said
                if not len(states):
                    states = np.zeros((len(readings), output.states.shape[1]), np.float32)
                states[rows] = output.states.float().cpu().numpy()
        return probabilities, states


def divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Jensen-Shannon divergence of two distributions over the labels, in bits: 0 to 1."""
    from scipy.spatial.distance import jensenshannon

    return float(jensenshannon(p, q, base=2) ** 2)


def imbalance(columns: NDArray[np.int64], classes: int) -> float:
    """IMB of acquired items: (most of a class + 1) / (fewest of a class + 1).

    After PATRON (Yu et al., 2023), which has no "+ 1"; with it a class that is missing, as rare
    ones often are in few labels, gives a number too.
    """
    counts = np.bincount(columns, minlength=classes)
    return float((counts.max() + 1) / (counts.min() + 1))


def uncertainty(acquired: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Unc of acquired items: their mean entropy, in nats, in the eyes of the reference model.

    The reference is one and the same for all variants: the learner of the recipe, trained once on
    the gold labels of the whole pool (Yuan et al., 2020; Margatina et al., 2021).
    """
    from llmal.calibration.divergences import entropy

    return float(entropy(probabilities[acquired]).mean())


def diversity(acquired: NDArray[np.int64], states: NDArray[np.float32]) -> float:
    """Div of acquired items: one over the mean distance of the pool's items to the nearest of them.

    Euclidean, between states of the reference model; higher is more diverse (Ein-Dor et al., 2020,
    after Sener and Savarese). An item that was acquired has distance zero to itself.
    """
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=1).fit(states[acquired])
    return float(1 / nearest.kneighbors(states)[0].mean())


def representativeness(acquired: NDArray[np.int64], states: NDArray[np.float32]) -> float:
    """Rep of acquired items: the mean of one over the distance to the 10 nearest in the pool.

    KNN-density (Zhu et al., 2008; Margatina et al., 2021), Euclidean, between states of the
    reference model, the item itself left out; a high value says that an item is no outlier.
    """
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=NEAREST + 1).fit(states)
    distances = nearest.kneighbors(states[acquired])[0][:, 1:].mean(axis=1)
    return float((1 / np.maximum(distances, 1e-12)).mean())


class Bench:
    """A set: its pool and test rows, the reference model, and the loop."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.options = options
        rows = read_rows(options.shared, name, "train")[: options.pool or None]
        test = read_rows(options.shared, name, "test")[: options.test or None]
        self.classes = sorted({row["label"] for row in rows})
        column = {label: place for place, label in enumerate(self.classes)}
        self.texts, self.asked = [row["text"] for row in rows], [row["text"] for row in test]
        self.labels = np.array([row["label"] for row in rows])
        self.gold = np.array([column[label] for label in self.labels])
        self.test_gold = np.array([column[row["label"]] for row in test])
        self.shares = np.bincount(self.gold, minlength=len(self.classes)) / len(self.gold)
        self.model = Model(name, options)
        kept = options.work / f"reference.{name}.npz"
        with FileLock(kept.with_suffix(".lock")):
            if not kept.exists():
                self._make_reference(kept)
        with np.load(kept) as arrays:
            self.reference = arrays["probabilities"], arrays["states"]

    def _pool(self, learner: Any) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        readings = self.model.read(learner, "pool", self.texts)
        return self.model.ask(learner, readings, self.classes)

    def _make_reference(self, path: Path) -> None:
        learner = self.model.make(0, {}).fit(self.texts, self.labels)
        probabilities, states = self._pool(learner)
        np.savez(path, probabilities=probabilities, states=states)

    def run(self, variant: str, seed: int) -> list[dict[str, Any]]:
        """All rounds of a variant."""
        from llmal.selectors import RoundState, make

        changed, chosen = VARIANTS[variant]
        selector = make(**chosen)
        order = np.random.default_rng([seed, 0]).permutation(len(self.texts))
        labelled = order[:BATCH]
        rounds: list[dict[str, Any]] = []
        for number in range(self.options.rounds):
            begun = time.perf_counter(), time.process_time()
            learner = self.model.make(seed, changed)
            learner.fit([self.texts[place] for place in labelled], self.labels[labelled])
            probabilities, states = self._pool(learner)
            readings = self.model.read(learner, "test", self.asked)
            said, _ = self.model.ask(learner, readings, self.classes)
            trained = time.process_time() - begun[1]
            found = {
                "labels": len(labelled),
                "accuracy": float((said.argmax(axis=1) == self.test_gold).mean()),
                **self._distributions(labelled, probabilities),
                **(self._acquired(labelled[BATCH:]) if number else {}),
            }
            if number + 1 < self.options.rounds:
                state = RoundState.from_arrays(
                    probabilities=probabilities,
                    features=states,
                    labelled=labelled,
                    labels=self.gold[labelled],
                    size=len(self.texts),
                )
                rng = np.random.default_rng([seed, number + 1])
                picked = selector.select(state, BATCH, rng).indices
                labelled = np.concatenate([labelled, picked])
            found |= {
                "learner_cpu_s": trained,
                "cpu_s": time.process_time() - begun[1],
                "s": time.perf_counter() - begun[0],
            }
            rounds.append(found)
        return rounds

    def _distributions(
        self, labelled: NDArray[np.int64], probabilities: NDArray[np.float64]
    ) -> dict[str, float]:
        """How far what the model expects of the pool, and what is labelled, are from the gold
        distribution of the labels in the pool.
        """
        counts = np.bincount(self.gold[labelled], minlength=len(self.classes))
        return {
            "js_predicted": divergence(probabilities.mean(axis=0), self.shares),
            "js_labelled": divergence(counts / counts.sum(), self.shares),
        }

    def _acquired(self, acquired: NDArray[np.int64]) -> dict[str, float]:
        """Figures of all that the query has picked so far, the random start left out."""
        probabilities, states = self.reference
        return {
            "imb": imbalance(self.gold[acquired], len(self.classes)),
            "unc": uncertainty(acquired, probabilities),
            "div": diversity(acquired, states),
            "rep": representativeness(acquired, states),
        }


def cells(options: argparse.Namespace) -> list[Cell]:
    """All cells: seed by seed, set by set."""
    return [
        (name, variant, seed)
        for seed in range(options.seeds)
        for name in options.sets
        for variant in options.variants
    ]


def run(options: argparse.Namespace) -> None:
    benches: dict[str, Bench] = {}
    sizes = {
        name: getattr(options, name)
        for name in ("pool", "test", "rounds", "learning_rate", "epochs", "max_length")
    }

    def measure(cell: Cell) -> dict[str, Any]:
        name, variant, seed = cell
        if name not in benches:
            benches[name] = Bench(name, options)
        rows = benches[name].run(variant, seed)
        return {"plm": Path(options.plm).name, **sizes, "rows": rows}

    run_cells(options, cells(options), measure)


def settings(options: argparse.Namespace) -> None:
    """Try rates on a set that is not tested: 16 labels a class, other rows of its train part."""
    record_command(options.work)
    rows = read_rows(options.shared, options.tune_on, "train")
    judged, drawn = rows[:300], rows[300:]
    for seed in range(options.seeds):
        texts, labels = draw(drawn, 16, seed)
        for rate in options.rates:
            learner = Model(options.tune_on, options).make(seed, {"learning_rate": rate})
            begun = time.process_time()
            said = learner.fit(texts, labels).predict([row["text"] for row in judged])
            right = float((said == np.array([row["label"] for row in judged])).mean())
            add_line(
                options.work / "settings.jsonl",
                {
                    "set": options.tune_on,
                    "seed": seed,
                    "learning_rate": rate,
                    "epochs": options.epochs,
                    "accuracy": right,
                    "cpu_s": time.process_time() - begun,
                },
            )


def tell(options: argparse.Namespace) -> None:
    tried = options.work / "settings.jsonl"
    write_results(
        NAME,
        {
            "commands": recorded_commands(options.work),
            "settings": read_lines(tried),
            "cells": read_cells(options.work),
        },
        model=Path(options.plm).name,
    )


def locate(options: argparse.Namespace) -> None:
    """Where the model is, and of which kind."""
    from transformers import AutoConfig

    from llmal.learners.networks.backbone import kind_of
    from llmal.loading import local_directory

    options.folder = str(local_directory(options.plm) or options.plm)
    options.kind = kind_of(AutoConfig.from_pretrained(options.folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    call: dict[str, Callable[[argparse.Namespace], None]] = {
        "run": run,
        "settings": settings,
        "tell": tell,
    }
    parser.add_argument("what", choices=call)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--plm", default=MINILM, help="known name, hub name or folder")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=10, help="the random one included")
    parser.add_argument("--pool", type=int, default=1500, help="0 for all rows")
    parser.add_argument("--test", type=int, default=500, help="0 for all rows")
    parser.add_argument("--learning-rate", type=float, help="default: that of the learner")
    parser.add_argument("--epochs", type=int, help="default: that of the learner")
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--tune-on", default="emotion", help="of `settings`")
    parser.add_argument("--rates", nargs="+", type=float, default=[1e-4, 3e-4, 1e-3])
    add_processes(parser)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.what != "tell":
        locate(options)
    call[options.what](options)


if __name__ == "__main__":
    main()
