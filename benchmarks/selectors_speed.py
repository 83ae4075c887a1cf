"""Seconds and memory of one round of each selector, beside scikit-activeml and small-text.

    python benchmarks/selectors_speed.py [--sizes 10000 30000 100000 1000000] [--threads 1]
        [--limit 600] [--memory 16] [--only badge cal] [--scratch DIRECTORY]

MiniLM embeddings of dbpedia14 (train and test, 8,022 texts, 14 labels) repeated with a little
noise to N rows, memory-mapped; 100 of them labelled; probabilities of a logistic regression and a
committee of ten on bootstrap draws; k = 100. Every side gets the probabilities as arrays, and
options that make it do as much work as llmal's defaults.

Each measurement has a process of its own. Its clock starts with the arrays in memory and the
library warmed up on 2,000 rows, and holds the checks that a library makes of its input. Seconds, of
the wall and of the processor, are the least of up to three runs; with one thread the latter are
judged by, as other work on the machine does not count in them. `extra_mb` is the growth of resident
memory in the first run above what was there with the arrays, `peak_mb` the highest resident memory
of all, arrays and libraries included. What takes longer than --limit seconds is stopped; --memory
is a limit on a process's private memory in GB. A peer that failed at one N is not tried at a larger
one.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from results_file import write_results

ROOT = Path(__file__).resolve().parents[1]
SIDES = ("llmal", "scikit-activeml", "small-text")
LABELLED, PICKS, HEAD, WARM_PICKS = 100, 100, 2_000, 10
RUNS, ENOUGH_SECONDS = 3, 20.0
CEILING_MB = 8_000
SLACK_SECONDS = 0.005
"""A peer that is ahead by less is not told from the noise of a clock."""
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "dal, fitted on all after each pick": (
        "dal",
        {"batches": PICKS, "per_labelled": None},
    ),
}
"""What is measured beside the defaults of each selector: its name and options."""

PEERS_UP_TO = 100_000
"""The largest N at which the peers are measured."""
SETTINGS_UP_TO = 10_000
"""The largest N at which these are, as they are there for the sake of a peer."""

ALIKE: dict[tuple[str, str], dict[str, Any]] = {
    ("cal", "scikit-activeml"): {"nearest_neighbors_dict": {"n_neighbors": 10}},
    ("typiclust", "scikit-activeml"): {"k": 20},
    ("probcover", "scikit-activeml"): {"n_classes": 14},
    ("dropquery", "scikit-activeml"): {"n_dropout_samples": 3},
    ("dal, fitted on all after each pick", "scikit-activeml"): {
        "logistic": {"class_weight": "balanced", "max_iter": 1000}
    },
    ("dal", "small-text"): {"logistic": {"class_weight": "balanced", "max_iter": 1000}},
}
"""Options of a peer that make it do as much work as llmal's defaults."""

PASSED_OVER = {("dal", "scikit-activeml"), ("dal, fitted on all after each pick", "small-text")}
"""Peers that do something else: scikit-activeml's DAL fits on all items after each pick,
small-text's ten times on some."""

Row = dict[str, Any]


def peer_of(side: str, name: str) -> str | None:
    """What a peer is asked for beside llmal's `name`; None if it has no such thing."""
    from selectors_peers import BY_PEER

    base, _ = SETTINGS.get(name, (name, {}))
    return base if base in BY_PEER[side] and (name, side) not in PASSED_OVER else None


