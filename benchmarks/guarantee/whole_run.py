"""A whole run of `llmal.label`, killed twelve times, beside one that was left alone.

    python benchmarks/guarantee/whole_run.py run --work FOLDER --model smollm2-135m-instruct
    python benchmarks/guarantee/whole_run.py tell --work FOLDER --model smollm2-135m-instruct

A language model labels items of ag_news, people answer from gold, and the run works for the
promise of at most 5 % wrong labels with 95 % confidence. Each process is killed with SIGKILL and
started again: half of the kills fall at moments drawn uniformly from the first half of the time
that the undisturbed run took, in which the model answers; the others up to half a second after
people have given a number of labels that is drawn uniformly from the first nine tenths of what they
give (one of these falls away where the run has ended before it). The runs have caches of their own,
so that each asks the model itself, unless `--answers` says what it has answered before.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

import numpy as np
from results_file import write_results

import llmal
from llmal.annotators import Outside, Router, SimulatedHuman
from llmal.core.cache_folder import cache_folder
from llmal.guarantee.forecast import forecast_pool
from llmal.ledger import Ledger

NAME = "guarantee_whole_run"
LABELS = {
    "World": "politics, war and events around the world",
    "Sports": "sports",
    "Business": "companies, markets and the economy",
    "Sci/Tech": "science, computers and technology",
}
GUIDELINES = "Which section of a newspaper does this article belong to?"


def write_items(shared: Path, folder: Path, items: int) -> Path:
    """The first so many rows of the test part."""
    with gzip.open(shared / "data" / "ag_news" / "test.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][:items]
    path = folder / "items.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def label(given: argparse.Namespace) -> None:
    """Label, in a process of its own, and be killed: so many seconds after the first answers, or
    after those with which people have given a number of labels.

    Prints how long it took from the first answers on, and what came of it.
    """
    begun: list[float] = []
    timers: list[threading.Timer] = []

    def told(what: str, done: int, total: int, cost: llmal.Usage) -> None:
        begun.append(time.monotonic())
        if given.kill_after is None or timers or cost.human_labels < given.kill_labels:
            return
        timers.append(threading.Timer(given.kill_after, os.kill, (os.getpid(), signal.SIGKILL)))
        timers[0].daemon = True
        timers[0].start()

    result = llmal.label(
        given.directory / "items.jsonl",
        LABELS,
        guidelines=GUIDELINES,
        text="text",
        gold="label",
        people="gold",
        lm=given.model,
        directory=given.directory / "run",
        seed=given.seed,
        progress=told,
    )
    certificate = result.certificate
    # The data has a column "label" of its own, which is gold.
    truth = [row["label"] for row in result.rows]
    wrong = Counter(
        by for one, gold, by in zip(result.labels, truth, result.by, strict=True) if one != gold
    )
    print(
        json.dumps(
            {
                "seconds": time.monotonic() - begun[0] if begun else 0.0,
                "status": result.status,
                "labels": result.labels,
                "by": result.by,
                "people_labels": result.people_labels,
                "wrong": sum(wrong.values()),
                "wrong_by": dict(wrong),
                "tokens": result.cost.tokens,
                "certificate": None if certificate is None else certificate.as_dict(),
            }
        )
    )


def start(
    folder: Path, given: argparse.Namespace, kill_after: float | None = None, kill_labels: int = 0
) -> dict[str, Any] | None:
    """One process; what it printed, or None if it was killed."""
    kill = () if kill_after is None else ("--kill-after", kill_after, "--kill-labels", kill_labels)
    done = subprocess.run(
        [
            *(sys.executable, __file__, "--model", given.model, "--seed", str(given.seed)),
            *("--directory", str(folder), *map(str, kill)),
        ],
        env={**os.environ, "LLMAL_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
    )
    if done.returncode == -signal.SIGKILL:
        return None
    if done.returncode:
        raise SystemExit(f"a run ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def where(folder: Path) -> dict[str, Any]:
    """What a killed run has in its ledger."""
    path = folder / "run" / "ledger.sqlite"
    if not path.exists():
        return {"phase": None, "annotations": 0, "people_labels": 0}
    with Ledger.open(path, read_only=True) as ledger:
        rounds = ledger.rounds()
        return {
            "phase": rounds[-1].phase if rounds else None,
            "annotations": ledger.annotation_count(),
            "people_labels": ledger.total_usage().human_labels,
        }


def phases(folder: Path) -> dict[str, int]:
    """How many labels people gave in each phase, and how many each text was asked about."""
    with Ledger.open(folder / "run" / "ledger.sqlite", read_only=True) as ledger:
        names = {one.number: one.phase for one in ledger.rounds()}
        people = [one for one in ledger.annotations() if one.kind == "human"]
        assert len({one.item_id for one in people}) == len(people), "a person was asked twice"
        return dict(Counter(names[one.round] for one in people if one.round is not None))


def run_killed(
    folder: Path, given: argparse.Namespace, wanted: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A run that is killed again and again; what came of it, and where each kill fell."""
    rng = random.Random(given.seed)
    half = given.kills // 2
    moments = sorted(rng.uniform(0, wanted["seconds"] / 2) for _ in range(half))
    plan = [(max(0.05, b - a), 0) for a, b in zip([0.0, *moments], moments, strict=False)]
    most = max(2, wanted["people_labels"] * 9 // 10)
    counts = sorted(rng.randrange(1, most) for _ in range(given.kills - half))
    plan += [(rng.uniform(0, 0.5), count) for count in counts]
    kills = []
    for wait, count in plan:
        found = start(folder, given, wait, count)
        if found is not None:
            return found, kills
        kills.append({"after_s": round(wait, 2), "after_labels": count, **where(folder)})
        print(kills[-1], flush=True)
    found = start(folder, given)
    assert found is not None
    return found, kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "tell"], nargs="?", default="run")
    parser.add_argument("--work", type=Path, help="where the runs are kept; a new folder")
    parser.add_argument("--model", required=True, help="a known name, or a path")
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--answers", type=Path, help="the model's answers of an earlier run")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shared", type=Path, default=os.environ.get("LLMAL_SHARED", "../shared"))
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kill-after", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--kill-labels", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.directory is not None:
        label(given)
        return
    if given.what == "run":
        run_both(given)
    tell(given)


