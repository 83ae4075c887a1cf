"""Items a second of `LLMAnnotator` through the HTTP server and in process, against bare engines.

    python benchmarks/annotate_throughput.py --model PATH --data ag_news/test.jsonl.gz

In one run, in turns, on the same token ids, with the server's prefix cache emptied each time:

- `LLMAnnotator` through the HTTP server that `VLLM.start` starts;
- vLLM's own `LLM.generate` in a process of its own, on exactly the annotator's queries;
- our client with one prompt a request and one request at a time;
- `LLMAnnotator` over `TransformersLM`, and a plain loop: prompts sorted by length, batches of 32,
  padded on the right, one forward pass, the first token of each label read from the logits.

Twice: with exact scores (a label of several tokens takes further queries) and with
`normalise="first"` (one query a prompt). Then the share of the time that is spent outside the
model, and the hit rate of the prefix cache with 8 demonstrations in the prompt.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
from results_file import write_results

import llmal.lm.vllm
from llmal.annotators.llm import LLMAnnotator
from llmal.annotators.protocol import Context
from llmal.core.records import Item
from llmal.lm import VLLM, TransformersLM
from llmal.lm.questions import questions
from llmal.lm.trie import Trie
from llmal.task import Task

MODES = {"exact": "sum", "first token": "first"}
ENGINE = {
    "dtype": "float32",
    "enforce_eager": True,
    "max_model_len": 1024,
    "block_size": 32,
    "enable_chunked_prefill": False,
    "max_logprobs": -1,
}


def read_items(path: Path, count: int) -> list[Item]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line, _ in zip(file, range(count), strict=False)]
    return [Item(f"{i}", row["text"], gold=str(row["label"])) for i, row in enumerate(rows)]


def annotator(task: Task, lm: Any, mode: str, shots: int = 0) -> LLMAnnotator:
    return LLMAnnotator(task, lm, style="completion", normalise=MODES[mode], shots=shots)


def queries(lm: VLLM, made: LLMAnnotator, items: Sequence[Item], mode: str) -> dict[str, Any]:
    """What the annotator's client puts into its requests, in the same order."""
    encoder = lm._encoder
    names = made.prompts.candidates
    trie = Trie(
        encoder.candidates(names),
        names,
        end=encoder.end,
        first_token_only=mode == "first token",
    )
    ids = sorted(encoder.encode([one.prompt for one in made.build(items)]))
    asked = questions(trie)
    return {
        "prompts": [[*one, *question.prefix] for one in ids for question in asked],
        "wanted": list(asked[0].wanted),
    }


class Engine:
    """vLLM in a process of its own, which this file runs with --engine."""

    def __init__(self, model: Path, work: dict[str, Any], folder: str) -> None:
        path = Path(folder) / "work.json"
        path.write_text(json.dumps(work))
        self._log = Path(folder) / "engine.log"
        command = [sys.executable, __file__, "--engine", str(path), "--model", str(model)]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*command, "--data", "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "WARNING"},
            )
        self._answer()

    def run(self, mode: str) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{mode}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> float:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("took "):
                return float(line.split()[1])
        raise SystemExit(f"the engine ended:\n{self._log.read_text()[-3000:]}")

    def close(self) -> None:
        self._process.communicate()


def serve_engine(model: Path, work_file: Path) -> None:
    from vllm import LLM, SamplingParams

    work = json.loads(work_file.read_text())
    engine = LLM(str(model), **ENGINE)
    print("took 0", flush=True)
    for line in sys.stdin:
        mode = line.strip()
        wanted = work[mode]["wanted"]
        sampling = SamplingParams(
            max_tokens=1, temperature=0, logprobs=len(wanted), logprob_token_ids=wanted
        )
        prompts = [{"prompt_token_ids": ids} for ids in work[mode]["prompts"]]
        engine.reset_prefix_cache()
        start = time.perf_counter()
        engine.generate(prompts, sampling, use_tqdm=False)
        print(f"took {time.perf_counter() - start}", flush=True)


