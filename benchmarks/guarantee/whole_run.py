"""A whole run of `llmal.label`, killed twelve times, beside one that was left alone.

    python benchmarks/guarantee/whole_run.py run --work FOLDER --model smollm2-135m-instruct
    python benchmarks/guarantee/whole_run.py tell --work FOLDER --model smollm2-135m-instruct

A language model labels items of ag_news, people answer from gold, and the run works for the
promise of at most 5 % wrong labels with 95 % confidence. Each process is killed with SIGKILL and
started again, at moments drawn uniformly from the first three quarters of the time that the
undisturbed run took. Both have caches of their own, so that each asks the model itself.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from results_file import write_results

import llmal
from llmal.core.cache_folder import cache_folder
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


def label(
    items: Path, directory: Path, model: str, seed: int, shots: int, kill_after: float
) -> None:
    """Label, in a process of its own; killed so many seconds after the first answers.

    Prints how long it took from then on, and what came of it.
    """
    begun: list[float] = []

    def told(*_: Any) -> None:
        if begun:
            return
        begun.append(time.monotonic())
        if kill_after:
            timer = threading.Timer(kill_after, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()

    result = llmal.label(
        items,
        LABELS,
        guidelines=GUIDELINES,
        text="text",
        gold="label",
        people="gold",
        lm=model,
        shots=shots,
        directory=directory,
        seed=seed,
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


def start(folder: Path, given: argparse.Namespace, kill_after: float) -> dict[str, Any] | None:
    """One process; what it printed, or None if it was killed."""
    done = subprocess.run(
        [
            *(sys.executable, __file__, "--model", given.model, "--seed", str(given.seed)),
            *("--shots", str(given.shots)),
            *("--directory", str(folder), "--kill-after", str(kill_after)),
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
    folder: Path, given: argparse.Namespace, seconds: float
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A run that is killed again and again; what came of it, and where each kill fell."""
    rng = random.Random(given.seed)
    # A process that goes on is not slower than one that was left alone: none may end unkilled.
    moments = sorted(rng.uniform(0, 0.75 * seconds) for _ in range(given.kills))
    waits = [max(0.05, b - a) for a, b in zip([0.0, *moments], moments, strict=False)]
    kills = []
    for wait in waits:
        found = start(folder, given, wait)
        if found is not None:
            return found, kills
        kills.append({"after_s": round(wait, 2), **where(folder)})
        print(kills[-1], flush=True)
    found = start(folder, given, 0.0)
    assert found is not None
    return found, kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "tell"], nargs="?", default="run")
    parser.add_argument("--work", type=Path, help="where the runs are kept; a new folder")
    parser.add_argument("--model", required=True, help="a known name, or a path")
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--shots", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shared", type=Path, default=os.environ.get("LLMAL_SHARED", "../shared"))
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kill-after", type=float, default=0.0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.directory is not None:
        items, run = given.directory / "items.jsonl", given.directory / "run"
        label(items, run, given.model, given.seed, given.shots, given.kill_after)
        return
    if given.what == "run":
        run_both(given)
    tell(given)


def run_both(given: argparse.Namespace) -> None:
    """The run that is left alone, and the one that is killed; what came of them is kept."""
    for name in ("alone", "killed"):
        (given.work / name / "cache").mkdir(parents=True)
        # Of the usual cache the models alone: what they answered is not shared.
        (given.work / name / "cache" / "models").symlink_to(cache_folder() / "models")
        write_items(given.shared, given.work / name, given.items)
    wanted = start(given.work / "alone", given, 0.0)
    assert wanted is not None
    keep(given.work / "alone.json", wanted)
    print(f"undisturbed: {wanted['seconds']:.0f} s, {wanted['people_labels']} labels by people")
    found, kills = run_killed(given.work / "killed", given, wanted["seconds"])
    keep(given.work / "killed.json", {**found, "kills": kills})


def keep(path: Path, what: dict[str, Any]) -> None:
    path.write_text(json.dumps(what), encoding="utf-8")


def tell(given: argparse.Namespace) -> None:
    """The figures of both runs."""
    wanted, found = (
        json.loads((given.work / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("alone", "killed")
    )
    figures = {
        "items": len(wanted["labels"]),
        "max_error": 0.05,
        "confidence": 0.95,
        "undisturbed_s": round(wanted["seconds"], 1),
        "kills": found["kills"],
        "equal": {
            key: found[key] == wanted[key]
            for key in ("labels", "by", "people_labels", "certificate")
        },
        "tokens": [wanted["tokens"], found["tokens"]],
        "machine_wrong": machine_wrong(given.work / "killed"),
        "people_labels": found["people_labels"],
        "people_labels_by_phase": phases(given.work / "killed"),
        "given_by": dict(Counter(found["by"])),
        "wrong": found["wrong"],
        "wrong_by": found["wrong_by"],
        "certificate": {
            key: value
            for key, value in found["certificate"].items()
            if key not in ("accepted", "to_people", "details")
        },
    }
    write_results(NAME, figures, model=Path(given.model).name)
    print(json.dumps(figures, indent=1))


def machine_wrong(folder: Path) -> float:
    """The share of the language model's own labels that are wrong, of those that it gave."""
    rows = (folder / "items.jsonl").read_text(encoding="utf-8").splitlines()
    gold = {str(row["id"]): row["label"] for row in map(json.loads, rows)}
    with Ledger.open(folder / "run" / "ledger.sqlite", read_only=True) as ledger:
        said = {one.item_id: one.label for one in ledger.annotations() if one.kind == "llm"}
    return sum(label != gold[item_id] for item_id, label in said.items()) / len(said)


if __name__ == "__main__":
    main()
