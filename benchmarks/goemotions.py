"""Several labels an item on GoEmotions: language model, learner, selectors, a run killed, a server.

    python benchmarks/goemotions.py annotator --model NAME_OR_FOLDER [--train 200] [--test 120]
    python benchmarks/goemotions.py learner
    python benchmarks/goemotions.py choices          (on train rows alone)
    python benchmarks/goemotions.py selectors        (small-text 2 on the path)
    python benchmarks/goemotions.py agreement        (the same)
    python benchmarks/goemotions.py run --model NAME_OR_FOLDER
    python benchmarks/goemotions.py served --model FOLDER

Each takes `--shared ../shared` and adds to results/goemotions.json. All choices (which prompt asks,
how scores are calibrated, thresholds, the learner's penalty) were made on train rows; test rows are
read here alone.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from goemotions_data import Part, read_parts
from results_file import RESULTS, write_results

NAME = "goemotions"


def keep(part: str, figures: Any) -> None:
    """Add figures to those of the other parts."""
    path = RESULTS / f"{NAME}.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    parts = {**known.get("parts", {}), part: figures}
    now = json.loads(write_results(NAME, {"parts": parts}).read_text())["command"]
    told = dict.fromkeys([*known.get("commands", []), known.get("command", now)])
    write_results(NAME, {"commands": [one for one in told if one != now], "parts": parts})


def embedded(part: Part) -> np.ndarray:
    from llmal.embed import SentenceEmbedder

    return np.asarray(SentenceEmbedder().embed(part.texts))


def annotator(options: argparse.Namespace, train: Part, test: Part) -> None:
    import torch
    from goemotions_annotator import ask, make_annotator, mean_auc, ways

    from llmal.annotators import Context
    from llmal.lm import TransformersLM

    torch.set_num_threads(1)
    lm = TransformersLM(options.model, device="cpu")
    known, asked_about = train.drawn(options.train), test.drawn(options.test)
    shown = train.drawn(options.train + 40).items[options.train :]
    found: dict[str, Any] = {}
    for prompt, shots in (("label_names", 0), ("label_names", 4), ("label_each", 0)):
        # A question about each label takes more than ten times as long.
        rows = slice(None) if prompt == "label_names" else slice(0, options.each)
        few = [Part(one.task, one.items[rows]) for one in (known, asked_about)]
        made = make_annotator(train, lm, prompt, shots)
        context = Context(demonstrations=tuple(shown), seed=0)
        of_train, of_test = (ask(made, one, context) for one in few)
        found[f"{prompt}, {shots} shots"] = {
            "train_items": len(of_train.y),
            "test_items": len(of_test.y),
            "auc_train": mean_auc(of_train),
            "auc_test": mean_auc(of_test),
            "requests": of_test.requests,
            "tokens": of_test.tokens,
            "seconds": of_test.seconds,
            "ways": [
                {"way": way, "labels": labels, **figures}
                for way, labels, figures in ways(train.task, of_train, of_test)
            ],
        }
        print(prompt, shots, json.dumps(found[f"{prompt}, {shots} shots"])[:300], flush=True)
    keep(f"annotator {Path(options.model).name}", found)


def learner(options: argparse.Namespace, train: Part, test: Part) -> None:
    from goemotions_curves import learners

    keep("learner", learners(train, embedded(train), test, embedded(test)))


def choices(options: argparse.Namespace, train: Part, test: Part) -> None:
    from goemotions_choices import choices as tried

    keep("choices", tried(train, embedded(train)))


def selectors(options: argparse.Namespace, train: Part, test: Part) -> None:
    from goemotions_curves import curves

    for found in curves(train, embedded(train), test, embedded(test), options.seeds):
        keep("selectors", found)


def agreement(options: argparse.Namespace, train: Part, test: Part) -> None:
    from goemotions_agreement import agreement as compare

    keep("agreement", compare(train, embedded(train)))


def run(options: argparse.Namespace, train: Part, test: Part) -> None:
    from goemotions_run import killed_and_exported

    keep(f"run {Path(options.model).name}", killed_and_exported(options, train, test))


def served(options: argparse.Namespace, train: Part, test: Part) -> None:
    from goemotions_run import at_a_server

    keep(f"served {Path(options.model).name}", at_a_server(options, train))


PARTS = {
    "annotator": annotator,
    "learner": learner,
    "choices": choices,
    "selectors": selectors,
    "agreement": agreement,
    "run": run,
    "served": served,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--train", type=int, default=200)
    parser.add_argument("--test", type=int, default=120)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--kills", type=int, default=4)
    options = parser.parse_args()
    train, test = read_parts(options.shared)
    PARTS[options.part](options, train, test)


if __name__ == "__main__":
    main()