def _status_mb(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"/proc/self/status has no {name}")


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _ours(name: str, checking: list[float] | None = None) -> Callable[[Any], Any]:
    """A round of llmal's; the seconds that it checks its arrays for are added to `checking`."""
    checking = [] if checking is None else checking
    from llmal.selectors import RoundState, make

    base, options = SETTINGS.get(name, (name, {}))
    selector = make(base, **options)
    given_by: dict[str, Callable[[Any], dict[str, Any]]] = {
        "embeddings": lambda given: {"embeddings": given.embeddings},
        "features": lambda given: {"embeddings": given.embeddings},
        "probabilities": lambda given: {"probabilities": given.probabilities},
        "labelled_probabilities": lambda given: {
            "labelled_probabilities": given.probabilities[given.labelled]
        },
        "committee": lambda given: {"committee": given.committee},
        "predict": lambda given: {"predict": given.predict},
        "labels": lambda given: {},
    }
    missing = selector.requires - given_by.keys()
    if missing:
        raise LookupError(f"needs {', '.join(sorted(missing))}")

    def run(given: Any) -> Any:
        started = time.perf_counter()
        signals: dict[str, Any] = {"size": len(given.embeddings)}
        for signal in selector.requires:
            signals |= given_by[signal](given)
        state = RoundState.from_arrays(**signals, labelled=given.labelled, labels=given.labels)
        checking.append(time.perf_counter() - started)
        return selector.select(state, k=given.k, rng=np.random.default_rng(0)).indices

    return run


def _theirs(side: str, name: str) -> Callable[[Any], Any]:
    from selectors_peers import BY_PEER

    query, options = BY_PEER[side][peer_of(side, name)], ALIKE.get((name, side), {})
    return lambda given: query(given, 0, **options).indices


def _load(folder: Path, needs: frozenset[str]) -> Any:
    from selectors_peers import Round

    arrays = {name: np.load(folder / f"{name}.npy") for name in ("labelled", "labels")}
    for name in ("probabilities", "committee"):
        arrays[name] = np.load(folder / f"{name}.npy") if name in needs else None
    embeddings = np.load(folder / "embeddings.npy", mmap_mode="r")
    if "embeddings" in needs:
        for start in range(0, len(embeddings), 10_000):  # into memory, before the clock
            embeddings[start : start + 10_000].sum()
    given = Round(embeddings, **arrays, k=PICKS)
    given.model  # noqa: B018 - fitted before the clock
    return given


def measure(side: str, name: str, folder: Path) -> Row:
    """One selector at one N, in this process."""
    notes: list[str] = []
    checking: list[float] = []

    class _Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            notes.append(record.getMessage())

    if side == "llmal":
        from llmal.selectors import make

        run = _ours(name, checking)
        base, settings = SETTINGS.get(name, (name, {}))
        needs = frozenset(make(base, **settings).requires)
        if needs & {"features"}:
            needs |= {"embeddings"}
        if needs & {"labelled_probabilities"}:
            needs |= {"probabilities"}
    else:
        from selectors_peers import SIGNALS

        run = _theirs(side, name)
        base = peer_of(side, name)
        needs = SIGNALS.get(base, frozenset())
        if side == "scikit-activeml" or base not in SIGNALS:
            needs |= {"embeddings"}  # scikit-activeml reads X whatever the strategy
    given = _load(folder, needs)
    run(given.head(HEAD, WARM_PICKS))
    logging.getLogger("llmal.selectors").addHandler(_Keep(logging.WARNING))

    _forget_peak()
    before = _status_mb("VmRSS")
    seconds: list[float] = []
    cpu: list[float] = []
    while not seconds or (len(seconds) < RUNS and sum(seconds) + seconds[-1] < ENOUGH_SECONDS):
        started, used = time.perf_counter(), time.process_time()
        picks = run(given)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
        if len(seconds) == 1:
            peak = _status_mb("VmHWM")
    found = np.unique(np.asarray(picks))
    return {
        "seconds": round(min(seconds), 4),
        "cpu_seconds": round(min(cpu), 4),
        "check_seconds": round(min(checking[1:]), 4) if checking else None,
        "runs": len(seconds),
        "extra_mb": round(max(peak - before, 0.0), 1),
        "peak_mb": round(_status_mb("VmHWM"), 1),
        "distinct_picks": len(found),
        "labelled_picks": int(np.isin(found, given.labelled).sum()),
        "notes": sorted(set(notes)),
    }


