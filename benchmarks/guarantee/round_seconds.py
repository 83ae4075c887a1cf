"""What one round before the audit takes: seconds of a processor for one fit of the procedure.

    python benchmarks/guarantee/round_seconds.py [--items 2000 5000 20000] [--keep]

Texts of made-up words about four topics and vectors around four centres; a machine that is wrong in
one of six and says how sure it is. People have labelled 3.5 %, then 5 % of the pool more in each
round. The first round also works out what no label of a person changes. `--keep` writes
results/guarantee_round_seconds.json; without it the figures are printed, so that another version of
the package can be measured by the same script.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

import numpy as np
from numpy.typing import NDArray
from results_file import write_results

from llmal.guarantee.evidence import Evidence
from llmal.guarantee.procedure import Procedure
from llmal.task.spaces.single import Single

ROUNDS = 6
LABELS = ("first", "second", "third", "fourth")


def pool(items: int) -> tuple[Evidence, NDArray[np.int64]]:
    rng = np.random.default_rng(items)
    gold = rng.integers(len(LABELS), size=items)
    centres = rng.normal(size=(len(LABELS), 384)) / 20
    vectors = (centres[gold] + rng.normal(size=(items, 384)) / 20).astype(np.float32)
    sure = rng.uniform(0.4, 1.0, size=items)
    wrong = rng.random(items) < 0.55 * (1 - sure)
    machine = np.where(wrong, (gold + 1) % len(LABELS), gold)
    # One word in three is of the topic, the others are of all of them.
    words = rng.zipf(1.3, size=(items, 15)) % 5000
    of_topic = rng.random((items, 15)) < 1 / 3
    texts = [
        " ".join(
            f"t{topic}w{word % 300}" if its else f"w{word}" for word, its in zip(*row, strict=True)
        )
        for topic, row in zip(
            gold.tolist(), zip(words.tolist(), of_topic.tolist(), strict=True), strict=True
        )
    ]
    evidence = Evidence(
        Single(LABELS),
        machine,
        np.full(items, -1),
        np.zeros(items, dtype=np.bool_),
        confidence=sure,
        embeddings=vectors,
        texts=texts,
    )
    return evidence, gold


def measure(items: int) -> dict[str, Any]:
    evidence, gold = pool(items)
    order = np.random.default_rng(0).permutation(items)
    procedure, people = Procedure(), evidence.people.copy()
    labelled, seconds = 0, []
    for number in range(ROUNDS):
        upto = round((0.035 + 0.05 * number) * items)
        people[order[labelled:upto]] = gold[order[labelled:upto]]
        labelled = upto
        now = replace(evidence, people=people.copy())
        begun = time.process_time()
        procedure.advance(now, np.random.default_rng(number))
        seconds.append(time.process_time() - begun)
    return {
        "items": items,
        "machine_wrong": float((evidence.machine != gold).mean()),
        "first_round_s": round(seconds[0], 2),
        "other_rounds_s": [round(one, 3) for one in seconds[1:]],
        "mean_s": round(float(np.mean(seconds[1:])), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, nargs="+", default=[2000, 5000, 20_000])
    parser.add_argument("--keep", action="store_true", help="write the figures into results/")
    given = parser.parse_args()
    figures = {"sizes": [measure(items) for items in given.items]}
    print(json.dumps(figures, indent=1))
    if given.keep:
        write_results("guarantee_round_seconds", figures)


if __name__ == "__main__":
    main()
