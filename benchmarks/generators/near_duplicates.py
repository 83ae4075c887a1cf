"""Texts that are near one another among 200,000: seconds and memory, beside datasketch.

    python benchmarks/generators/near_duplicates.py [--sizes 2000 20000 200000] [--seeds 1]

Texts are made from real ones (training sets of ag_news, dbpedia14, emotion, mr, sst2 and trec6) by
random changes: each is a real text half of whose words are replaced by words of all the texts, as
often as they occur there; one in five is instead a near copy, some earlier text with one word in
twelve replaced. They come in batches of 1,000, as from a generator; a text is refused if it is near
one that was accepted before (Jaccard index of character five-grams of at least 0.7).

    llmal                    `MinHash`: 80 values, candidates compared exactly
    datasketch, same         MinHashLSH with the same values and bands; candidates compared exactly
    datasketch, its default  MinHashLSH(threshold=0.7, num_perm=128): any candidate counts as near

All read the same five-grams of the same cleaned texts, and each stands in a process of its own.
Seconds are of the processor and of the clock, from texts to the last answer, libraries warmed up on
500 texts; memory is by how much the most that is resident exceeds what was before, texts left out.
`found` is the share of those planted copies that do reach the threshold with a source that was
accepted, and were refused; `wrong` the share of refused ones whose index with the text named as
near is below the threshold. With `--work` a run goes on where it stopped in that folder, and
`--sides` names those to measure.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from results_file import (
    add_line,
    read_lines,
    record_command,
    recorded_commands,
    write_results,
)

from llmal.core.records import SyntheticItem
from llmal.generators.filters import MinHash
from llmal.pool.minhash import FIVE_GRAMS, jaccard, rows_for

NAME = "generators_near_duplicates"
SETS = ("ag_news", "dbpedia14", "emotion", "mr", "sst2", "trec6")
THRESHOLD, BATCH, WARM_UP, PERMUTATIONS = 0.7, 1_000, 500, 80
SIZES = (2_000, 20_000, 200_000)
REPLACED, COPIED, COPY_REPLACED = 0.5, 0.2, 1 / 12

Answers = list[int | None]
"""For each text the earlier one that it is near to."""


def make_texts(shared: Path, count: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Texts, and of each the earlier one that it was copied from, or -1."""
    rng = np.random.default_rng(seed)
    real = []
    for name in SETS:
        with gzip.open(shared / "data" / name / "train.jsonl.gz", "rt", encoding="utf-8") as file:
            real += [json.loads(line)["text"].split() for line in file]
    words = np.array([word for text in real for word in text], dtype=object)
    texts: list[list[str]] = []
    sources = np.full(count, -1)
    for row in range(count):
        copied = row > 0 and rng.random() < COPIED
        if copied:
            sources[row] = rng.integers(row)
        base = texts[sources[row]] if copied else real[rng.integers(len(real))]
        new = list(base)
        share = COPY_REPLACED if copied else REPLACED
        for place in np.flatnonzero(rng.random(len(base)) < share):
            new[place] = words[rng.integers(len(words))]
        texts.append(new)
    return [" ".join(text) for text in texts], sources


def by_llmal(texts: list[str]) -> Answers:
    filter = MinHash(threshold=THRESHOLD)
    numbers: Answers = []
    for start in range(0, len(texts), BATCH):
        items = [
            SyntheticItem(str(start + n), text, "a", "benchmark")
            for n, text in enumerate(texts[start : start + BATCH])
        ]
        reasons = filter.check(items)
        filter.remember([item for item, why in zip(items, reasons, strict=True) if why is None])
        for why in reasons:
            numbers.append(None if why is None else int(why.split("'")[1]))
    return numbers


