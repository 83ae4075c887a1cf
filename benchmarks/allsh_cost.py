"""What it costs to choose demonstrations by local sensitivity (ALLSH).

    python benchmarks/allsh_cost.py [--lm PATH] [--data FILE.jsonl.gz] [--vllm | --url URL]

Eight shots out of 1,000 candidates, four TF-IDF copies of each, zero-shot scores, KL. Counted: the
texts that are scored (a candidate and its copies once each; copies that equal another text are
not scored again) and the forward passes of the model. Timed: the choice, with copies and all; the
same choice again, from the response cache; and, on the first candidates and scaled up, the way
that suggests itself: for each candidate and each of its copies, ask for both, one prompt at a
time, no cache. Both ways must give the same scores; they take turns, and medians are reported.
With --vllm, or --url for a server that runs already, the same through a server.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results_file import write_results

from llmal.core.records import Item
from llmal.demonstrations import Sensitive
from llmal.lm import VLLM, LanguageModel, ResponseCache, TransformersLM
from llmal.perturb import TfIdfReplacement
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.task import Task

VALUES = {"noun": "question", "field": "Question", "answer": "Answer Type"}


class Watched:
    """TF-IDF replacement that remembers the copies it gave."""

    def __init__(self) -> None:
        self.inner = TfIdfReplacement()
        self.given: dict[str, list[str]] = {}
        self.seconds = 0.0

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    def fit(self, texts: Sequence[str]) -> Watched:
        self.inner.fit(texts)
        return self

    def perturb(self, texts: Sequence[str], copies: int, seed: int) -> list[list[str]]:
        start = time.perf_counter()
        made = self.inner.perturb(texts, copies, seed)
        self.seconds += time.perf_counter() - start
        self.given.update(zip(texts, made, strict=True))
        return made


def read_items(path: Path, count: int) -> list[Item]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line, _ in zip(file, range(count), strict=False)]
    return [Item(f"{i:06d}", row["text"], gold=str(row["label"])) for i, row in enumerate(rows)]


def one_at_a_time(
    scorer: PromptScorer, items: Sequence[Item], copies: dict[str, list[str]]
) -> list[float]:
    """l(x) as one would write it down."""

    def probabilities(text: str) -> np.ndarray:
        prompt = scorer.prompts.build(Item("one", text)).prompt
        return scorer.lm.score([prompt], scorer.prompts.candidates).probabilities()[0]

    scores = []
    for item in items:
        away = []
        for copy in copies[item.text]:
            p, q = probabilities(item.text), probabilities(copy)
            away.append(sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))
        scores.append(max(away))
    return scores


def measure(
    name: str, lm: LanguageModel, task: Task, items: Sequence[Item], options: argparse.Namespace
) -> dict[str, Any]:
    prompts = LabellingPrompts(task, load_prompt("label").with_values(VALUES), lm, "completion")
    lm.cache = None
    scorer = PromptScorer(prompts)
    watched = Watched().fit([item.text for item in items])
    selector = Sensitive(scorer, watched, copies=options.copies)
    # A first choice pays for imports, thread pools and the compilation of a server.
    selector.choose(items[-16:], 4, np.random.default_rng(1))
    watched.given.clear()
    watched.seconds = 0.0

    few = items[: options.naive]
    factor = len(items) / len(few)
    times: dict[str, list[float]] = {"first": [], "again": [], "copies": [], "plain": []}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            lm.cache = ResponseCache(Path(folder) / "answers.sqlite")
            runs = []
            for run in ("first", "again"):
                before, watched.seconds = lm.usage, 0.0
                start = time.perf_counter()
                chosen = selector.choose(items, options.shots, np.random.default_rng(0))
                times[run].append(time.perf_counter() - start)
                times["copies"].append(watched.seconds)
                runs.append((chosen, lm.usage - before))
            answers = len(lm.cache)
            scores = selector.scores(few, np.random.default_rng(0))
            lm.cache.close()
            lm.cache = None
        (chosen, spent), (chosen_again, spent_again) = runs
        if chosen != chosen_again:
            raise SystemExit("the same choice came out otherwise the second time")
        before, start = lm.usage, time.perf_counter()
        plain = one_at_a_time(scorer, few, watched.given)
        times["plain"].append((time.perf_counter() - start) * factor)
        plain_spent = lm.usage - before
    seconds, again, copying, plain_seconds = (statistics.median(one) for one in times.values())

    texts = {item.text for item in items}
    copies = [copy for text in texts for copy in watched.given[text]]
    distinct = texts | set(copies)
    return {
        "backend": name,
        "candidates": len(items),
        "texts and copies": len(items) * (1 + options.copies),
        "distinct candidates": len(texts),
        "distinct texts": len(distinct),
        "answers in the cache": answers,
        "passes": spent.requests,
        "prompt tokens": spent.prompt_tokens,
        "seconds": seconds,
        "seconds for the copies": copying,
        "candidates a second": len(items) / seconds,
        "texts a second": len(distinct) / seconds,
        "again": {"passes": spent_again.requests, "seconds": again},
        "one at a time": {
            "measured on": len(few),
            "passes": plain_spent.requests * factor,
            "seconds": plain_seconds,
            "candidates a second": len(items) / plain_seconds,
        },
        "times as fast": plain_seconds / seconds,
        "largest difference": float(np.abs(np.array(plain) - scores).max()),
        "median sensitivity": float(np.median(scores)),
    }


def main() -> None:
    shared = Path(os.environ.get("LLMAL_SHARED", "../shared"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lm", type=Path, default=shared / "models" / "tiny-lm")
    parser.add_argument("--data", type=Path, default=shared / "data/trec6/train.jsonl.gz")
    parser.add_argument("--candidates", type=int, default=1000)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--shots", type=int, default=8)
    parser.add_argument("--naive", type=int, default=50, help="candidates asked one at a time")
    parser.add_argument("--rounds", type=int, default=3, help="in turn; medians are reported")
    parser.add_argument("--threads", type=int, default=1, help="of torch in this process")
    parser.add_argument("--device", default=None, help="of the model in this process")
    served = parser.add_mutually_exclusive_group()
    served.add_argument("--vllm", action="store_true", help="also through a server of our own")
    served.add_argument("--url", help="also through this running server")
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    items = read_items(options.data, options.candidates)
    options.naive = min(options.naive, len(items))
    task = Task(options.data.parent.name, sorted({str(item.gold) for item in items}))
    inside = TransformersLM(options.lm, device=options.device)
    rows = [measure("transformers", inside, task, items, options)]
    print(_line(rows[-1]), flush=True)
    if options.vllm or options.url:
        with tempfile.TemporaryDirectory() as folder:
            lm = (
                VLLM(options.url, tokenizer=options.lm)
                if options.url
                else VLLM.start(options.lm, max_model_len=1024, log_file=f"{folder}/log")
            )
            with lm:
                rows.append(measure("vllm", lm, task, items, options))
        print(_line(rows[-1]))
    path = write_results(
        "allsh_cost",
        {
            "data": task.name,
            "copies": options.copies,
            "shots": options.shots,
            "rounds": options.rounds,
            "threads": options.threads,
            "device": options.device or "the best there is",
            "rows": rows,
        },
        model=options.lm.name,
    )
    print(path)


def _line(row: dict[str, Any]) -> str:
    plain = row["one at a time"]
    return (
        f"{row['backend']:13} {row['texts and copies']:,} texts, {row['distinct texts']:,} of them "
        f"distinct, {row['passes']:,} passes, {row['seconds']:.1f} s "
        f"({row['candidates a second']:.0f} candidates/s); again {row['again']['passes']} passes, "
        f"{row['again']['seconds']:.2f} s; one at a time {plain['passes']:,.0f} passes, "
        f"{plain['seconds']:.1f} s ({row['times as fast']:.1f} times as long); "
        f"difference {row['largest difference']:.1e}"
    )


if __name__ == "__main__":
    main()
