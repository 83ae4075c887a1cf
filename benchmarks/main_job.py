"""The main job on real data: a language model and people label, a learner is trained.

    python benchmarks/main_job.py --model PATH --shared ../shared

For each data set and seed one run with TypiClust and Margin and one with Random throughout, as
`llmal run` does them: rounds of 20, the model (on a vLLM server started here) labels first with 4
demonstrations, and what it gives less than 0.9 goes to people, simulated from the gold column.
Besides, the model labels the whole test set once without demonstrations and once with 4.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from results_file import write_results

from llmal import factory
from llmal.annotators import Context, LLMAnnotator
from llmal.calibration.measures import expected_calibration_error
from llmal.config import parse_config
from llmal.lm import VLLM
from llmal.pool import Pool

SETS = {
    "trec6": "What kind of answer does the question ask for?",
    "ag_news": "",
}
CONFIG = """
task: {{name: {name}, labels: [{labels}], guidelines: "{guidelines}"}}
data: {{pool: {folder}/train.jsonl.gz, test: {folder}/test.jsonl.gz, gold: label}}
lm: {{url: "{url}"}}
start: {{selector: {start}, items: 20}}
selector: {{name: {selector}}}
annotator: [{{name: llm, shots: 4}}, {{name: human, via: gold}}]
budget: {{human_labels: 200, rounds: {rounds}, batch: 20}}
directory: {directory}
seed: {seed}
"""


def label_test_set(factory_run, lm, shots: int) -> dict[str, float]:
    """How good the model's own labels are, on a test set that no run has seen."""
    run = factory_run
    items = run.test.items(np.arange(len(run.test)))
    train = run.pool.items(np.random.default_rng(0).choice(len(run.pool), 50, replace=False))
    annotator = LLMAnnotator(run.task, lm, shots=shots)
    begun = time.perf_counter()
    given = annotator.annotate(items, Context(demonstrations=tuple(train)))
    seconds = time.perf_counter() - begun
    right = np.array([one.label == item.gold for one, item in zip(given, items, strict=True)])
    sure = np.array([one.confidence for one in given])
    return {
        "shots": shots,
        "items": len(items),
        "accuracy": float(right.mean()),
        "share_at_0.9": float((sure >= 0.9).mean()),
        "accuracy_at_0.9": float(right[sure >= 0.9].mean()),
        "ece": float(expected_calibration_error(sure, right)),
        "items_per_second": len(items) / seconds,
        "tokens": int(sum(one.usage.tokens for one in given)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", "../shared"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    shared = Path(given.shared).resolve()
    figures: dict[str, dict] = {}
    with VLLM.start(given.model) as lm, tempfile.TemporaryDirectory() as temporary:
        for name, guidelines in SETS.items():
            folder = shared / "data" / name
            labels = sorted(Pool.from_file(folder / "train.jsonl.gz", gold="label").gold_counts())
            curves: dict[str, list[list[float]]] = defaultdict(list)
            costs: dict[str, list[dict]] = defaultdict(list)
            llm: dict[str, list[float]] = defaultdict(list)
            for seed in range(given.seeds):
                for start, selector in (("typiclust", "margin"), ("random", "random")):
                    # A fresh directory for each run: no answer comes from another run's cache.
                    directory = Path(temporary) / f"{name}-{selector}-{seed}"
                    text = CONFIG.format(
                        name=name,
                        labels=", ".join(f'"{label}"' for label in labels),
                        guidelines=guidelines,
                        folder=folder,
                        url=lm.urls[0],
                        start=start,
                        selector=selector,
                        rounds=given.rounds,
                        directory=directory,
                        seed=seed,
                    )
                    lm.cache = None
                    run = factory.build(parse_config(text, base=Path.cwd()), lm=lm)
                    begun = time.perf_counter()
                    result = run.run()
                    key = f"{start}+{selector}"
                    curves[key].append([one.metrics["accuracy"] for one in result.rounds])
                    gold = dict(zip(run.pool.ids(), run.pool.gold(), strict=True))
                    own = [a for a in result.annotations if a.annotator == "llm"]
                    kept = [a for a in own if a.decision == "accepted"]
                    llm[key].append(float(np.mean([a.label == gold[a.item_id] for a in own])))
                    costs[key].append(
                        {
                            "labelled": result.rounds[-1].metrics["labelled"],
                            "human_labels": result.cost.human_labels,
                            "accepted_from_llm": len(kept),
                            "accepted_accuracy": float(
                                np.mean([a.label == gold[a.item_id] for a in kept])
                            ),
                            "tokens": result.cost.tokens,
                            "seconds": time.perf_counter() - begun,
                        }
                    )
                    print(name, key, seed, [round(a, 3) for a in curves[key][-1]], flush=True)
                    shutil.rmtree(directory)
            lm.cache = None
            figures[name] = {
                "llm_on_test": [label_test_set(run, lm, shots) for shots in (0, 4)],
                "runs": {
                    key: {
                        "accuracy_by_round_mean": np.mean(curves[key], axis=0).round(4).tolist(),
                        "accuracy_by_round_std": np.std(curves[key], axis=0, ddof=1)
                        .round(4)
                        .tolist(),
                        "llm_label_accuracy_on_picks": {
                            "mean": statistics.mean(llm[key]),
                            "std": statistics.stdev(llm[key]),
                        },
                        "cost": {
                            what: {
                                "mean": statistics.mean(one[what] for one in costs[key]),
                                "std": statistics.stdev(one[what] for one in costs[key]),
                            }
                            for what in costs[key][0]
                        },
                    }
                    for key in curves
                },
            }
            show(name, figures[name])
    write_results(
        "main_job",
        {"seeds": given.seeds, "rounds": given.rounds, "batch": 20, "sets": figures},
        model=Path(given.model).name,
    )


def show(name: str, figures: dict) -> None:
    print(f"\n{name}: the model's own labels on the test set")
    for one in figures["llm_on_test"]:
        print(
            f"  {one['shots']} shots: accuracy {one['accuracy']:.3f}, ECE {one['ece']:.3f}, "
            f"{one['share_at_0.9']:.0%} at 0.9 or more with accuracy {one['accuracy_at_0.9']:.3f}, "
            f"{one['items_per_second']:.0f} items/s"
        )
    for key, one in figures["runs"].items():
        curve = " ".join(
            f"{mean:.3f}±{std:.3f}"
            for mean, std in zip(
                one["accuracy_by_round_mean"], one["accuracy_by_round_std"], strict=True
            )
        )
        cost = {what: round(value["mean"], 2) for what, value in one["cost"].items()}
        print(f"  {key}: {curve}\n    {cost}")


if __name__ == "__main__":
    main()
