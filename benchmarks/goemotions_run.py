"""A whole run over items of several labels: killed and resumed, exported and read back, served."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from goemotions_data import Part
from kill_and_resume import content, count_annotations, finish, start

from llmal.annotators import LLMAnnotator
from llmal.ledger import Ledger
from llmal.lm import VLLM, TransformersLM
from llmal.pool import Pool

POOL, TEST = 240, 100
CONFIG = """
task: {{name: goemotions, kind: multi, labels: [{labels}]}}
data: {{pool: pool.jsonl, test: test.jsonl, gold: labels}}
lm: {{backend: transformers, model: {model}, prompt_style: completion}}
start: {{selector: kmeans, items: 40}}
selector: {{name: margin, over: max}}
annotator: [{{name: llm, shots: 2, threshold: 0.7, batch_size: 16}}, {{name: human, via: gold}}]
budget: {{human_labels: 90, batch: 20, rounds: 5}}
directory: {directory}
seed: 3
"""
EXPORTS = ("jsonl", "csv", "parquet", "hf")


def _write(folder: Path, train: Part, test: Part) -> None:
    for name, part, count in (("pool", train, POOL), ("test", test, TEST)):
        rows = [
            {"id": one.id, "text": one.text, "labels": list(one.gold or ())}
            for one in part.drawn(count).items
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _configured(folder: Path, train: Part, model: str, directory: str) -> Path:
    config = folder / f"{directory}.yaml"
    labels = ", ".join(train.task.names)
    config.write_text(CONFIG.format(labels=labels, model=model, directory=directory))
    return config


def killed_and_exported(options: argparse.Namespace, train: Part, test: Part) -> dict[str, Any]:
    """One run left alone, and others killed with SIGKILL and gone on with; then exports."""
    rng = random.Random(0)
    model = str(Path(options.model).resolve()) if Path(options.model).exists() else options.model
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write(folder, train, test)
        begun = time.monotonic()
        finish(start(_configured(folder, train, model, "undisturbed")))
        length = time.monotonic() - begun
        wanted = content(folder / "undisturbed")
        rows = []
        for number in range(options.kills):
            name = f"killed-{number}"
            process = start(_configured(folder, train, model, name))
            moment = rng.uniform(0.3, 0.95) * length
            time.sleep(moment)
            ended_before = process.poll() is not None
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kept = count_annotations(folder / name)
            finish(start(_configured(folder, train, model, name)))
            rows.append(
                {
                    "killed_after_s": round(moment, 1),
                    "ended_before": ended_before,
                    "annotations_kept": kept,
                    "equal": content(folder / name) == wanted,
                }
            )
            print(rows[-1], flush=True)
        return {
            "pool": POOL,
            "test": TEST,
            "seconds": round(length, 1),
            "annotations": len(wanted["annotations"]),
            "rounds": len(wanted["rounds"]),
            "kills": rows,
            "exports": _exports(folder / "undisturbed", train),
            "learner": _last_figures(folder / "undisturbed"),
        }


def _last_figures(directory: Path) -> dict[str, Any]:
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        figures = [one.metrics for one in ledger.rounds() if one.metrics]
        by = {one.kind for one in ledger.annotations()}
        spent = ledger.total_usage()
    last = figures[-1]
    names = ("labelled", "micro_f1", "macro_f1", "samples_f1", "subset_accuracy")
    return {
        **{name: last[name] for name in names},
        "kinds": sorted(by),
        "spent": {
            "requests": spent.requests,
            "tokens": spent.tokens,
            "human_labels": spent.human_labels,
        },
    }


def _exports(directory: Path, train: Part) -> dict[str, bool]:
    """Whether what is read back from each export is what the ledger says."""
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        labels = {item: one.label for item, one in ledger.labels().items()}
    found = {}
    for kind in EXPORTS:
        out = directory / ("set" if kind == "hf" else f"out.{kind}")
        more = ["--to", "hf"] if kind == "hf" else []
        command = [sys.executable, "-m", "llmal", "export", str(directory), *more]
        done = subprocess.run(
            [*command, "--out", str(out)],
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        if kind == "hf":
            import datasets

            pool = Pool.from_dataset(datasets.load_from_disk(str(out)), gold="label")
        else:
            pool = Pool.from_file(out, gold="label")
        read = pool.match_labels(train.task)
        found[kind] = dict(zip(read.ids(), read.gold(), strict=True)) == labels
    return found


def at_a_server(options: argparse.Namespace, train: Part) -> dict[str, Any]:
    """Scores of a vLLM server beside those in process, and how long both take."""
    items = train.drawn(options.train).items
    inside = TransformersLM(options.model, device="cpu")
    found: dict[str, Any] = {}
    with VLLM.start(options.model, max_model_len=1024) as server:
        for prompt in ("label_names", "label_each"):
            scores, seconds, requests = {}, {}, {}
            for name, lm in (("in process", inside), ("server", server)):
                made = LLMAnnotator(
                    train.task, lm, prompt=prompt, style="completion", calibrate=None
                )
                made.annotate(items[:2])
                begun = time.perf_counter()
                scored = made.scorer.score(items)
                seconds[name] = round((time.perf_counter() - begun) / len(items), 4)
                scores[name] = scored.scores
                requests[name] = sum(one.requests for one in scored.usage) / len(items)
            apart = np.abs(scores["server"] - scores["in process"])
            p = [1 / (1 + np.exp(-scores[name])) for name in scores]
            found[prompt] = {
                "items": len(items),
                "largest difference in log-odds": float(apart.max()),
                "largest difference in probability": float(np.abs(p[0] - p[1]).max()),
                "seconds an item": seconds,
                "requests an item": requests,
            }
            print(prompt, json.dumps(found[prompt]), flush=True)
    return found
