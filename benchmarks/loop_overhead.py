"""What the loop itself takes: the share of a run's time that is neither embedding, language model
nor fit, and where it goes.

    python benchmarks/loop_overhead.py --shared ../shared --items 10000 100000

Ten rounds after the start, people simulated from the gold column, a linear learner, `margin` after
`typiclust`. The pool are 1,000 texts of dbpedia14, each repeated with a number
behind it; their embeddings are those of the texts (MiniLM), with a little noise for each copy, and
lie in the run directory before the run begins.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import gc
import os
import pstats
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from results_file import write_results
from selectors_data import NOISE, read

from llmal import Budget, Orchestrator, Pool, Task
from llmal.annotators import SimulatedHuman
from llmal.embed import SentenceEmbedder, embed_pool
from llmal.learners import LinearHead
from llmal.selectors import Margin, TypiClust

_NUMBER = re.compile(r" \((\d+)\)$")
_SHOWN = 12
LOOP = "the loop itself"
_TEXTS = 1000
_OTHERS = {"learners", "selectors", "embed"}
_TRAINING = "run/training.py"
_WHOLE = {
    "run/orchestrator.py": {"run", "_loop", "_execute"},
    "run/campaign.py": {"ask", "_ask"},
    "run/rounds.py": {"begin", "end"},
    "run/picking.py": {"pick"},
    "run/learning.py": {"learn", "catch_up", "_train"},
}


class Clock:
    """Adds up wall and processor time by what it is spent on; what begins inside something else is
    not the other's.
    """

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.processor: dict[str, float] = defaultdict(float)
        self._under_way: list[str] = []
        self._since = (0.0, 0.0)

    def clear(self) -> None:
        self.wall.clear()
        self.processor.clear()

    def _count(self) -> None:
        now = (time.perf_counter(), time.process_time())
        if self._under_way:
            self.wall[self._under_way[-1]] += now[0] - self._since[0]
            self.processor[self._under_way[-1]] += now[1] - self._since[1]
        self._since = now

    @contextlib.contextmanager
    def spend(self, what: str) -> Iterator[None]:
        self._count()
        self._under_way.append(what)
        try:
            yield
        finally:
            self._count()
            self._under_way.pop()


class Copies:
    """Embeddings of repeated texts: those of the text, and noise by the number of the copy."""

    def __init__(self, texts: Sequence[str], clock: Clock) -> None:
        whole = SentenceEmbedder()
        self.vectors = whole.embed(list(texts))
        self.dimensions = whole.dimensions
        self.fingerprint = f"copies/{whole.fingerprint}"
        self._rows = {text: row for row, text in enumerate(texts)}
        self._clock = clock

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        with self._clock.spend("embedding"):
            result = np.empty((len(texts), self.dimensions), dtype=np.float32)
            for row, text in enumerate(texts):
                found = _NUMBER.search(text)
                copy = int(found[1]) if found else 0
                base = self.vectors[self._rows[_NUMBER.sub("", text)]]
                noise = np.random.default_rng([copy, self._rows[_NUMBER.sub("", text)]])
                result[row] = base + noise.normal(0, NOISE, self.dimensions)
            return result / np.linalg.norm(result, axis=1, keepdims=True)


class TimedHead(LinearHead):
    """The linear learner, its time taken."""

    clock = Clock()

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        with self.clock.spend("fit"):
            return super().fit(X, y, sample_weight)

    def predict_proba(self, X: Any) -> Any:
        with self.clock.spend("predicting"):
            return super().predict_proba(X)


@dataclass(frozen=True)
class Timed:
    """A selector, its time taken."""

    inner: Any
    clock: Clock

    @property
    def name(self) -> str:
        return str(self.inner.name)

    @property
    def requires(self) -> Any:
        return self.inner.requires

    def select(self, state: Any, k: int, rng: Any) -> Any:
        with self.clock.spend(f"selection ({self.name})"):
            return self.inner.select(state, k, rng)


def pool_of(shared: Path, items: int, folder: Path) -> tuple[Pool, list[str], list[str]]:
    """A pool of so many distinct texts, the texts that they repeat, and the labels."""
    texts, columns, names = read(shared, "dbpedia14", ["train"])
    first = {text: row for row, text in reversed(list(enumerate(texts)))}
    rows = sorted(first.values())[:_TEXTS]
    chosen = [rows[n % len(rows)] for n in range(items)]
    copies = [n // len(rows) for n in range(items)]
    repeated = [f"{texts[r]} ({c})" if c else texts[r] for r, c in zip(chosen, copies, strict=True)]
    gold = [names[columns[r]] for r in chosen]
    return Pool.from_texts(repeated, gold, cache=folder), [texts[r] for r in rows], names


def run(
    pool: Pool, names: list[str], embedder: Copies, clock: Clock, directory: Path, rounds: int
) -> Orchestrator:
    TimedHead.clock = clock
    return Orchestrator(
        Task("dbpedia14", names),
        pool,
        directory=directory,
        annotator=SimulatedHuman(),
        embedder=embedder,
        start=Timed(TypiClust(), clock),
        selector=Timed(Margin(), clock),
        learner=TimedHead(),
        budget=Budget(rounds=rounds, batch=20),
    )


def measured(shared: Path, items: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pool, texts, names = pool_of(shared, items, folder / "cache")
        clock = Clock()
        embedder = Copies(texts, clock)
        for name in ("timed", "profiled"):
            embed_pool(pool, embedder, folder / name / "embeddings.npy")
        clock.clear()
        timed = run(pool, names, embedder, clock, folder / "timed", rounds)
        # A collection that goes over all that was imported and measured before takes 140 ms, and
        # falls where it falls.
        gc.collect()
        gc.freeze()
        with clock.spend(LOOP):
            result = timed.run()
        gc.unfreeze()
        assert len(result.rounds) == rounds + 1
        profile = cProfile.Profile()
        profiled = run(pool, names, embedder, Clock(), folder / "profiled", rounds)
        profile.runcall(profiled.run)
        return {
            "items": items,
            "load_average": round(os.getloadavg()[0], 1),
            "wall": _shares(clock.wall),
            "processor": _shares(clock.processor),
            "loop_milliseconds_a_round": round(clock.wall[LOOP] * 1e3 / (rounds + 1), 1),
            "where": _where(profile),
        }


def _shares(seconds: dict[str, float]) -> dict[str, Any]:
    whole = sum(seconds.values())
    models = seconds.get("embedding", 0.0) + seconds["fit"]
    return {
        "seconds": {name: round(value, 3) for name, value in sorted(seconds.items())},
        "whole": round(whole, 2),
        "outside_embedding_and_fit": round(1 - models / whole, 4),
        "loop_itself": round(seconds[LOOP] / whole, 4),
    }


def _where(profile: cProfile.Profile) -> list[dict[str, Any]]:
    """The functions of the loop in which a profiled run spends the most time, with what they call;
    learner, selectors and embeddings are left out, and what holds all of a round.
    """
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    found = []
    for (file, _, function), (_, calls, _, cumulative, _) in stats.items():
        path = Path(file)
        if "llmal" in path.parts and "benchmarks" not in path.parts:
            module = "/".join(path.parts[path.parts.index("llmal") + 1 :])
            own = module.split("/")[0] not in _OTHERS and module != _TRAINING
            own = own and function not in _WHOLE.get(module, ())
            if own and not function.startswith("<"):
                found.append((cumulative, f"{module}:{function}", calls))
    found.sort(reverse=True)
    return [
        {"function": name, "seconds": round(seconds, 3), "calls": calls}
        for seconds, name, calls in found[:_SHOWN]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    pools = []
    for items in options.items:
        pools.append(measured(options.shared, items, options.rounds))
        print(pools[-1], flush=True)
    write_results("loop_overhead", {"rounds": options.rounds, "pools": pools})


if __name__ == "__main__":
    main()
