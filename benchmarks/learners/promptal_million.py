"""PromptAL's query step on a million items, beside the way of its authors.

    python benchmarks/learners/promptal_million.py run --work FOLDER [--sizes 10000 100000 1000000]
    python benchmarks/learners/promptal_million.py tell --work FOLDER

Features and probabilities are made up: a mixture of Gaussians, one to each of 6 labels, in 64
hidden directions of 384 or 768 float32, memory-mapped; probabilities by the distance to the means.
The query picks 32. *llmal* is `PromptALScore.select`; its parts are told too. *Authors* is the same
step as their code has it: scikit-learn's KMeans (k-means++, one start) on all unlabelled features,
and its KDTree for the 10 nearest labelled. Each measurement has a process of its own, with one
thread: seconds of the wall and of the processor, and by how much the memory grew that no file
backs. What takes more than --limit of the processor is stopped, and that side is not tried with
more. Parts are measured at the fewest labelled items, and the wider features at these alone.

`agreement` compares the picks on small pools, the clusters given: the scores of the authors' way in
float64 from the same clusters, and which item of each is best. `learner` is items a second of a
soft prompt over MiniLM on trec6, probabilities and features in a pass each.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).resolve().parents[1]))

from results_file import (
    add_line,
    read_lines,
    record_command,
    recorded_commands,
    write_results,
)

NAME = "learners_promptal_million"
LABELS, HIDDEN, PICKS, NEAREST, WEIGHT = 6, 64, 32, 10, 0.9
WIDTHS, LABELLED = (384, 768), (352, 3200)
KEYS = ("items", "width", "labelled", "side")
ROWS_AT_ONCE = 20_000


def make_pool(folder: Path, count: int, width: int) -> None:
    """Features and probabilities of a mixture of Gaussians, written in pieces."""
    rng = np.random.default_rng([count, width])
    turn = rng.standard_normal((HIDDEN, width)).astype(np.float32) / np.sqrt(HIDDEN)
    means = rng.standard_normal((LABELS, HIDDEN)).astype(np.float32)
    features = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float32, (count, width))
    probabilities = np.empty((count, LABELS))
    for start in range(0, count, ROWS_AT_ONCE):
        part = slice(start, min(start + ROWS_AT_ONCE, count))
        size = part.stop - start
        drawn = means[rng.integers(LABELS, size=size)]
        drawn = drawn + rng.standard_normal((size, HIDDEN)).astype(np.float32)
        features[part] = drawn @ turn
        scores = -((drawn[:, None] - means[None]) ** 2).sum(axis=2) / 8
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities[part] = shares / shares.sum(axis=1, keepdims=True)
    features.flush()
    np.save(folder / "probabilities.npy", probabilities)


def load(folder: Path, labelled: int) -> Any:
    """A round with the first items labelled."""
    from llmal.selectors import RoundState

    features = np.load(folder / "features.npy", mmap_mode="r")
    return RoundState.from_arrays(
        size=len(features),
        embeddings=features,
        probabilities=np.load(folder / "probabilities.npy"),
        labelled=np.arange(labelled),
        labels=np.arange(labelled) % LABELS,
    )


def ours(state: Any) -> dict[str, float]:
    """The query step; seconds of its parts by a second call of each."""
    from llmal.selectors import make

    make("promptal").select(state, PICKS, np.random.default_rng(0))
    return {}


def parts(state: Any) -> dict[str, float]:
    """Seconds on the processor of each part of llmal's step."""
    from llmal.embed.clustering import k_means
    from llmal.selectors import make

    selector, rng = make("promptal"), np.random.default_rng(0)
    found, begun = {}, time.process_time()

    def lap(name: str) -> None:
        nonlocal begun
        found[name] = round(time.process_time() - begun, 2)
        begun = time.process_time()

    selector._doubt(state)
    lap("calibration")
    k_means(state.features, state.unlabelled, PICKS, rng)
    lap("clusters")
    selector._apart(state, rng)
    lap("distances")
    return found


def theirs(state: Any) -> dict[str, float]:
    """The step of the authors' code, on arrays in memory."""
    from sklearn.cluster import KMeans
    from sklearn.neighbors import KDTree

    pool = np.asarray(state.features)[state.unlabelled]
    doubt = calibrated_entropy(state.probabilities)
    clusters = KMeans(PICKS, init="k-means++", n_init=1, random_state=42).fit_predict(pool)
    tree = KDTree(np.asarray(state.features)[state.labelled])
    apart = tree.query(pool, k=NEAREST)[0].mean(axis=1)
    best_in_each(clusters, doubt, apart)
    return {}


def calibrated_entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy after division by the mean over the 100 most probable items of each label."""
    best = np.argsort(-probabilities, axis=0, kind="stable")[:100]
    shares = probabilities / probabilities[np.unique(best)].mean(axis=0)
    shares /= shares.sum(axis=1, keepdims=True)
    return -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=1)


def best_in_each(
    clusters: NDArray[np.int64], doubt: NDArray[np.float64], apart: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The row of the highest score of each cluster, in the order of clusters."""
    rows = []
    for cluster in np.unique(clusters):
        mine = np.flatnonzero(clusters == cluster)
        span = np.ptp(apart[mine])
        scaled = (apart[mine] - apart[mine].min()) / (span or 1.0)
        rows.append(mine[np.argmax(WEIGHT * doubt[mine] + (1 - WEIGHT) * scaled)])
    return np.array(rows)


SIDES: dict[str, Callable[[Any], dict[str, float]]] = {
    "llmal": ours, "llmal's parts": parts, "authors": theirs,
}  # fmt: skip


