"""Pairs of texts through the whole loop, and what a learner should see of a pair.

    python benchmarks/text_pairs.py features [--shared ../shared]
    python benchmarks/text_pairs.py loop --model NAME_OR_FOLDER

*Features*: a linear head on train rows, five folds: on the embedding of both texts joined, as
llmal makes it, beside the two embeddings next to each other, and with their difference and product.
*Loop*: a start, rounds with demonstrations and people simulated from gold, a learner after each,
the report, exports read back; the language model alone on test rows without and with
demonstrations.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from results_file import RESULTS, write_results
from typer.testing import CliRunner

from llmal.annotators import Context, LLMAnnotator
from llmal.cli.app import app
from llmal.config import parse_config
from llmal.embed import SentenceEmbedder
from llmal.factory.orchestrator import build
from llmal.learners import LinearHead
from llmal.lm import TransformersLM
from llmal.pool import Pool
from llmal.report.gather import write_run

NAME = "text_pairs"
SETS = {
    "rte": "Does the second text follow from the first?",
    "snli_small": "Does the second text follow from the first, contradict it, or neither?",
    "qnli": "Does the second text answer the question in the first?",
}
CONFIG = """
task: {{name: {name}, text: [text_a, text_b], labels: [{labels}], guidelines: "{guidelines}"}}
data: {{pool: {folder}/pool.jsonl, test: {folder}/test.jsonl, gold: label}}
lm: {{backend: transformers, model: {model}}}
start: {{selector: typiclust, items: 20}}
selector: {{name: margin}}
annotator: [{{name: llm, shots: 4, threshold: 0.8}}, {{name: human, via: gold}}]
budget: {{human_labels: 60, rounds: 4, batch: 20}}
directory: {folder}/run
seed: 0
"""
POOL, TEST = 300, 100


def read(shared: Path, name: str, part: str) -> list[dict[str, Any]]:
    with gzip.open(shared / "data" / name / f"{part}.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def drawn(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [rows[n] for n in np.random.default_rng(0).permutation(len(rows))[:count]]


def features(options: argparse.Namespace) -> dict[str, Any]:
    """Accuracy in five folds of train rows, by what the learner sees."""
    embedder = SentenceEmbedder()
    found: dict[str, Any] = {}
    for name in SETS:
        rows = drawn(read(options.shared, name, "train"), 1000)
        first, second, both = (
            np.asarray(embedder.embed(texts))
            for texts in (
                [row["text_a"] for row in rows],
                [row["text_b"] for row in rows],
                [f"{row['text_a']}\n{row['text_b']}" for row in rows],
            )
        )
        swapped = np.asarray(embedder.embed([f"{r['text_b']}\n{r['text_a']}" for r in rows]))
        y = np.array([row["label"] for row in rows])
        seen = {
            "both joined": both,
            "second alone": second,
            "side by side": np.hstack([first, second]),
            "side by side, difference, product": np.hstack(
                [first, second, np.abs(first - second), first * second]
            ),
        }
        found[name] = {
            "rows": len(rows),
            "most frequent label": float(np.unique(y, return_counts=True)[1].max() / len(y)),
            "cosine of a pair and its swap": float((both * swapped).sum(axis=1).mean()),
            "accuracy": {way: _accuracy(X, y) for way, X in seen.items()},
        }
        print(name, json.dumps(found[name]), flush=True)
    return found


def _accuracy(X: np.ndarray, y: np.ndarray) -> list[float]:
    """Mean and standard error over five folds."""
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)
    found = [
        float((LinearHead().fit(X[train], y[train]).predict(X[rest]) == y[rest]).mean())
        for train, rest in folds
    ]
    return [float(np.mean(found)), float(np.std(found, ddof=1) / 5**0.5)]


def loop(options: argparse.Namespace) -> dict[str, Any]:
    """A run of each set, and the model alone on its test rows."""
    import torch

    torch.set_num_threads(1)
    lm = TransformersLM(options.model, device="cpu")
    found: dict[str, Any] = {}
    for name in options.sets.split(","):
        with tempfile.TemporaryDirectory() as temporary:
            found[name] = _loop(name, lm, options, Path(temporary))
        print(name, json.dumps(found[name]), flush=True)
    return found


def _loop(
    name: str, lm: TransformersLM, options: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    labels: set[str] = set()
    for part, kept, count in (("train", "pool", POOL), ("test", "test", TEST)):
        rows = drawn(read(options.shared, name, part), count)
        (folder / f"{kept}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        labels |= {row["label"] for row in rows}
    text = CONFIG.format(
        name=name,
        labels=", ".join(sorted(labels)),
        guidelines=SETS[name],
        folder=folder,
        model=options.model,
    )
    config = parse_config(text, base=folder)
    begun = time.process_time()
    lm.cache = None
    run = build(config, lm=lm)
    plan = run.plan()
    result = run.run()
    report = write_run(run, baseline=False)
    seconds = time.process_time() - begun
    gold = dict(zip(run.pool.ids(), run.pool.gold(), strict=True))
    # As `llmal run` keeps it; exports read it.
    (folder / "run" / "config.yaml").write_text(text)
    exported = folder / "out.jsonl"
    done = CliRunner().invoke(app, ["export", str(folder / "run"), "--out", str(exported)])
    if done.exit_code:
        raise SystemExit(done.output)
    back = Pool.from_file(exported, gold="label", text=["text_a", "text_b"])
    same = dict(zip(back.ids(), back.gold(), strict=True)) == {
        item: one.label for item, one in result.labels.items()
    }
    test = Pool.from_file(folder / "test.jsonl", gold="label", text=["text_a", "text_b"])
    alone = {f"{shots} shots": _alone(run.task, lm, test, run.pool, shots) for shots in (0, 4)}
    machine = [one for one in result.labels.values() if one.kind == "llm"]
    right = [one.label == gold[i] for i, one in result.labels.items() if one.kind == "llm"]
    last = result.rounds[-1].metrics
    return {
        "pool": POOL,
        "test": TEST,
        "rounds": len(result.rounds),
        "labels": len(result.labels),
        "by_llm": len(machine),
        "llm_right": None if not right else float(np.mean(right)),
        "learner_accuracy": last["accuracy"],
        "model_alone": alone,
        "tokens": result.cost.tokens,
        "planned_tokens": plan.tokens,
        "report": report.exists(),
        "exported_and_read_back": same,
        "seconds": round(seconds, 1),
    }


def _alone(task: Any, lm: Any, test: Pool, pool: Pool, shots: int) -> float:
    made = LLMAnnotator(task, lm, shots=shots)
    shown = tuple(pool.items(np.arange(40)))
    texts = tuple(pool.items(np.arange(40, 104)))
    items = test.items(np.arange(len(test)))
    given = made.annotate(items, Context(demonstrations=shown, unlabelled=texts, seed=0))
    return float(np.mean([one.label == item.gold for one, item in zip(given, items, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["features", "loop"])
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--sets", default=",".join(SETS))
    options = parser.parse_args()
    part = options.part
    made = features(options) if part == "features" else loop(options)
    path = RESULTS / f"{NAME}.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    key = part if part == "features" else f"loop {Path(options.model).name}"
    parts = {**known.get("parts", {}), key: made}
    now = json.loads(write_results(NAME, {"parts": parts}).read_text())["command"]
    told = dict.fromkeys([*known.get("commands", []), known.get("command", now)])
    write_results(NAME, {"commands": [one for one in told if one != now], "parts": parts})


if __name__ == "__main__":
    main()