def in_process(side: str, name: str, size: int, options: argparse.Namespace) -> Row:
    """One measurement in a process of its own; `failed` says why there is none."""
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
    environment = os.environ | {f"{one}_NUM_THREADS": str(options.threads) for one in threads}
    command = [sys.executable, __file__, "--one", side, name, str(options.scratch / str(size))]
    ceiling = int(options.memory * 2**30)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (ceiling, ceiling))

    row: Row = {"selector": name, "side": side, "items": size}
    try:
        answer = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=options.limit,
            preexec_fn=limit,
        )
    except subprocess.TimeoutExpired:
        return row | {"failed": f"stopped after {options.limit} s"}
    if answer.returncode == 0:
        return row | json.loads(answer.stdout.splitlines()[-1])
    last = (answer.stderr.strip().splitlines() or [f"ended with {answer.returncode}"])[-1]
    if "MemoryError" in answer.stderr or "bad_alloc" in answer.stderr or answer.returncode == -9:
        return row | {"failed": f"more than {options.memory:g} GB"}
    return row | {"failed": last[:200]}


def growth(points: list[tuple[int, float]]) -> float | None:
    """The exponent b of seconds = a N^b, by least squares on logarithms."""
    if len(points) < 2:
        return None
    sizes, seconds = np.log(np.array(points)).T
    return round(float(np.polyfit(sizes, seconds, 1)[0]), 2)


def summary(rows: list[Row], clock: str) -> dict[str, Any]:
    """Ratios at the largest N that both sides finished, growth, and what is not as it should.

    `clock` is the column that is judged by: processor seconds, if all have one thread.
    """
    times: dict[tuple[str, str], dict[int, Row]] = {}
    for row in rows:
        if "seconds" in row:
            times.setdefault((row["selector"], row["side"]), {})[row["items"]] = row
    ratios, slower = [], []
    for (name, side), by_size in times.items():
        ours = times.get((name, "llmal"), {})
        if side == "llmal":
            continue
        for size, row in by_size.items():
            if size in ours:
                ratio = row[clock] / ours[size][clock]
                if row[clock] < ours[size][clock] - SLACK_SECONDS:
                    slower.append(
                        {
                            "selector": name,
                            "peer": side,
                            "items": size,
                            "ratio": round(ratio, 2),
                            "seconds_peer": row[clock],
                            "seconds_llmal": ours[size][clock],
                            "of_them_checks": ours[size]["check_seconds"],
                        }
                    )
        shared = sorted(by_size.keys() & ours.keys())
        if shared:
            size = shared[-1]
            ratios.append(
                {
                    "selector": name,
                    "peer": side,
                    "largest": max(by_size),
                    "items": size,
                    "seconds_peer": by_size[size][clock],
                    "seconds_llmal": ours[size][clock],
                    "times_faster": round(by_size[size][clock] / ours[size][clock], 1),
                    "extra_mb_peer": by_size[size]["extra_mb"],
                    "extra_mb_llmal": ours[size]["extra_mb"],
                }
            )
    return {
        "ratios": ratios,
        "growth": [
            {
                "selector": name,
                "side": side,
                "exponent": growth([(size, row[clock]) for size, row in by_size.items()]),
                "last_step": growth(
                    [(size, by_size[size][clock]) for size in sorted(by_size)[-2:]]
                ),
                "sizes": sorted(by_size),
            }
            for (name, side), by_size in times.items()
        ],
        "slower_than_peer": slower,
        "llmal_failed": [row for row in rows if row["side"] == "llmal" and "failed" in row],
        "above_8_gb": [
            {"selector": name, "items": size, "peak_mb": row["peak_mb"]}
            for (name, side), by_size in times.items()
            if side == "llmal"
            for size, row in by_size.items()
            if row["peak_mb"] > CEILING_MB
        ],
        "bad_picks": [
            row
            for row in rows
            if "seconds" in row and (row["distinct_picks"] != PICKS or row["labelled_picks"])
        ],
    }


