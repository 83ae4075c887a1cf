"""Seconds of a round with everything: Entropy, ALLSH, CAL and BADGE, as in ALLSH's Table 13.

    python benchmarks/selectors_table13.py [--data ag_news] [--items 3000] [--threads 1]

The clock starts when the learner (a logistic regression on MiniLM embeddings) is fitted and stops
with the picks. Two settings. *Frozen*, llmal's own: the embeddings of the pool are there from the
start, so only what is new must be embedded, which are ALLSH's copies. *Trained*, the paper's: the
encoder is trained in each round, so every strategy must first encode the pool. MiniLM's time
stands for that, with no cache. What a strategy itself takes is measured in llmal and its peers.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results_file import write_results
from selectors_data import draw_labelled, read
from selectors_peers import BY_PEER, Round

from llmal.core.records import Item
from llmal.embed import SentenceEmbedder
from llmal.selectors import REGISTRY, RoundState, make

ROOT = Path(__file__).resolve().parents[1]
PAPER = {"Entropy": 227, "ALLSH": 541, "ALLSH (WCA)": 636, "CAL": 755, "BADGE": 10_303}
ORDER = ("Entropy", "ALLSH", "CAL", "BADGE")
LABELLED, PICKS = 100, 50
RUNS = 3


class Encoder:
    """MiniLM, which counts what it encodes."""

    def __init__(self) -> None:
        self._model = SentenceEmbedder(cache=False)
        self.texts = 0

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += len(set(texts))
        return self._model.embed(texts)


def timed(work: Callable[[], Any], runs: int = 1) -> tuple[float, float, Any]:
    """Least wall and processor seconds over some runs, and the last answer."""
    wall, cpu = [], []
    for _ in range(runs):
        started, used = time.perf_counter(), time.process_time()
        answer = work()
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return min(wall), min(cpu), answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="ag_news")
    parser.add_argument("--items", type=int, default=3_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--dry", action="store_true", help="write no results")
    options = parser.parse_args()
    wanted = {f"{one}_NUM_THREADS": str(options.threads) for one in ("OMP", "OPENBLAS", "MKL")}
    if not wanted.items() <= os.environ.items():
        # Libraries read these when they are loaded.
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted)

    rng = np.random.default_rng(0)
    texts, labels, _ = read(Path(options.shared), options.data, ["train"])
    chosen = rng.permutation(len(texts))[: options.items]
    texts, labels = [texts[place] for place in chosen], labels[chosen]
    encode = Encoder()
    encode(texts[:64])  # loads the model
    pool_seconds, pool_cpu, embeddings = timed(lambda: encode(texts))
    labelled = draw_labelled(labels, LABELLED, rng)
    given = Round(embeddings, labelled, labels[labelled], k=PICKS)
    given = Round(
        embeddings,
        labelled,
        labels[labelled],
        probabilities=given.predict(embeddings).astype(np.float32),
        k=PICKS,
    )

    def predict_items(items: Sequence[Item]) -> np.ndarray:
        return given.predict(encode([item.text for item in items]))

    def ours(name: str, **settings: Any) -> Callable[[], Any]:
        def pick() -> Any:
            state = RoundState.from_arrays(
                embeddings=embeddings,
                probabilities=given.predict(embeddings),
                labelled=labelled,
                labels=given.labels,
                texts=texts,
                predict_items=predict_items,
            )
            return make(name, **settings).select(state, PICKS, np.random.default_rng(0))

        return pick

    ways: list[tuple[str, str, str, Callable[[], Any], int]] = [
        ("Random", "llmal", "random", ours("random"), RUNS),
        ("Entropy", "llmal", "entropy", ours("entropy"), RUNS),
        ("ALLSH", "llmal", "allsh", ours("allsh", copies=1), 1),
        ("ALLSH (WCA)", "llmal", "allsh", ours("allsh", copies=4), 1),
        ("CAL", "llmal", "cal", ours("cal"), RUNS),
        ("BADGE", "llmal", "badge", ours("badge"), RUNS),
        *(
            (
                label,
                peer,
                name,
                lambda peer=peer, name=name: BY_PEER[peer][name](given, 0),
                RUNS,
            )
            for label, name in (("Entropy", "entropy"), ("CAL", "cal"), ("BADGE", "badge"))
            for peer in BY_PEER
        ),
    ]
    rows: list[dict[str, Any]] = []
    print(f"the pool: {len(texts)} texts encoded in {pool_seconds:.1f} s ({pool_cpu:.1f} s CPU)")
    for label, side, name, pick, runs in ways:
        if name not in REGISTRY.names():
            print(f"{name} is skipped: not registered")
            continue
        if runs > 1:
            pick()  # imports
        before = encode.texts
        seconds, cpu, _ = timed(pick, runs)
        rows.append(
            {
                "strategy": label,
                "side": side,
                "encoded": encode.texts - before,
                "seconds": round(seconds, 4),
                "cpu_seconds": round(cpu, 4),
                "seconds_with_pool": round(seconds + pool_seconds, 3),
                "cpu_seconds_with_pool": round(cpu + pool_cpu, 3),
                "paper_seconds": PAPER.get(label),
            }
        )
        print(
            f"{label:<14}{side:<16}{rows[-1]['encoded']:>7} texts encoded{seconds:>10.3f} s"
            f"{cpu:>10.3f} s CPU, with the pool {seconds + pool_seconds:>8.2f} s",
            flush=True,
        )
    clock = "cpu_seconds" if options.threads == 1 else "seconds"
    orders = {}
    for side in ("llmal", *BY_PEER):
        times = {
            row["strategy"]: row["seconds_with_pool"] for row in rows if row["side"] == "llmal"
        }
        times |= {row["strategy"]: row["seconds_with_pool"] for row in rows if row["side"] == side}
        known = [name for name in ORDER if name in times]
        orders[side] = sorted(known, key=times.__getitem__)
        print(f"order with {side}: {' < '.join(orders[side])}")
    if options.dry:
        return
    write_results(
        "selectors_table13",
        {
            "data": options.data,
            "items": options.items,
            "labelled": LABELLED,
            "labels": int(labels.max()) + 1,
            "k": PICKS,
            "threads": options.threads,
            "clock": clock,
            "pool_seconds": round(pool_seconds, 3),
            "pool_cpu_seconds": round(pool_cpu, 3),
            "paper_order": list(ORDER),
            "orders": orders,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
