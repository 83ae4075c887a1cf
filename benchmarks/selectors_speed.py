"""Seconds and memory of one `select` of each selector, on pools of up to a million items.

    python benchmarks/selectors_speed.py [--sizes 10000 100000 1000000] [--threads 1]

A random mixture of 50 Gaussians in 64 dimensions, probabilities over 14 labels, no label yet, k=20.
Each measurement has a process of its own, so that its peak memory is its own: the growth of
resident memory above that of the arrays, which are there before the clock starts. The time holds
the checks of the arrays (`RoundState`) apart from the selection; imports are done before.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time

from results_file import write_results

DIMENSIONS, LABELS, MIXTURE, PICKS = 64, 14, 50, 20


def peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def measure(name: str, size: int) -> dict[str, float | int | str]:
    import numpy as np

    import llmal.selectors as room

    rng = np.random.default_rng(0)
    selector = room.REGISTRY.get(name)()
    signals = {}
    if "embeddings" in selector.requires:
        embeddings = rng.standard_normal((size, DIMENSIONS), dtype="float32")
        centres = rng.normal(scale=2, size=(MIXTURE, DIMENSIONS)).astype("float32")
        for start in range(0, size, 100_000):
            part = embeddings[start : start + 100_000]
            part += centres[rng.integers(MIXTURE, size=len(part))]
        signals["embeddings"] = embeddings
    if "probabilities" in selector.requires:
        signals["probabilities"] = rng.dirichlet(np.full(LABELS, 0.3), size=size)

    # A first selection pays for imports and thread pools.
    small = {signal: values[:500] for signal, values in signals.items()}
    state = room.RoundState.from_arrays(**small, labelled=[], labels=[], size=500)
    selector.select(state, k=PICKS, rng=rng)

    before = peak_mb()
    start = time.perf_counter()
    state = room.RoundState.from_arrays(**signals, labelled=[], labels=[], size=size)
    checked = time.perf_counter()
    selector.select(state, k=PICKS, rng=rng)
    done = time.perf_counter()
    return {
        "selector": name,
        "items": size,
        "check_seconds": round(checked - start, 4),
        "select_seconds": round(done - checked, 4),
        "extra_mb": round(peak_mb() - before, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", nargs=2, metavar=("NAME", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one[0], int(options.one[1]))))
        return

    from llmal.selectors import REGISTRY

    limits = {"OMP_NUM_THREADS": str(options.threads), "OPENBLAS_NUM_THREADS": str(options.threads)}
    rows = []
    print(f"{'selector':<18}{'items':>10}{'check s':>10}{'select s':>10}{'extra MB':>10}")
    for size in options.sizes:
        for name in REGISTRY.names():
            command = [sys.executable, __file__, "--one", name, str(size)]
            answer = subprocess.run(
                command, env=os.environ | limits, capture_output=True, text=True, check=False
            )
            if answer.returncode:
                sys.exit(answer.stderr)
            row = json.loads(answer.stdout)
            rows.append(row)
            print(
                f"{row['selector']:<18}{row['items']:>10,}{row['check_seconds']:>10.3f}"
                f"{row['select_seconds']:>10.3f}{row['extra_mb']:>10.0f}",
                flush=True,
            )
    write_results(
        "selectors_speed",
        {
            "dimensions": DIMENSIONS,
            "labels": LABELS,
            "mixture": MIXTURE,
            "k": PICKS,
            "threads": options.threads,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