def plain_loop(model: Path, made: LLMAnnotator) -> Callable[[Sequence[Item]], None]:
    """What one would write by hand."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, padding_side="right")
    lm = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    first = [
        tokenizer(word, add_special_tokens=False).input_ids[0] for word in made.prompts.candidates
    ]

    def run(items: Sequence[Item]) -> None:
        texts = [str(one.prompt) for one in made.build(items)]
        ids = sorted(tokenizer(texts).input_ids, key=len)
        for start in range(0, len(ids), 32):
            batch = tokenizer.pad({"input_ids": ids[start : start + 32]}, return_tensors="pt")
            with torch.inference_mode():
                logits = lm(**batch).logits
            last = batch["attention_mask"].sum(-1) - 1
            logits[torch.arange(len(last)), last].log_softmax(-1)[:, first].numpy()

    return run


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the wall, and of this process's cores."""
    wall, cores = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--data", type=Path, required=True, help="ag_news, as JSON lines")
    parser.add_argument("--labelled", type=Path, help="for demonstrations; by default its train")
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--single", type=int, default=300, help="items for one at a time")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--engine", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine:
        serve_engine(options.model, options.engine)
        return

    items = read_items(options.data, options.items)
    labelled = read_items(options.labelled or options.data.with_name("train.jsonl.gz"), 200)
    task = Task("ag_news", sorted({item.gold or "" for item in items}))
    with tempfile.TemporaryDirectory() as folder:
        served = VLLM.start(
            options.model,
            max_model_len=ENGINE["max_model_len"],
            log_file=f"{folder}/server.log",
            environment={"VLLM_SERVER_DEV_MODE": "1"},  # lets the prefix cache be emptied
        )
        with served:
            work = {
                mode: queries(served, annotator(task, served, mode), items, mode) for mode in MODES
            }
            engine = Engine(options.model, work, folder)
            asked = {mode: len(work[mode]["prompts"]) // len(items) for mode in MODES}
            figures = compare(options, task, items, labelled, served, engine)
            figures["queries a prompt"] = asked
            engine.close()
    show(figures)
    write_results("annotate_throughput", figures, model=options.model.name)


def compare(
    options: argparse.Namespace,
    task: Task,
    items: list[Item],
    labelled: list[Item],
    served: VLLM,
    engine: Engine,
) -> dict[str, Any]:
    single = VLLM(served.urls, tokenizer=options.model, concurrency=1)
    inside = TransformersLM(options.model, device="cpu")
    plain = plain_loop(options.model, annotator(task, inside, "exact"))

    def empty_cache() -> None:
        root = served.urls[0].removesuffix("/v1")
        httpx.post(f"{root}/reset_prefix_cache", trust_env=False).raise_for_status()

    def one_at_a_time(mode: str) -> None:
        batch, llmal.lm.vllm._BATCH = llmal.lm.vllm._BATCH, 1
        annotator(task, single, mode).annotate(items[: options.single])
        llmal.lm.vllm._BATCH = batch

    rates: dict[str, list[float]] = {}
    cores: dict[str, list[float]] = {}
    loads: list[float] = []

    def note(name: str, count: int, seconds: float, busy: float = 0.0) -> None:
        rates.setdefault(name, []).append(count / seconds)
        cores.setdefault(name, []).append(busy / seconds)
        loads.append(os.getloadavg()[0])
        print(f"{name:28} {count / seconds:7.1f} items/s   load {loads[-1]:.1f}", flush=True)

    for lm in (served, inside):  # What is compiled or allocated at first use is not measured.
        annotator(task, lm, "exact").annotate(labelled[:64])
    plain(labelled[:64])
    for _ in range(options.repeats):
        for mode in MODES:
            empty_cache()
            made = annotator(task, served, mode)
            note(f"http, {mode}", len(items), *timed(lambda made=made: made.annotate(items)))
            note(f"engine, {mode}", len(items), engine.run(mode))
            empty_cache()
            took = timed(lambda mode=mode: one_at_a_time(mode))
            note(f"one at a time, {mode}", options.single, *took)
            made = annotator(task, inside, mode)
            half = items[: len(items) // 2]
            took = timed(lambda made=made, half=half: made.annotate(half))
            note(f"transformers, {mode}", len(half), *took)
            note("plain loop", len(half), *timed(lambda half=half: plain(half)))
    single.close()

    empty_cache()
    before = served.usage
    shown = annotator(task, served, "first token", shots=8)
    context = Context(demonstrations=labelled)
    with_shots = timed(lambda: shown.annotate(items[:300], context))[0]
    used = served.usage - before

    def middle(name: str) -> float:
        return statistics.median(rates[name])

    ratios = {}
    for mode in MODES:
        http = middle(f"http, {mode}")
        ratios[mode] = {
            "http / engine": http / middle(f"engine, {mode}"),
            "http / one at a time": http / middle(f"one at a time, {mode}"),
            "share of time outside the engine": 1 - http / middle(f"engine, {mode}"),
            "client's cores / wall": statistics.median(cores[f"http, {mode}"]),
        }
    first = middle("transformers, first token")
    ratios["transformers, first token / plain loop"] = first / middle("plain loop")
    return {
        "items": len(items),
        "items one at a time": options.single,
        "items a second": {
            name: {"median": statistics.median(all_), "low": min(all_), "high": max(all_)}
            for name, all_ in rates.items()
        },
        "ratios": ratios,
        "prefix cache, 8 shots": {
            "hit rate": used.cached_tokens / used.prompt_tokens,
            "tokens a prompt": used.prompt_tokens / 300,
            "items a second": 300 / with_shots,
        },
        "load of the machine": {"low": min(loads), "high": max(loads)},
    }


def show(figures: dict[str, Any]) -> None:
    print()
    for name, rate in figures["items a second"].items():
        spread = f"{rate['low']:.1f} to {rate['high']:.1f}"
        print(f"{name:28} {rate['median']:7.1f} items/s  ({spread})")
    for name, ratio in figures["ratios"].items():
        shown = ratio if isinstance(ratio, dict) else {"": ratio}
        for what, value in shown.items():
            print(f"{name + ' ' + what:55} {value:.3f}")
    print(f"prefix cache, 8 shots: {figures['prefix cache, 8 shots']}")


if __name__ == "__main__":
    main()
