"""Learning curves of query strategies over frozen embeddings, good and poor ("No Free Lunch").

    python benchmarks/learning_curves.py [--shared ../shared] [--sets trec6,sst2] [--seeds 5]
        [--strategies margin,badge] [--long] [--again badge] [--figures-only]

{trec6, ag_news, dbpedia14, sst2, emotion} × {random, TypiClust start} × 12 strategies × 5 paired
seeds × {MiniLM, TF-IDF + truncated SVD of 64 dimensions}: a start of 20 labels and 10 rounds of 20
more. Pools are 3,000 training texts of a set, tests 1,000 test texts (trec6: 500), each drawn once.
The learner is LinearHead with C = 30; strategies have their default options, but ALLSH has one
copy of a text in place of four, and the same in every round and run, so that each is embedded
once. Runs of the same setting and seed share their start set.

Each finished run is a line of runs/learning_curves.jsonl; a killed benchmark goes on from there,
and several processes can share the work (--sets). --long makes the curves that the stopping rules
are tried on (learning_curves_stopping.py): random start, random and margin, 40 rounds, 3 seeds, and
25 rounds of 8 on the two sets that take few labels. --again drops the runs of some strategies
first. Figures go to results/learning_curves.json and docs/figures/learning_curves.svg.

Rauch et al., 2025, "No Free Lunch in Active Learning: LLM Embedding Quality Dictates Query
Strategy Success", after its abstract: the sets, embeddings and numbers here are ours.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from learning_curves_data import EMBEDDINGS, POOL, SETS, SVD_DIMENSIONS, TEST, Embedded, read_set
from learning_curves_plot import draw
from learning_curves_runs import START, Key, run, start_positions
from learning_curves_summary import summary
from results_file import write_results

from llmal.selectors import REGISTRY, Selector, make

ROOT = Path(__file__).resolve().parents[1]
STRATEGIES = (
    "random",
    "margin",
    "entropy",
    "least_confidence",
    "badge",
    "coreset",
    "typiclust",
    "cal",
    "dropquery",
    "promptal",
    "allsh",
    "probcover",
)
STARTS = ("random", "typiclust")
ROUNDS = 10
LONG_ROUNDS = 40
LONG_STRATEGIES = ("random", "margin")
LONG_SEEDS = 3
FINE_SETS = ("ag_news", "dbpedia14")
FINE_BATCH = 8
FINE_ROUNDS = 25


def read_runs(path: Path) -> dict[Key, dict[str, Any]]:
    """Finished runs; the last line of a killed process may be cut off, and is left out."""
    found = {}
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            found[key_of(row)] = row
    return found


def key_of(row: dict[str, Any]) -> Key:
    return Key(**{name: row[name] for name in Key.__dataclass_fields__ if name in row})


def keys(long: bool, seeds: int, sets: Iterable[str], strategies: Iterable[str]) -> Iterator[Key]:
    """All runs to be made, seed by seed, so that what is there early is balanced."""
    for name in sets:
        for seed in range(seeds):
            for embedding in EMBEDDINGS:
                for start in STARTS[:1] if long else STARTS:
                    for strategy in strategies:
                        one = Key(name, embedding, start, strategy, seed, ROUNDS)
                        yield replace(one, rounds=LONG_ROUNDS) if long else one
                        if long and name in FINE_SETS:
                            yield replace(one, rounds=FINE_ROUNDS, batch=FINE_BATCH)


def make_runs(path: Path, shared: Path, wanted: list[Key]) -> None:
    done = read_runs(path)
    left = [key for key in wanted if key not in done]
    print(f"{len(wanted) - len(left)} runs of {len(wanted)} are done", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    current: Embedded | None = None
    starts: dict[tuple[object, ...], Any] = {}
    sets: dict[str, Any] = {}
    with path.open("a", encoding="utf-8") as file:
        for number, key in enumerate(left):
            if current is None or (current.data.name, current.kind) != (key.set, key.embedding):
                if key.set not in sets:
                    sets = {key.set: read_set(shared, key.set)}
                    kinds: dict[str, Embedded] = {}
                if key.embedding not in kinds:
                    kinds[key.embedding] = Embedded(sets[key.set], key.embedding)
                current = kinds[key.embedding]
            place = (*key.setting, key.seed)
            if place not in starts:
                starts[place] = start_positions(current, key.start, key.seed)
            row = run(key, current, _selector(key.strategy, current), starts[place])
            file.write(json.dumps(row) + "\n")
            file.flush()
            if number % 20 == 19 or number + 1 == len(left):
                spent = time.perf_counter() - began
                print(f"{number + 1} of {len(left)} in {spent:.0f} s: {key}", flush=True)


def _selector(strategy: str, embedded: Embedded) -> Selector:
    if strategy == "allsh":
        return make("allsh", copies=1, perturbation=embedded.copies)
    return make(strategy)


def _drop(path: Path, strategies: set[str]) -> None:
    kept = [row for row in read_runs(path).values() if row["strategy"] not in strategies]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept))


def _chosen(given: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    if given is None:
        return known
    names = tuple(given.split(","))
    if unknown := set(names) - set(known):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "learning_curves.jsonl")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets")
    parser.add_argument("--strategies")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--again", default="")
    parser.add_argument("--figures-only", action="store_true")
    arguments = parser.parse_args()
    if arguments.again:
        _drop(arguments.runs, set(arguments.again.split(",")))
    strategies = _chosen(arguments.strategies, LONG_STRATEGIES if arguments.long else STRATEGIES)
    missing = [name for name in strategies if name not in REGISTRY.names()]
    if missing:
        print(f"no such selector, left out: {', '.join(missing)}", flush=True)
    if not arguments.figures_only:
        sets = _chosen(arguments.sets, SETS)
        seeds = min(arguments.seeds, LONG_SEEDS) if arguments.long else arguments.seeds
        there = [name for name in strategies if name not in missing]
        wanted = list(keys(arguments.long, seeds, sets, there))
        make_runs(arguments.runs, Path(arguments.shared), wanted)
    if arguments.long:
        return
    rows = [row for row in read_runs(arguments.runs).values() if row["rounds"] == ROUNDS]
    figures = {
        "pool": POOL,
        "test": TEST,
        "svd_dimensions": SVD_DIMENSIONS,
        "batch": START,
        "rounds": ROUNDS,
        **summary(rows, STRATEGIES),
    }
    print(write_results("learning_curves", figures))
    print(draw(figures))


if __name__ == "__main__":
    main()
