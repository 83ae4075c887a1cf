"""Runs killed with SIGKILL at random moments and run again, against one that was left alone.

    python benchmarks/kill_and_resume.py --model PATH --data pool.jsonl.gz --kills 30

Every run labels a pool of some hundred items with a language model behind a vLLM server, with
people (simulated from the gold column) behind it, and trains a learner in each round. A proxy
counts the prompts that reach the server. The kill falls at a random moment of the run; then the
same command is run again to its end.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from counting_proxy import CountingProxy
from results_file import write_results

from llmal.ledger import Ledger
from llmal.lm import VLLM

CONFIG = """
task: {{name: killed, text: text, labels: [{labels}]}}
data: {{pool: {pool}, gold: label}}
objective: labels
lm: {{url: "{url}", prompt_style: completion}}
start: {{selector: kmeans, items: 12}}
selector: {{name: margin}}
annotator: [{{name: llm, shots: 2, batch_size: 64}}, {{name: human, via: gold}}]
budget: {{human_labels: 36, batch: 12}}
directory: {directory}
seed: 3
"""


def write_inputs(folder: Path, data: Path, url: str, items: int, directory: str) -> Path:
    with gzip.open(data, "rt") as lines:
        rows = [json.loads(line) for line in lines][:items]
    (folder / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    labels = ", ".join(json.dumps(name) for name in sorted({row["label"] for row in rows}))
    config = folder / f"{directory}.yaml"
    config.write_text(CONFIG.format(labels=labels, pool="pool.jsonl", url=url, directory=directory))
    return config


def start(config: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "llmal", "run", str(config), "--quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=300)
    if process.returncode != 0:
        raise SystemExit(f"a run ended with {process.returncode}: {errors.decode()[-2000:]}")


def content(directory: Path) -> dict[str, object]:
    """What must be equal: all of the ledger but clocks, with probabilities to four digits."""
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        annotations = [
            (
                one.round,
                one.item_id,
                one.annotator,
                one.label,
                one.decision,
                one.usage.prompt_tokens,
                one.usage.human_labels,
                json.dumps(one.provenance, sort_keys=True),
                None
                if one.probabilities is None
                else tuple(round(p, 4) for p in one.probabilities.values()),
            )
            for one in ledger.annotations()
        ]
        rounds = [(one.number, one.phase, one.selector, one.item_ids) for one in ledger.rounds()]
        labels = {item: one.label for item, one in ledger.labels().items()}
    return {"annotations": sorted(annotations, key=repr), "rounds": rounds, "labels": labels}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as temporary, VLLM.start(given.model) as server:
        folder = Path(temporary)
        proxy = CountingProxy(server.urls[0].removesuffix("/v1"))
        config = write_inputs(folder, given.data, proxy.url, given.items, "undisturbed")
        finish(start(config))  # fills the caches of pool and embeddings, alike for all that follow
        for name in ("ledger.sqlite", "responses.sqlite"):
            for path in (folder / "undisturbed").glob(f"{name}*"):
                path.unlink()
        proxy.reset()
        begun = time.monotonic()
        finish(start(config))
        length = time.monotonic() - begun
        wanted = content(folder / "undisturbed")
        baseline = sum(proxy.asked.values())
        print(
            f"undisturbed: {length:.1f} s, {len(wanted['annotations'])} annotations, "
            f"{baseline} prompts"
        )
        rows = []
        for number in range(given.kills):
            proxy.reset()
            name = f"killed-{number:02d}"
            config = write_inputs(folder, given.data, proxy.url, given.items, name)
            process = start(config)
            moment = rng.uniform(0.3, 1.0) * length  # before that it only imports and opens
            time.sleep(moment)
            ended_before = process.poll() is not None
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stderr.close()
            time.sleep(0.3)
            kept = count_annotations(folder / name)
            finish(start(config))
            asked = sum(proxy.asked.values())
            rows.append(
                {
                    "killed_after_s": round(moment, 2),
                    "ended_before": ended_before,
                    "annotations_kept": kept,
                    "equal": content(folder / name) == wanted,
                    "prompts": asked,
                    "in_flight_at_the_kill": asked - baseline - sum(proxy.asked_again.values()),
                    "answered_and_asked_again": sum(proxy.asked_again.values()),
                }
            )
            print(rows[-1], flush=True)
        proxy.close()
    equal = sum(row["equal"] for row in rows)
    again = sum(row["answered_and_asked_again"] for row in rows)
    in_flight = [row["in_flight_at_the_kill"] for row in rows]
    print(
        f"{equal} of {len(rows)} ledgers equal; prompts asked again although the run had read "
        f"their answers: {again}; "
        f"lost in flight: median {statistics.median(in_flight)}, most {max(in_flight)}"
    )
    write_results(
        "kill_and_resume",
        {
            "undisturbed_s": round(length, 1),
            "annotations": len(wanted["annotations"]),
            "prompts_undisturbed": baseline,
            "equal": equal,
            "runs": len(rows),
            "answered_and_asked_again": again,
            "rows": rows,
        },
    )


def count_annotations(directory: Path) -> int:
    if not (directory / "ledger.sqlite").exists():
        return 0
    with Ledger.open(directory / "ledger.sqlite") as ledger:
        return sum(1 for _ in ledger.annotations())


if __name__ == "__main__":
    main()