def _line(row: Row) -> str:
    head = f"{row['items']:>10,}  {row['selector']:<36}{row['side']:<16}"
    if "failed" in row:
        return f"{head}{row['failed']}"
    return (
        f"{head}{row['seconds']:>10.3f} s{row['cpu_seconds']:>10.3f} s CPU"
        f"{row['extra_mb']:>9.0f} MB extra{row['peak_mb']:>9.0f} MB peak"
        + "".join(f"  ! {note}" for note in row["notes"])
    )


def names_to_measure(only: list[str] | None) -> tuple[list[str], dict[str, str]]:
    """Registered selectors that arrays are enough for, and why the others are not measured."""
    from llmal.errors import LlmalError
    from llmal.selectors import REGISTRY

    names, skipped = [], {}
    for name in only or [*REGISTRY.names(), *SETTINGS]:
        try:
            _ours(name)
        except (LookupError, LlmalError) as error:
            skipped[name] = str(error)
        else:
            names.append(name)
    return names, skipped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[10_000, 30_000, 100_000, 1_000_000]
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=600, help="seconds of one process")
    parser.add_argument("--memory", type=float, default=16, help="GB of one process")
    parser.add_argument("--only", nargs="+", help="selectors to measure")
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES)
    parser.add_argument("--scratch", type=Path, help="where arrays are written, and kept")
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--dry", action="store_true", help="write no results")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        side, name, folder = options.one
        print(json.dumps(measure(side, name, Path(folder))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        options.scratch = options.scratch or Path(temporary)
        _run(options)


def _run(options: argparse.Namespace) -> None:
    from selectors_data import MEMBERS, NOISE, write_tiled

    sizes = sorted(options.sizes)
    write_tiled(options.scratch, Path(options.shared), sizes=sizes, labelled=LABELLED, head=HEAD)
    names, skipped = names_to_measure(options.only)
    for name, why in skipped.items():
        print(f"{name} is skipped: {why}")
    rows: list[Row] = []
    gave_up: dict[tuple[str, str], int] = {}
    for size in sizes:
        for name in names:
            for side in options.sides:
                if side != "llmal" and peer_of(side, name) is None:
                    continue
                if name in SETTINGS and size > SETTINGS_UP_TO:
                    continue
                if side != "llmal" and size > PEERS_UP_TO:
                    continue
                if (side, name) in gave_up:
                    failed = f"not tried: it failed at {gave_up[side, name]:,}"
                    row = {"selector": name, "side": side, "items": size, "failed": failed}
                else:
                    row = in_process(side, name, size, options)
                if "failed" in row:
                    gave_up.setdefault((side, name), size)
                rows.append(row)
                print(_line(row), flush=True)
    clock = "cpu_seconds" if options.threads == 1 else "seconds"
    found = summary(rows, clock)
    for kind in ("slower_than_peer", "above_8_gb", "llmal_failed", "bad_picks"):
        for one in found[kind]:
            print(f"{kind}: {one}")
    for one in found["ratios"]:
        print(
            f"{one['selector']:<36}{one['peer']:<16}{one['times_faster']:>9.1f} times at "
            f"{one['items']:,}"
        )
    if options.dry:
        return
    write_results(
        "selectors_speed",
        {
            "dimensions": 384,
            "labels": 14,
            "labelled": LABELLED,
            "k": PICKS,
            "members": MEMBERS,
            "noise": NOISE,
            "threads": options.threads,
            "limit_seconds": options.limit,
            "limit_gb": options.memory,
            "slack_seconds": SLACK_SECONDS,
            "clock": clock,
            "skipped": skipped,
            "rows": rows,
            **found,
            "as_required": {
                "no selector slower than a peer": not found["slower_than_peer"],
                "none above 8 GB": not found["above_8_gb"],
                "badge 30 times scikit-activeml at its largest N": any(
                    one["selector"] == "badge"
                    and one["peer"] == "scikit-activeml"
                    and one["items"] == one["largest"]
                    and one["times_faster"] >= 30
                    for one in found["ratios"]
                ),
            },
        },
    )
    assert math.isfinite(sum(row.get("seconds", 0.0) for row in rows))


if __name__ == "__main__":
    main()
