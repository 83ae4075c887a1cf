"""Items a second of a generator through vLLM's server, against bare vLLM on the same prompts.

    python benchmarks/generators/throughput.py [--model tiny-lm] [--items 240] [--repeats 3]

In one run, in turns, the prefix caches emptied each time, class_conditional with the structure
`line`, llmal's own prompts and sampling, ten demonstrations a label of trec6:

    llmal               `ClassConditional.generate` over the server that `VLLM.start` starts, label
                        after label, as `llmal.generate` does
    llmal, four prompts at once   the same, with four prompts of 16 answers in a request; as these
                        share a seed on a server, llmal does not do so by itself
    plain client        the same prompts to the same server, one request a prompt, all sent at once
    engine              vLLM's own `LLM.generate` in a process of its own, all prompts in one call

Rates are by the clock, and by the seconds that the processor spent on a side (client, server and
engine with their children), which other work on the machine does not move. Ratios are taken within
a repeat. What the sides write is not the same to the letter, as batches differ; how many tokens
they wrote is told.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from results_file import write_results

from llmal.core.records import Item
from llmal.generators import ClassConditional, Request
from llmal.lm import VLLM
from llmal.lm.formats import server_field
from llmal.task import Task

NAME = "generators_throughput"
SET, DEMONSTRATIONS, MAX_WORDS = "trec6", 10, 24
ENGINE = {
    "dtype": "float32",
    "enforce_eager": True,
    "max_model_len": 1024,
    "block_size": 32,
    "enable_chunked_prefill": False,
}
TICKS = os.sysconf("SC_CLK_TCK")


class FourAtOnce(ClassConditional):
    """Asks four prompts in one request."""

    @property
    def prompts_at_once(self) -> int:
        return 4


def processor_seconds(pids: list[int]) -> float:
    """What these processes and all below them have used."""
    children: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended meanwhile
        pid = int(path.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        spent[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    total, left = 0.0, [*pids]
    while left:
        pid = left.pop()
        total += spent.get(pid, 0.0)
        left += children.get(pid, [])
    return total


class Engine:
    """vLLM in a process of its own, which this file runs with --engine."""

    def __init__(self, model: Path, work: dict[str, Any], folder: str) -> None:
        path = Path(folder) / "work.json"
        path.write_text(json.dumps(work))
        self._log = Path(folder) / "engine.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, "--engine", str(path), "--model", str(model)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "WARNING"},
            )
        self.pid = self._process.pid
        self._answer()

    def run(self) -> int:
        """Tokens written."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> int:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("wrote "):
                return int(line.split()[1])
        raise SystemExit(f"the engine ended:\n{self._log.read_text()[-3000:]}")

    def close(self) -> None:
        self._process.communicate()


def serve_engine(model: Path, work_file: Path) -> None:
    from vllm import LLM, SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    work = json.loads(work_file.read_text())
    engine = LLM(str(model), **ENGINE)
    print("wrote 0", flush=True)
    for _ in sys.stdin:
        engine.reset_prefix_cache()
        sampling = [
            SamplingParams(
                n=one["n"],
                seed=one["seed"],
                structured_outputs=StructuredOutputsParams(**work["structured_outputs"]),
                **work["sampling"],
            )
            for one in work["requests"]
        ]
        prompts = [{"prompt_token_ids": one["ids"]} for one in work["requests"]]
        found = engine.generate(prompts, sampling, use_tqdm=False)
        print("wrote", sum(len(o.token_ids) for one in found for o in one.outputs), flush=True)


def requests_of(made: ClassConditional, requests: list[Request], k: int) -> dict[str, Any]:
    """What the generator asks, prompt by prompt."""
    lm: Any = made.lm
    built = [one for request in requests for one in made.build(request, k)]
    ids = lm._encoder.encode([one.prompt for one in built])
    sampling = made._sampling
    return {
        "requests": [
            {"ids": list(map(int, tokens)), "n": one.answers, "seed": one.seed}
            for tokens, one in zip(ids, built, strict=True)
        ],
        "sampling": {
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
        },
        **server_field(made._structure.format),
    }


