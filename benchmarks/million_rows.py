"""A pool of a million rows: import, opening again, one Random round, against pandas.

    python benchmarks/million_rows.py [--rows 1000000]

The rows are texts of ag_news and dbpedia14 ($LLMAL_SHARED/data), repeated with a running number
appended. Every figure is taken in a process of its own, by that process: `seconds` of the work on
the wall and `cpu_seconds` of it, `start_seconds` of the imports before it, `peak_mb` and `now_mb`
of resident memory (the memory-mapped pages that were touched count), `private_mb` of it that no
file backs.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results_file import write_results

ROOT = Path(__file__).resolve().parent.parent


def _texts(shared: Path):
    for name in ("ag_news", "dbpedia14"):
        with gzip.open(shared / "data" / name / "train.jsonl.gz", "rt", encoding="utf-8") as rows:
            for line in rows:
                row = json.loads(line)
                yield row["text"], row["label"]


def _write(file: Path, shared: Path, count: int) -> None:
    texts = itertools.cycle(list(_texts(shared)))
    with file.open("w", encoding="utf-8") as out:
        for number, (text, label) in zip(range(count), texts, strict=False):
            row = {"id": f"row-{number}", "text": f"{text} {number}", "label": label}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _memory() -> dict[str, float]:
    kilobytes = {}
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            name, _, value = line.partition(":")
            if name in {"VmRSS", "RssAnon"}:
                kilobytes[name] = int(value.split()[0])
    unit = 1 if sys.platform == "darwin" else 1024
    figures = {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20}
    if kilobytes:
        figures["now_mb"] = kilobytes["VmRSS"] / 1024
        figures["private_mb"] = kilobytes["RssAnon"] / 1024
    return figures


def _open(file: str) -> None:
    from llmal.pool import Pool

    assert len(Pool.from_file(file, gold="label")) > 0


def _round(file: str) -> None:
    import numpy as np

    from llmal.pool import Pool
    from llmal.selectors import Random, RoundState

    pool = Pool.from_file(file, gold="label")
    state = RoundState.from_pool(pool, labelled=np.array([0, 1]), labels=np.array([0, 1]))
    picks = Random().select(state, k=20, rng=np.random.default_rng(0))
    items = pool.items(picks.indices)
    assert pool.positions([item.id for item in items]).tolist() == picks.indices.tolist()


def _scan(file: str) -> None:
    from llmal.pool import Pool

    pool = Pool.from_file(file, gold="label")
    assert sum(pool.map_batches(len)) == len(pool)


def _pandas(file: str) -> None:
    import pandas as pd

    frame = pd.read_json(file, lines=True)
    assert len(frame.sample(20, random_state=0)) == 20


STEPS = {
    "first import": _open,
    "open again": _open,
    "Random round": _round,
    "read every item": _scan,
    "pandas.read_json + sample": _pandas,
}


def _step(name: str, file: str) -> None:
    """Run one step in this process and print its figures."""
    begin = time.perf_counter()
    if name.startswith("pandas"):
        import pandas  # noqa: F401
    else:
        import datasets  # noqa: F401

        import llmal.pool
        import llmal.selectors  # noqa: F401
    ready, cpu = time.perf_counter(), time.process_time()
    STEPS[name](file)
    done = time.perf_counter()
    figures = {
        "seconds": done - ready,
        "cpu_seconds": time.process_time() - cpu,
        "start_seconds": ready - begin,
        **_memory(),
    }
    print(json.dumps({key: round(value, 3) for key, value in figures.items()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _step(*options.step)
        return
    shared = Path(os.environ.get("LLMAL_SHARED", ROOT.parent / "shared"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pool.jsonl"
        _write(file, shared, options.rows)
        figures = {}
        for name in STEPS:
            command = [sys.executable, __file__, "--step", name, str(file)]
            env = {**os.environ, "LLMAL_CACHE": f"{folder}/cache"}
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
            figures[name] = json.loads(done.stdout)
        sizes = {
            "file_mb": file.stat().st_size / 2**20,
            "cache_mb": sum(f.stat().st_size for f in Path(folder).rglob("cache/pools/*/*"))
            / 2**20,
        }
    columns = list(figures["open again"])
    print(f"{options.rows} rows, " + ", ".join(f"{k} {v:.0f}" for k, v in sizes.items()))
    print(f"{'':28}" + "".join(f"{column:>15}" for column in columns))
    for name, row in figures.items():
        print(
            f"{name:28}" + "".join(f"{row.get(column, float('nan')):15.2f}" for column in columns)
        )
    write_results(
        "million_rows",
        {
            "rows": options.rows,
            **{key: round(value, 1) for key, value in sizes.items()},
            "figures": figures,
        },
    )


if __name__ == "__main__":
    main()
