"""The shape of ALLSH's Table 4, for any causal language model: demonstrations, calibrated.

    python benchmarks/icl_fewshot.py --model PATH_OR_NAME --shared ../shared

{sst2, trec6, rte} x {4, 8, 12 shots} x ways of choosing demonstrations and calibrating x seeds. A
seed draws the candidates (`--candidates` labelled train texts, the same for every way), as many
other train texts without their labels for calibration on a pool, and all that is random besides.
Test texts are drawn once. Accuracy, macro-F1, ECE (equal mass) and the tokens that choosing,
calibrating and labelling took, answers from the response cache counted like others.

Prompts are those of the paper's Table 12. `--zhao` takes the setting of Zhao et al. (2021) where it
differs: labels are compared by their first token, and TREC has their instruction; content-free
inputs ("N/A", "", "[MASK]") and no trailing space hold either way.

The model runs in this process (`--device cuda` on a GPU), or behind `--url`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from results_file import write_results

from llmal.annotators import Context, LLMAnnotator
from llmal.calibration import (
    accuracy,
    expected_calibration_error,
    macro_f1,
)
from llmal.embed import SentenceEmbedder
from llmal.icl import load_prompt
from llmal.lm import VLLM, ResponseCache, TransformersLM
from llmal.pool import Pool
from llmal.records import Item
from llmal.task import Label, Task

TREC_INSTRUCTION = (
    "Classify the questions based on whether their answer type is a Number, Location, Person, "
    "Description, Entity, or Abbreviation."
)
SETS = {
    "sst2": (
        Task(
            "sst2", [Label("positive", words=("Positive",)), Label("negative", words=("Negative",))]
        ),
        "pattern",
        {"field": "Review", "answer": "Sentiment"},
    ),
    "trec6": (
        Task("trec6", ["Number", "Location", "Person", "Description", "Entity", "Abbreviation"]),
        "pattern",
        {"field": "Question", "answer": "Answer Type"},
    ),
    "rte": (
        Task(
            "rte",
            [Label("entailment", words=("True",)), Label("not_entailment", words=("False",))],
            text=("text_a", "text_b"),
        ),
        "pair_pattern",
        {},
    ),
}
# How demonstrations are chosen, with what options; and the calibrators that are tried with it.
WAYS = {
    "random": ("random", {}, ["", "contextual"]),
    "uncertainty": ("uncertain", {}, [""]),
    "ALLSH": ("allsh", {"copies": 1}, ["", "contextual"]),
    "ALLSH + WCA": ("allsh", {"copies": 4}, [""]),
    "similar": (
        "similar",
        {},
        [
            "",
            "contextual",
            "domain-context",
            "batch",
            "promptal-prior",
            "prior-matching",
            "prototypical",
            "temperature",
            "vector",
            "isotonic",
            "beta",
            "dirichlet",
        ],
    ),
    "diverse": ("diverse", {}, [""]),
    "informative": ("informative", {"trials": 8, "texts": 40}, [""]),
}
# GPT-2 XL, accuracy in per cent at 4, 8 and 12 shots (ALLSH, Table 4).
PAPER = {
    "sst2": {
        "random": [64.9, 54.5, 56.3],
        "random + contextual": [73.8, 64.6, 73.0],
        "uncertainty": [59.7, 64.5, 66.8],
        "ALLSH": [75.3, 77.8, 79.7],
    },
    "trec6": {
        "random": [23.1, 32.7, 37.5],
        "random + contextual": [44.2, 44.1, 44.4],
        "uncertainty": [34.8, 52.2, 54.1],
        "ALLSH": [46.4, 58.7, 59.8],
    },
    "rte": {
        "random": [53.2, 54.9, 56.0],
        "random + contextual": [57.5, 57.7, 58.2],
        "uncertainty": [57.0, 57.3, 57.8],
        "ALLSH": [57.9, 58.4, 59.7],
    },
}


def draw(pool: Pool, count: int, rng: np.random.Generator) -> list[Item]:
    return pool.items(np.sort(rng.choice(len(pool), min(count, len(pool)), replace=False)))


def without_gold(items: list[Item]) -> list[Item]:
    return [Item(one.id, one.text, one.fields) for one in items]


def measure(annotator, context, test, truth) -> dict[str, object]:
    prepared = annotator.prepare(context)
    answer = prepared.score(test)
    p = answer.probabilities
    labels = annotator.task.names
    right = p.argmax(axis=1) == truth
    shown = [one.gold for one in prepared.candidates] if prepared.selector is None else []
    return {
        "accuracy": accuracy(p.argmax(axis=1), truth),
        "macro_f1": macro_f1(
            [labels[c] for c in p.argmax(axis=1)], [labels[c] for c in truth], labels
        ),
        "ece": expected_calibration_error(p.max(axis=1), right),
        "tokens_prepare": prepared.usage.tokens,
        "tokens_label": int(sum(one.tokens for one in answer.scored.usage)),
        "mean_before": answer.scored.probabilities.mean(axis=0).tolist(),
        "mean_after": p.mean(axis=0).tolist(),
        "shown": [shown.count(name) for name in labels] if shown else None,
        "shots_in_prompt": float(
            np.mean([len(one.demonstrations) for one in answer.scored.prompts])
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="path or hub name")
    parser.add_argument("--url", help="a vLLM server that serves it")
    parser.add_argument("--device")
    parser.add_argument("--dtype")
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", "../shared"))
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--shots", nargs="+", type=int, default=[4, 8, 12])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--zhao", action="store_true")
    parser.add_argument("--name", default="icl_fewshot", help="name of the results file")
    given = parser.parse_args()
    if given.url:
        lm = VLLM(url=given.url, model=Path(given.model).name)
    else:
        lm = TransformersLM(given.model, device=given.device, dtype=given.dtype)
    embedder = SentenceEmbedder()
    figures: dict[str, dict] = {}
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        for name in given.sets:
            task, prompt, values = SETS[name]
            if given.zhao and name == "trec6":
                values = {**values, "instruction": TREC_INSTRUCTION}
            folder = Path(given.shared).resolve() / "data" / name
            columns = list(task.text)
            train = Pool.from_file(folder / "train.jsonl.gz", text=columns, gold="label")
            whole = Pool.from_file(folder / "test.jsonl.gz", text=columns, gold="label")
            test = draw(whole, given.test, np.random.default_rng(0))
            truth = np.array([task.index(one.gold) for one in test])
            test = without_gold(test)
            template = load_prompt(prompt).with_values(values)
            rows: dict[str, dict[str, list]] = {}
            for shots in given.shots:
                for seed in range(given.seeds):
                    # What one way has asked, another may reuse; what it counts does not change.
                    lm.cache = ResponseCache(Path(temporary) / f"{name}-{shots}-{seed}.sqlite")
                    rng = np.random.default_rng([seed, 7])
                    drawn = draw(train, 2 * given.candidates, rng)
                    drawn = [drawn[i] for i in rng.permutation(len(drawn))]
                    context = Context(
                        demonstrations=drawn[: given.candidates],
                        unlabelled=without_gold(drawn[given.candidates :]),
                        seed=seed,
                    )
                    for way, (strategy, options, calibrators) in WAYS.items():
                        for calibrator in calibrators:
                            annotator = LLMAnnotator(
                                task,
                                lm,
                                shots=shots,
                                demonstrations=strategy,
                                options=options,
                                calibrate=calibrator or (),
                                embedder=embedder,
                                prompt=template,
                                style="completion",
                                normalise="first" if given.zhao else "sum",
                            )
                            label = f"{way} + {calibrator}" if calibrator else way
                            one = measure(annotator, context, test, truth)
                            rows.setdefault(label, {}).setdefault(str(shots), []).append(one)
                    lm.cache.close()
                    lm.cache = None
                    print(
                        f"{name} {shots} shots, seed {seed}: {time.perf_counter() - begun:.0f} s",
                        flush=True,
                    )
            figures[name] = {
                "test": len(test),
                "majority": float(np.bincount(truth).max() / len(truth)),
                "labels": list(task.names),
                "rows": {
                    label: {shots: summary(ones) for shots, ones in by_shots.items()}
                    for label, by_shots in rows.items()
                },
                "paper_gpt2_xl": PAPER[name],
            }
            show(name, figures[name], given.shots)
    path = write_results(
        given.name,
        {
            "seeds": given.seeds,
            "candidates": given.candidates,
            "shots": given.shots,
            "zhao": given.zhao,
            "seconds": time.perf_counter() - begun,
            "sets": figures,
        },
        model=Path(given.model).name,
    )
    print(f"written: {path}")


def summary(ones: list[dict]) -> dict[str, object]:
    """Mean and standard deviation over the seeds."""
    made: dict[str, object] = {}
    for key in ("accuracy", "macro_f1", "ece"):
        values = [one[key] for one in ones]
        made[key] = float(np.mean(values))
        made[f"{key}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        made[f"{key}_by_seed"] = [round(float(value), 4) for value in values]
    for key in ("tokens_prepare", "tokens_label", "shots_in_prompt"):
        made[key] = float(np.mean([one[key] for one in ones]))
    for key in ("mean_before", "mean_after"):
        made[key] = np.round(np.mean([one[key] for one in ones], axis=0), 4).tolist()
    if ones[0]["shown"] is not None:
        made["shown"] = np.round(np.mean([one["shown"] for one in ones], axis=0), 2).tolist()
    return made


def show(name: str, one: dict, shots: list[int]) -> None:
    print(f"\n{name}: accuracy ± std / ECE at {shots} shots (majority {one['majority']:.3f})")
    for label, by_shots in one["rows"].items():
        cells = [
            f"{c['accuracy']:.3f} ± {c['accuracy_std']:.3f} / {c['ece']:.3f}"
            for c in (by_shots[str(s)] for s in shots)
        ]
        print(f"  {label:28s}", "   ".join(cells))
    print(json.dumps(one["paper_gpt2_xl"]), flush=True)


if __name__ == "__main__":
    main()