def ask_plainly(url: str, model: str, work: dict[str, Any]) -> int:
    """All requests at once, without llmal; tokens written."""

    async def ask() -> int:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(trust_env=False, timeout=3600, limits=limits) as client:

            async def post(one: dict[str, Any]) -> int:
                answer = await client.post(
                    f"{url}/completions",
                    json={
                        "model": model,
                        "prompt": one["ids"],
                        "n": one["n"],
                        "seed": one["seed"],
                        "structured_outputs": work["structured_outputs"],
                        **work["sampling"],
                    },
                )
                return int(answer.raise_for_status().json()["usage"]["completion_tokens"])

            return sum(await asyncio.gather(*(post(one) for one in work["requests"])))

    return asyncio.run(ask())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", root.parent / "shared"))
    parser.add_argument("--model", default="tiny-lm")
    parser.add_argument("--items", type=int, default=240)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--engine", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        serve_engine(Path(options.model), options.engine)
        return
    from llmal.loading import local_directory

    shared = Path(options.shared)
    known = shared / "models" / options.model
    folder = known if known.exists() else local_directory(options.model)
    assert folder is not None
    with gzip.open(shared / "data" / SET / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    task = Task(SET, sorted({row["label"] for row in rows}))
    requests = [
        Request(
            label,
            [
                Item(str(row["id"]), row["text"], gold=label)
                for row in rows
                if row["label"] == label
            ][:DEMONSTRATIONS],
        )
        for label in task.names
    ]
    k = options.items // len(requests)
    with tempfile.TemporaryDirectory() as scratch:
        served = VLLM.start(
            folder,
            max_model_len=ENGINE["max_model_len"],
            log_file=f"{scratch}/server.log",
            environment={"VLLM_SERVER_DEV_MODE": "1"},  # lets the prefix cache be emptied
        )
        with served:
            figures = compare(options, task, requests, k, served, folder, scratch)
    write_results(NAME, figures, model=options.model)


def compare(
    options: argparse.Namespace,
    task: Task,
    requests: list[Request],
    k: int,
    served: VLLM,
    folder: Path,
    scratch: str,
) -> dict[str, Any]:
    settings: dict[str, Any] = {"structure": "line", "max_words": MAX_WORDS}
    made = ClassConditional(task, served, **settings)
    work = requests_of(made, requests, k)
    engine = Engine(folder, work, scratch)
    assert served.server is not None
    url, root = served.urls[0], served.urls[0].removesuffix("/v1")

    def by(one: ClassConditional) -> int:
        items = [item for request in requests for item in one.generate(request, k)]
        return sum(item.usage.completion_tokens for item in items)

    sides: dict[str, tuple[Callable[[], int], int]] = {
        "llmal": (lambda: by(made), served.server.pid),
        "llmal, four prompts at once": (
            lambda: by(FourAtOnce(task, served, **settings)),
            served.server.pid,
        ),
        "plain client": (lambda: ask_plainly(url, served.model, work), served.server.pid),
        "engine": (engine.run, engine.pid),
    }
    made.generate(requests[0], 8)  # what is compiled or allocated at first use
    engine.run()
    rows = []
    for repeat in range(options.repeats):
        for side, (call, pid) in sides.items():
            httpx.post(f"{root}/reset_prefix_cache", trust_env=False).raise_for_status()
            clock, processor = time.perf_counter(), spent(pid)
            tokens = call()
            rows.append(
                {
                    "repeat": repeat,
                    "side": side,
                    "items": k * len(requests),
                    "seconds": time.perf_counter() - clock,
                    "processor seconds": spent(pid) - processor,
                    "tokens": tokens,
                }
            )
            print(rows[-1], flush=True)
    engine.close()
    return {
        "data": SET,
        "prompts": len(work["requests"]),
        "prompt tokens": float(np.mean([len(one["ids"]) for one in work["requests"]])),
        "load": os.getloadavg()[0],
        "rows": rows,
    }


def spent(pid: int) -> float:
    """Processor seconds of this process itself and of a server or engine with its children."""
    return time.process_time() + processor_seconds([pid])


if __name__ == "__main__":
    main()
