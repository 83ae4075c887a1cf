"""How often intervals for accuracy and class shares hold what they should, by audits of all sizes.

    python benchmarks/guarantee/intervals.py [--draws 500]

Pools of 3,000 items with a class of 1 to 50 % and a machine that misses some of it and puts others
into it; a uniform audit of 20, 50, 100 and 300; intervals of 95 % for the share of the class in the
pool. A *setting* is a share, a size and a machine; in each, audits are drawn again and again. The
naive ones are what is written down most: the machine's labels taken for true, with the standard
error of their share, and the share in the audit with its standard error. Where ppi-python is
importable (0.2.3, with numba, statsmodels and patsy), its ppi_mean_ci is run on the same audits.
"""

from __future__ import annotations

import argparse
import functools
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parents[1]))

from results_file import write_results

from llmal.guarantee.estimates import by_method, estimate
from llmal.guarantee.intervals import ppi_mean

NAME = "guarantee_intervals"
LEVEL = 0.95
ITEMS = 3000
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
SIZES = (20, 50, 100, 300)
MACHINES = {"good": (0.9, 0.97), "fair": (0.75, 0.9), "poor": (0.6, 0.75)}
"""Sensitivity and specificity."""
ERRORS = (0.01, 0.05, 0.2, 0.4)
"""Of the machine, where its accuracy is asked about."""
Z = 1.959964

Ends = tuple[float, float]


@dataclass(frozen=True)
class Pool:
    has: NDArray[np.bool_]
    said: NDArray[np.bool_]


def pool_of(share: float, machine: str, rng: np.random.Generator) -> Pool:
    """A pool with exactly so many of the class; what the machine says is drawn once."""
    sensitivity, specificity = MACHINES[machine]
    has = np.arange(ITEMS) < round(share * ITEMS)
    chance = np.where(has, sensitivity, 1 - specificity)
    return Pool(has, rng.random(ITEMS) < chance)


def wald(hits: int, drawn: int) -> Ends:
    share = hits / drawn
    error = Z * math.sqrt(share * (1 - share) / drawn)
    return share - error, share + error


def of_class(pool: Pool, peer: Any, audited: NDArray[np.int64]) -> Iterator[tuple[str, Ends]]:
    """All intervals of one audit, by name."""
    has = pool.has[audited]
    machine, people = pool.said.astype(np.int64), has.astype(np.int64)
    found = estimate(
        ITEMS, machine[audited] != people, machine=machine, audited=audited, people=people,
        labels=("no", "yes"), level=LEVEL,
    ).classes[1]  # fmt: skip
    yield "llmal reports", (found.share.low, found.share.high)
    for method, one in by_method(found).items():
        yield method, (one.low, one.high)
    rest = np.ones(ITEMS, dtype=bool)
    rest[audited] = False
    own = (has * 1.0, pool.said[audited] * 1.0, pool.said[rest] * 1.0)
    yield "PPI++, of an endless pool", ppi_mean(*own, LEVEL)[1:]
    if peer is not None:
        low, high = peer(*own, alpha=1 - LEVEL)
        yield "ppi-python", (float(low[0]), float(high[0]))
    yield "naive: audit ± standard error", wald(int(has.sum()), len(audited))
    yield "naive: machine ± standard error", wald(int(pool.said.sum()), ITEMS)


def of_accuracy(every: NDArray[np.bool_], audited: NDArray[np.int64]) -> Iterator[tuple[str, Ends]]:
    wrong = every[audited]
    found = estimate(ITEMS, wrong, level=LEVEL).accuracy
    yield "llmal reports", (found.low, found.high)
    yield "naive: audit ± standard error", wald(len(wrong) - int(wrong.sum()), len(wrong))


def tally(
    draws: int, true: float, intervals: Callable[[NDArray[np.int64]], Iterator[tuple[str, Ends]]],
    size: int, rng: np.random.Generator,
) -> dict[str, list[float]]:  # fmt: skip
    """By method: share that hold the truth, mean width, share of audits that have one."""
    covered: dict[str, list[bool]] = {}
    widths: dict[str, list[float]] = {}
    for _ in range(draws):
        audited = rng.choice(ITEMS, size, replace=False)
        for name, (low, high) in intervals(audited):
            covered.setdefault(name, []).append(low - 1e-12 <= true <= high + 1e-12)
            widths.setdefault(name, []).append(min(high, 1) - max(low, 0))
    return {
        name: [float(np.mean(hits)), float(np.mean(widths[name])), len(hits) / draws]
        for name, hits in covered.items()
    }


def package() -> Any:
    try:
        from ppi_py import ppi_mean_ci
    except ImportError:
        return None
    return ppi_mean_ci


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    options = parser.parse_args()
    peer = package()
    classes, accuracy, furthest = [], [], 0.0
    for size in SIZES:
        for machine in MACHINES:
            for share in SHARES:
                rng = np.random.default_rng(
                    [size, list(MACHINES).index(machine), round(share * 100)]
                )
                pool = pool_of(share, machine, rng)
                ends = functools.partial(of_class, pool, peer)
                found = tally(options.draws, float(pool.has.mean()), ends, size, rng)
                classes.append({"audited": size, "machine": machine, "share": share, **found})
                if peer is not None:
                    gap = np.abs(np.array(found["ppi-python"]) - found["PPI++, of an endless pool"])
                    furthest = max(furthest, float(gap.max()))
                print(classes[-1], flush=True)
        for error in ERRORS:
            rng = np.random.default_rng([size, round(error * 100)])
            wrong = np.arange(ITEMS) < round(error * ITEMS)
            ends = functools.partial(of_accuracy, wrong)
            found = tally(options.draws, 1 - float(wrong.mean()), ends, size, rng)
            accuracy.append({"audited": size, "error": error, **found})
    write_results(NAME, {
        "level": LEVEL, "items": ITEMS, "draws": options.draws,
        "machines": {name: list(both) for name, both in MACHINES.items()},
        "classes": classes, "accuracy": accuracy,
        "ppi-python": None if peer is None else {"version": "0.2.3", "furthest": furthest},
    })  # fmt: skip


if __name__ == "__main__":
    main()