def run_both(given: argparse.Namespace) -> None:
    """The run that is left alone, and the one that is killed; what came of them is kept."""
    alone, killed = given.work / "alone", given.work / "killed"
    if not (given.work / "alone.json").exists():
        prepare(alone, given)
        keep(given.work / "alone.json", start(alone, given))
    wanted = json.loads((given.work / "alone.json").read_text(encoding="utf-8"))
    print(f"undisturbed: {wanted['seconds']:.0f} s, {wanted['people_labels']} labels by people")
    prepare(killed, given)
    found, kills = run_killed(killed, given, wanted)
    keep(given.work / "killed.json", {**found, "kills": kills})


def prepare(folder: Path, given: argparse.Namespace) -> None:
    """A folder with the items, and with a cache of its own."""
    (folder / "cache").mkdir(parents=True)
    # Of the usual cache the models alone: what they answered is not shared.
    (folder / "cache" / "models").symlink_to(cache_folder() / "models")
    if given.answers is not None:
        shutil.copyfile(given.answers, folder / "cache" / "answers.sqlite")
    write_items(given.shared, folder, given.items)


def keep(path: Path, what: dict[str, Any] | None) -> None:
    path.write_text(json.dumps(what), encoding="utf-8")


def tell(given: argparse.Namespace) -> None:
    """The figures of all runs in the folder: the one that was left alone, and each killed one."""
    wanted = json.loads((given.work / "alone.json").read_text(encoding="utf-8"))
    killed = []
    for path in sorted(given.work.glob("killed*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        keys = ("labels", "by", "people_labels", "certificate", "tokens")
        killed.append(
            {
                "kills": found["kills"],
                "equal": {key: found[key] == wanted[key] for key in keys},
                "people_labels_by_phase": phases(path.with_suffix("")),
            }
        )
    figures = {
        "items": len(wanted["labels"]),
        "max_error": 0.05,
        "confidence": 0.95,
        "undisturbed_s": round(wanted["seconds"], 1),
        "killed": killed,
        "tokens": wanted["tokens"],
        "forecast_after_the_pilot": pilot_forecast(given.work / "alone", given.seed),
        "machine_wrong": machine_wrong(given.work / "alone"),
        "people_labels": wanted["people_labels"],
        "people_labels_by_phase": phases(given.work / "alone"),
        "given_by": dict(Counter(wanted["by"])),
        "wrong": wanted["wrong"],
        "wrong_by": wanted["wrong_by"],
        "certificate": {
            key: value
            for key, value in wanted["certificate"].items()
            if key not in ("accepted", "to_people", "details")
        },
    }
    write_results(NAME, figures, model=Path(given.model).name)
    print(json.dumps(figures, indent=1))


def pilot_forecast(folder: Path, seed: int) -> dict[str, Any]:
    """What was to be expected when the seed and the machine's labels were there, and no more."""
    task = llmal.Task("label", LABELS, GUIDELINES, text="text")
    pool = llmal.Pool.from_file(folder / "items.jsonl", text="text", gold="label")
    campaign = llmal.Campaign(
        task,
        pool,
        directory=folder / "run",
        annotator=Router([Outside("llm", kind="llm"), SimulatedHuman()]),
        objective="labels",
        seed=seed,
    )
    promise = campaign.promise
    assert promise is not None
    with Ledger.open(folder / "run" / "ledger.sqlite", read_only=True) as ledger:
        first = next(one.number for one in ledger.rounds() if one.phase == "doubtful")
        evidence = promise.evidence(ledger, first, campaign.items.usable.ids())
    scored = promise.procedure.score(evidence, np.random.default_rng(seed))
    found = forecast_pool(evidence, scored, epsilons=(0.05,), alpha=0.05)
    return {"labelled": found.labelled, "level": found.level, **asdict(found.at(0.05))}


def machine_wrong(folder: Path) -> float:
    """The share of the language model's own labels that are wrong, of those that it gave."""
    rows = (folder / "items.jsonl").read_text(encoding="utf-8").splitlines()
    gold = {str(row["id"]): row["label"] for row in map(json.loads, rows)}
    with Ledger.open(folder / "run" / "ledger.sqlite", read_only=True) as ledger:
        said = {one.item_id: one.label for one in ledger.annotations() if one.kind == "llm"}
    return sum(label != gold[item_id] for item_id, label in said.items()) / len(said)


if __name__ == "__main__":
    main()
