"""Synthetic items in a run: on a plateau, with a budget of their own, with wrong labels, killed.

    python benchmarks/generators/in_a_run.py --shared PATH --work FOLDER [--seeds 0 1 2]

A run labels a pool with people (simulated from the gold column) and trains a linear head on the
vectors of all-MiniLM-L6-v2. Test gold is looked at once a round for the figures below, and decides
nothing. Each run is a process; one of them is killed with SIGKILL at random moments and started
again until it ends, and its ledger is compared with that of a run that was left alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from results_file import add_line, read_lines, record_command, recorded_commands, write_results

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import SimulatedHuman
from llmal.core.plans import BatchPlan
from llmal.core.records import SyntheticItem
from llmal.generators import Request
from llmal.generators.class_conditional import ClassConditional
from llmal.generators.filters.format_length import FormatAndLength
from llmal.generators.filters.near_duplicates import NearDuplicates
from llmal.generators.policies import EveryRounds, OnPlateau
from llmal.ledger import Ledger
from llmal.lm import TransformersLM
from llmal.run.judgements import judgements
from llmal.run.synthetic_use import SyntheticUse

ARMS = ("none", "each round", "plateau", "budget", "wrong labels", "wrong labels, none withdrawn")
KILLS = 5


class Mislabelled:
    """Has texts of the next label written, and says that they are of the one that was asked for."""

    def __init__(self, task: Task, inner: ClassConditional) -> None:
        self._task = task
        self._inner = inner
        self.lm = inner.lm
        self.name = "mislabelled"
        self.max_tokens = inner.max_tokens
        self.spaces = ("single",)

    def plan(self, request: Request, k: int) -> BatchPlan[list[SyntheticItem]]:
        names = self._task.names
        other = names[(names.index(request.label) + 1) % len(names)]
        inner = self._inner.plan(replace(request, label=other), k)
        return BatchPlan(
            lambda: [
                replace(one, id=f"w{one.id}", label=request.label, generator=self.name)
                for one in inner.execute()
            ],
            each=lambda: inner.each,
            first=lambda count: self.plan(request, count),
            prompts=lambda: inner.prompts,
            once=lambda: inner.once,
        )


def read_rows(path: Path) -> list[dict[str, Any]]:
    import gzip

    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def one_run(given: argparse.Namespace) -> None:
    """A run of one arm and seed in a folder; run again, it goes on."""
    rng = random.Random(given.seed)
    data = given.shared / "data" / given.set
    pool_rows = rng.sample(read_rows(data / "train.jsonl.gz"), given.pool)
    test_rows = rng.sample(read_rows(data / "test.jsonl.gz"), min(given.test, 500))
    names = sorted({row["label"] for row in pool_rows})
    cache = given.work / "cache" / f"{given.set}-{given.seed}"
    pool, test = (
        Pool.from_texts(
            [row["text"] for row in rows], [row["label"] for row in rows], cache=cache / part
        )
        for part, rows in (("pool", pool_rows), ("test", test_rows))
    )
    task = Task(given.set, names)
    options: dict[str, Any] = {}
    if given.arm != "none":
        lm = TransformersLM(given.shared / "models" / "tiny-lm")
        writer = ClassConditional(task, lm, structure="line", max_words=25, shots=1)
        wrong = given.arm.startswith("wrong")
        options = {
            "generator": Mislabelled(task, writer) if wrong else writer,
            "filters": [FormatAndLength(3, 40), NearDuplicates(pool, test=test, embedder=None)],
            "generate_per_label": given.per_label,
            "generate_when": [OnPlateau(2, 0.02)] if given.arm == "plateau" else [EveryRounds()],
            "synthetic": SyntheticUse(
                harm=0 if given.arm.endswith("none withdrawn") else 0.05,
                patience=None if given.arm.endswith("none withdrawn") else 3,
                weight=1.0 if given.arm.endswith("none withdrawn") else "auto",
            ),
        }
        if given.arm == "budget":
            options["generate_budget"] = Budget(tokens=given.tokens)
    Orchestrator(
        task,
        pool,
        directory=given.folder,
        annotator=SimulatedHuman(),
        test=test,
        budget=Budget(rounds=given.rounds, batch=given.batch),
        seed=given.seed,
        **options,
    ).run()


def told(folder: Path, arm: str, seed: int) -> dict[str, Any]:
    """The figures of a run that has ended."""
    with Ledger.open(folder / "ledger.sqlite", read_only=True) as ledger:
        written, judged, rounds = ledger.synthetic(), judgements(ledger), ledger.rounds()
        usage = ledger.usage()
    spent = [one for name, one in usage.items() if name in ("class_conditional", "mislabelled")]
    last = judged[-1] if judged else None
    return {
        "arm": arm,
        "seed": seed,
        "test accuracy": [round(one.metrics["accuracy"], 4) for one in rounds],
        "labels": [one.metrics["labelled"] for one in rounds],
        "written in rounds": sorted({one.provenance["round"] for one in written}),
        "written": len(written),
        "accepted": sum(one.accepted for one in written),
        "distinct ids": len({one.id for one in written}),
        "tokens": sum(one.tokens for one in spent),
        "weights": [one.weight for one in judged],
        "withdrawn": {} if last is None else dict(last.withdrawn),
        "stopped": None if last is None else last.stopped,
        "standing": 0 if last is None else last.synthetic,
        "held-out accuracy": None if last is None else last.accuracy,
        "held-out accuracy without": None if last is None else last.accuracy_without,
        "used": None if last is None else round(last.used, 3),
    }


def content(folder: Path) -> dict[str, Any]:
    """What must be equal in a run that was killed."""
    with Ledger.open(folder / "ledger.sqlite", read_only=True) as ledger:
        usage = {name: (one.requests, one.tokens) for name, one in ledger.usage().items()}
        return {
            "annotations": sorted((one.item_id, one.label) for one in ledger.annotations()),
            "rounds": [(one.number, one.item_ids) for one in ledger.rounds()],
            "synthetic": [(one.id, one.text, one.accepted) for one in ledger.synthetic()],
            "judgements": judgements(ledger),
            "usage": usage,
        }


def start(given: argparse.Namespace, arm: str, seed: int, folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, __file__, "--arm", arm, "--seed", str(seed), "--folder", str(folder)]
    for name in ("shared", "work", "set", "pool", "test", "rounds", "batch", "per_label", "tokens"):
        words += [f"--{name.replace('_', '-')}", str(getattr(given, name))]
    return subprocess.Popen(words, env={**os.environ, "OMP_NUM_THREADS": "1"})


def killed(given: argparse.Namespace, seed: int, length: float) -> dict[str, Any]:
    """A run on a plateau that is killed several times."""
    folder = given.work / f"killed-{seed}"
    rng = random.Random(seed)
    moments = []
    for _ in range(KILLS):
        process = start(given, "plateau", seed, folder)
        # What was done before is not done again, so that each start takes less than the last.
        moment = rng.uniform(0.2, 0.7) * length
        time.sleep(moment)
        ended = process.poll() is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        if ended:
            break
        moments.append(round(moment, 1))
    if start(given, "plateau", seed, folder).wait():
        raise SystemExit("a run that was killed could not go on")
    mine, whole = content(folder), content(given.work / f"plateau-{seed}")
    return {
        "arm": "plateau, killed",
        "seed": seed,
        "killed after seconds": moments,
        **{f"same {name}": mine[name] == whole[name] for name in mine},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", default="trec6")
    parser.add_argument("--pool", type=int, default=600)
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--per-label", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=2500)
    parser.add_argument("--arm", choices=ARMS)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.arm is not None:
        one_run(given)
        return
    record_command(given.work)
    lines = given.work / "runs.jsonl"
    done = {(one["arm"], one["seed"]): one for one in read_lines(lines)}
    for seed in given.seeds:
        for arm in ARMS:
            if (arm, seed) in done:
                continue
            begun = time.monotonic()
            folder = given.work / f"{arm.replace(' ', '-').replace(',', '')}-{seed}"
            if start(given, arm, seed, folder).wait():
                raise SystemExit(f"the run {arm!r} failed")
            figures = {**told(folder, arm, seed), "seconds": round(time.monotonic() - begun, 1)}
            add_line(lines, figures)
            done[arm, seed] = figures
        if ("plateau, killed", seed) not in done:
            add_line(lines, killed(given, seed, done["plateau", seed]["seconds"]))
    rows = read_lines(lines)
    sizes = ("set", "pool", "test", "rounds", "batch", "per_label", "tokens")
    write_results(
        "generators_in_a_run",
        {
            "commands": recorded_commands(given.work),
            **{name: getattr(given, name) for name in sizes},
            "seeds": sorted({one["seed"] for one in rows}),
            "rows": rows,
        },
        model="tiny-lm",
    )


if __name__ == "__main__":
    main()