class Memory(threading.Thread):
    """The most private memory of this process while it is watched, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.before = self.most = private_mb()
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, private_mb())

    def stop(self) -> float:
        self._done.set()
        self.join()
        return max(self.most, private_mb()) - self.before


def private_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    raise SystemExit("/proc/self/status has no RssAnon")


def measure(side: str, folder: Path, labelled: int, limit: int) -> None:
    """Measure in this process, warmed up, and print."""
    import faiss

    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
    faiss.omp_set_num_threads(1)
    state = load(folder, labelled)
    warm = np.random.default_rng(0).standard_normal((2000, 16)).astype(np.float32)
    from llmal.selectors import RoundState

    SIDES[side](
        RoundState.from_arrays(
            size=2000,
            embeddings=warm,
            probabilities=np.full((2000, LABELS), 1 / LABELS),
            labelled=np.arange(20),
            labels=np.arange(20) % LABELS,
        )
    )
    for start in range(0, len(state.features), ROWS_AT_ONCE):  # into memory, before the clock
        state.features[start : start + ROWS_AT_ONCE].sum()
    memory = Memory()
    memory.start()
    wall, cpu = time.perf_counter(), time.process_time()
    found = SIDES[side](state)
    seconds = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    print(json.dumps({**found, **seconds, "extra_mb": memory.stop()}))


def agree(folder: Path, labelled: int, count: int, width: int) -> dict[str, Any]:
    """How many picks are those of the authors' way from the same clusters, in float64."""
    from sklearn.neighbors import KDTree

    from llmal.embed.clustering import k_means
    from llmal.selectors import make

    make_pool(folder, count, width)
    state = load(folder, labelled)
    picked = make("promptal").select(state, PICKS, np.random.default_rng(0)).indices
    clusters = k_means(state.features, state.unlabelled, PICKS, np.random.default_rng(0)).of
    exact = np.asarray(state.features, dtype=np.float64)
    apart = KDTree(exact[state.labelled]).query(exact[state.unlabelled], k=NEAREST)[0].mean(axis=1)
    rows = best_in_each(clusters, calibrated_entropy(state.probabilities), apart)
    same = len(set(picked.tolist()) & set(state.unlabelled[rows].tolist()))
    return {"items": count, "width": width, "labelled": labelled, "picks": PICKS, "same": same}


def learner_rate(shared: Path) -> dict[str, Any]:
    """Items a second of a learner's probabilities and features, on one thread."""
    import torch
    from few_shot import read_rows

    from llmal.learners import DynamicSoftPrompt

    torch.set_num_threads(1)
    texts = [row["text"] for row in read_rows(shared, "trec6", "train")]
    labels = [row["label"] for row in read_rows(shared, "trec6", "train")]
    learner = DynamicSoftPrompt("all-MiniLM-L6-v2", epochs=1, max_length=64, device="cpu")
    learner.fit(texts[:64], labels[:64])
    found: dict[str, Any] = {"model": "all-MiniLM-L6-v2", "texts": 500}
    for name, call in (("probabilities", learner.predict_proba), ("features", learner.embed)):
        part = texts[1000:1500]
        begun = time.process_time()
        call(part)
        found[f"{name}_items_s"] = len(part) / (time.process_time() - begun)
    return found


def run(options: argparse.Namespace) -> None:
    """One line a measurement, on from where it stopped."""
    path = options.work / "rows.jsonl"
    rows = read_lines(path)
    done = {tuple(row[name] for name in KEYS) for row in rows}
    slow = {row["side"] for row in rows if "stopped_s" in row}
    for count in options.sizes:
        for width in WIDTHS:
            cases = [
                (count, width, labelled, side)
                for labelled in (LABELLED if width == WIDTHS[0] else LABELLED[:1])
                for side in (SIDES if labelled == LABELLED[0] else ("llmal", "authors"))
            ]
            if all(case in done or case[3] in slow for case in cases):
                continue
            with tempfile.TemporaryDirectory(dir=options.work) as folder:
                make_pool(Path(folder), count, width)
                for case in cases:
                    if case in done or case[3] in slow:
                        continue
                    found = _in_process(case[3], Path(folder), case[2], options.limit)
                    if "stopped_s" in found:
                        slow.add(case[3])
                    add_line(path, {**dict(zip(KEYS, case, strict=True)), **found})


def tell(options: argparse.Namespace) -> None:
    """The figures, with the agreement and the learner's part, which take little."""
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        agreement = [
            agree(Path(folder), labelled, 5_000, width) for width in WIDTHS for labelled in LABELLED
        ]
    write_results(
        NAME,
        {
            "commands": recorded_commands(options.work),
            "labels": LABELS,
            "picks": PICKS,
            "limit_s": options.limit,
            "agreement": agreement,
            "learner": learner_rate(options.shared),
            "rows": read_lines(options.work / "rows.jsonl"),
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "tell"], nargs="?")
    parser.add_argument("--work", type=Path, default=Path("million"))
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--limit", type=int, default=120, help="seconds of the processor")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        side, folder, labelled, limit = options.measure
        measure(side, Path(folder), int(labelled), int(limit))
        return
    options.work.mkdir(parents=True, exist_ok=True)
    if options.what == "run":
        record_command(options.work)
        run(options)
    else:
        tell(options)


def _in_process(side: str, folder: Path, labelled: int, limit: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", side, str(folder), str(labelled), str(limit)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode == -signal.SIGXCPU:
        return {"stopped_s": limit}
    if done.returncode:
        raise SystemExit(f"{side} failed with {labelled} labelled")
    return {key: round(value, 3) for key, value in json.loads(done.stdout).items()}


if __name__ == "__main__":
    main()