def by_datasketch(texts: list[str], *, same: bool) -> Answers:
    from datasketch import MinHash as Sketch
    from datasketch import MinHashLSH

    rows = rows_for(THRESHOLD)
    permutations = PERMUTATIONS if same else 128
    bands = {"params": (PERMUTATIONS // rows, rows)} if same else {"threshold": THRESHOLD}
    index = MinHashLSH(num_perm=permutations, **bands)
    numbers: Answers = []
    for start in range(0, len(texts), BATCH):
        shingles = [
            [str(one).encode() for one in FIVE_GRAMS.of(text)]
            for text in texts[start : start + BATCH]
        ]
        for number, sketch in enumerate(Sketch.bulk(shingles, num_perm=permutations), start):
            near = index.query(sketch)
            if same:
                own = FIVE_GRAMS.of(texts[number])
                near = [one for one in near if _reaches(own, FIVE_GRAMS.of(texts[one]))]
            numbers.append(near[0] if near else None)
            if not near:
                index.insert(number, sketch, check_duplication=False)
    return numbers


def _reaches(one: frozenset[Any], other: frozenset[Any]) -> bool:
    both = len(one & other)
    return both >= THRESHOLD * (len(one) + len(other) - both)


SIDES: dict[str, Callable[[list[str]], Answers]] = {
    "llmal": by_llmal,
    "datasketch, same": lambda texts: by_datasketch(texts, same=True),
    "datasketch, its default": lambda texts: by_datasketch(texts, same=False),
}


def _resident(what: str) -> float:
    """VmRSS, what is resident now, or VmHWM, the most since the mark was put back, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(one.split()[1]) / 1024 for one in lines if one.startswith(what))


def measure(shared: Path, side: str, count: int, seed: int) -> dict[str, Any]:
    texts, sources = make_texts(shared, count, seed)
    SIDES[side](texts[:WARM_UP])
    Path("/proc/self/clear_refs").write_text("5")  # puts the mark back
    before, clock, processor = _resident("VmRSS"), time.perf_counter(), time.process_time()
    answers = SIDES[side](texts)
    row = {
        "side": side,
        "texts": count,
        "seed": seed,
        "processor seconds": time.process_time() - processor,
        "seconds": time.perf_counter() - clock,
        "MB": _resident("VmHWM") - before,
        "refused": sum(one is not None for one in answers),
    }
    planted = [
        answers[n] is not None
        for n, source in enumerate(sources)
        if source >= 0 and answers[source] is None and jaccard(texts[n], texts[source]) >= THRESHOLD
    ]
    named = [(n, one) for n, one in enumerate(answers) if one is not None]
    wrong = [jaccard(texts[n], texts[one]) < THRESHOLD for n, one in named]
    lengths = [len(FIVE_GRAMS.of(text)) for text in texts[:2000]]
    return row | {
        "planted": len(planted),
        "found": float(np.mean(planted)),
        "wrong": float(np.mean(wrong)),
        "five-grams a text": float(np.mean(lengths)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", root.parent / "shared"))
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        side, count, seed = arguments.one
        print(json.dumps(measure(Path(arguments.shared), side, int(count), int(seed))))
        return
    from importlib.metadata import version

    kept = None if arguments.work is None else arguments.work / "rows.jsonl"
    if kept is not None:
        record_command(arguments.work)
    rows = [] if kept is None else read_lines(kept)
    done = {(row["texts"], row["seed"], row["side"]) for row in rows}
    for count in arguments.sizes:
        for seed in range(arguments.seeds):
            for side in arguments.sides:
                if (count, seed, side) in done:
                    continue
                words = ["--shared", str(arguments.shared), "--one", side, str(count), str(seed)]
                child = subprocess.run(
                    [sys.executable, __file__, *words],
                    check=True,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                rows.append(json.loads(child.stdout))
                if kept is not None:
                    add_line(kept, rows[-1])
                measured = {(row["texts"], row["side"]) for row in rows}
                missing = [
                    f"{size:,} texts by {one}"
                    for size in SIZES
                    for one in SIDES
                    if (size, one) not in measured
                ]
                figures = {
                    "commands": [] if kept is None else recorded_commands(arguments.work),
                    "not measured": ", ".join(missing),
                    "datasketch": version("datasketch"),
                    "data": list(SETS),
                    "threshold": THRESHOLD,
                    "batch": BATCH,
                    "rows": rows,
                }
                write_results(NAME, figures)


if __name__ == "__main__":
    main()
