"""ALLSH's Table 4 with any causal language model: ways of choosing demonstrations, calibrated.

    python benchmarks/icl_fewshot.py run --model PATH_OR_NAME --shared ../shared --work FOLDER
    python benchmarks/icl_fewshot.py tell --work FOLDER

{sst2, trec6, rte} x {4, 8, 12 shots} x seeds x ways of choosing, each uncalibrated and with three
calibrators. A seed draws the candidates (`--candidates` labelled train texts, the same for every
way), as many other train texts without their labels for calibration on a pool, and all that is
random besides. Test texts are drawn once. `run` writes a line for each finished cell to
FOLDER/cells.jsonl and keeps the model's answers beside it: it may be stopped and goes on, and
several processes may share the work. `tell` makes the table, with intervals of a bootstrap over
test texts and seeds that are paired: the same texts and seeds for both ways that are compared. It
keeps the lines as results/icl_fewshot.jsonl; copied to FOLDER/cells.jsonl they are gone on from.

Prompts are those of the paper's Table 12. `--zhao` takes the setting of Zhao et al. (2021) where it
differs: labels are compared by their first token, and TREC has their instruction; content-free
inputs ("N/A", "", "[MASK]") and no trailing space hold either way.

The model runs in this process (`--device cuda` on a GPU), or behind `--url`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from icl_fewshot_figures import tell
from results_file import keep_lines, record_command, recorded_commands, write_results

from llmal.calibration import accuracy, expected_calibration_error, macro_f1, make
from llmal.core.records import Item
from llmal.demonstrations import Fixed, make_selector
from llmal.demonstrations.protocol import DemonstrationSelector
from llmal.embed import SentenceEmbedder
from llmal.few_shot import prepare
from llmal.lm import VLLM, ResponseCache, TransformersLM
from llmal.pool import Pool
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.task import Label, Task

TREC_INSTRUCTION = (
    "Classify the questions based on whether their answer type is a Number, Location, Person, "
    "Description, Entity, or Abbreviation."
)
SETS: dict[str, tuple[Task, str, dict[str, str]]] = {
    "sst2": (
        Task(
            "sst2", [Label("positive", words=("Positive",)), Label("negative", words=("Negative",))]
        ),
        "pattern",
        {"field": "Review", "answer": "Sentiment"},
    ),
    "trec6": (
        Task("trec6", ["Number", "Location", "Person", "Description", "Entity", "Abbreviation"]),
        "pattern",
        {"field": "Question", "answer": "Answer Type"},
    ),
    "rte": (
        Task(
            "rte",
            [Label("entailment", words=("True",)), Label("not_entailment", words=("False",))],
            text=("text_a", "text_b"),
        ),
        "pair_pattern",
        {},
    ),
}
RANDOM = "random, afresh for each text"
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    RANDOM: ("", {}),
    "random, once": ("random", {}),
    "uncertainty": ("uncertain", {}),
    "ALLSH": ("allsh", {"copies": 1}),
    "ALLSH + WCA": ("allsh", {"copies": 4}),
    "similar": ("similar", {}),
    "diverse": ("diverse", {}),
    "informative": ("informative", {"trials": 8, "texts": 40}),
}
"""How demonstrations are chosen, with what options."""
CALIBRATORS = ("none", "contextual", "batch", "prior-matching")


@dataclass(frozen=True)
class RandomForEach:
    """k candidates at random, drawn anew for each query, as in the paper."""

    requires: ClassVar[tuple[Any, ...]] = ()
    per_query: ClassVar[bool] = True

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        return [candidates[i] for i in rng.permutation(len(candidates))[:k]]

    def choose_each(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        queries: Sequence[Item],
    ) -> list[list[Item]]:
        return [self.choose(candidates, k, rng) for _ in queries]


@dataclass(frozen=True)
class Texts:
    """What a seed draws of a set."""

    candidates: list[Item]
    pool: list[Item]
    test: list[Item]
    truth: np.ndarray


def draw(name: str, shared: Path, seed: int, options: argparse.Namespace) -> Texts:
    task = SETS[name][0]
    folder, columns = shared / "data" / name, list(task.text)
    train = Pool.from_file(folder / "train.jsonl.gz", text=columns, gold="label")
    whole = Pool.from_file(folder / "test.jsonl.gz", text=columns, gold="label")
    count = min(options.test, len(whole))
    rows = np.random.default_rng(0).permutation(len(whole))[:count]
    test = whole.items(rows)
    drawn = np.random.default_rng([seed, 7]).permutation(len(train))
    items = train.items(drawn[: options.candidates + options.pool])
    return Texts(
        items[: options.candidates],
        without_gold(items[options.candidates :]),
        without_gold(test),
        np.array([task.index(one.gold or "") for one in test]),
    )


def without_gold(items: Sequence[Item]) -> list[Item]:
    return [Item(one.id, one.text, one.fields) for one in items]


def measure(
    way: str, shots: int, seed: int, texts: Texts, scorer: PromptScorer, embedder: SentenceEmbedder
) -> dict[str, Any]:
    """One way of choosing with every calibrator; what calibration asks comes after the choice."""
    strategy, given = WAYS[way]
    if strategy == "informative":
        given = {"pool": texts.pool, **given}
    selector: DemonstrationSelector = (
        make_selector(strategy, scorer=scorer, embedder=embedder, **given)
        if strategy
        else RandomForEach()
    )
    chosen = prepare(
        scorer,
        texts.candidates,
        shots=shots,
        selector=selector,
        rng=np.random.default_rng([seed, 11]),
    )
    labels = scorer.labels
    found: dict[str, Any] = {"tokens_choose": chosen.usage.tokens, "calibrated": {}}
    if chosen.selector is None:
        shown = [one.gold for one in chosen.candidates]
        found["shown"] = [shown.count(name) for name in labels]
        selector = Fixed(chosen.candidates)
    for name in CALIBRATORS:
        ready = prepare(
            scorer,
            texts.candidates,
            shots=shots,
            selector=selector,
            calibrators=[] if name == "none" else [make(name)],
            unlabelled=texts.pool,
            rng=np.random.default_rng([seed, 11]),
        )
        answer = ready.score(texts.test)
        p = answer.probabilities
        given_labels = p.argmax(axis=1)
        right = given_labels == texts.truth
        found["tokens_label"] = int(sum(one.tokens for one in answer.scored.usage))
        found["shots_in_prompt"] = float(
            np.mean([len(one.demonstrations) for one in answer.scored.prompts])
        )
        found["calibrated"][name] = {
            "right": "".join("01"[int(one)] for one in right),
            "accuracy": accuracy(given_labels, texts.truth),
            "macro_f1": macro_f1(
                [labels[c] for c in given_labels], [labels[c] for c in texts.truth], labels
            ),
            "ece": expected_calibration_error(p.max(axis=1), right),
            "tokens_calibrate": ready.usage.tokens,
            "mean": np.round(p.mean(axis=0), 4).tolist(),
        }
    return found


def run(options: argparse.Namespace) -> None:
    """All cells that are not in the file yet, seed by seed: each seed fills the whole table."""
    work, shared = Path(options.work), Path(options.shared).resolve()
    work.mkdir(parents=True, exist_ok=True)
    record_command(work)
    lines = work / "cells.jsonl"
    model = Path(options.model).name
    cache = ResponseCache(work / f"{model}.sqlite")
    lm: VLLM | TransformersLM
    if options.url:
        lm = VLLM(url=options.url, model=model, cache=cache)
    else:
        lm = TransformersLM(
            options.model,
            device=options.device,
            dtype=options.dtype,
            batch_tokens=options.batch_tokens,
            cache=cache,
        )
    embedder = SentenceEmbedder()
    begun = time.perf_counter()
    for seed in range(options.seeds):
        for shots in options.shots:
            for name in options.sets:
                task, prompt, values = SETS[name]
                if options.zhao and name == "trec6":
                    values = {**values, "instruction": TREC_INSTRUCTION}
                template = load_prompt(prompt).with_values(values)
                prompts = LabellingPrompts(task, template, lm, "completion")
                texts: Texts | None = None
                for way in options.ways:
                    key = {
                        "model": model,
                        "zhao": options.zhao,
                        "test": options.test,
                        "candidates": options.candidates,
                        "pool": options.pool,
                        "set": name,
                        "shots": shots,
                        "seed": seed,
                        "way": way,
                    }
                    if key in finished(lines):
                        continue
                    texts = texts or draw(name, shared, seed, options)
                    scorer = PromptScorer(prompts, "first" if options.zhao else "sum")
                    start = time.perf_counter()
                    found = measure(way, shots, seed, texts, scorer, embedder)
                    found |= {
                        "labels": task.names,
                        "dtype": options.dtype or "default",
                        "truth": texts.truth.tolist(),
                        "seconds": time.perf_counter() - start,
                    }
                    with lines.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"key": key, **found}) + "\n")
                    shares = " ".join(
                        f"{calibrator} {one['accuracy']:.3f}"
                        for calibrator, one in found["calibrated"].items()
                    )
                    print(
                        f"{time.perf_counter() - begun:6.0f} s  {name} {shots} {seed} {way}: "
                        f"{shares}  ({found['seconds']:.0f} s)",
                        flush=True,
                    )


def finished(lines: Path) -> list[dict[str, Any]]:
    """Keys of the cells that are in the file."""
    if not lines.exists():
        return []
    with lines.open(encoding="utf-8") as file:
        return [json.loads(line)["key"] for line in file]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "tell"])
    parser.add_argument("--work", required=True, help="folder of lines and answers")
    parser.add_argument("--model", help="path or hub name")
    parser.add_argument("--url", help="a vLLM server that serves it")
    parser.add_argument("--device")
    parser.add_argument("--dtype")
    parser.add_argument("--batch-tokens", type=int, default=4096, help="512 is faster on a CPU")
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", "../shared"))
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--shots", nargs="+", type=int, default=[4, 8, 12])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--pool", type=int, default=100, help="texts to calibrate on")
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--zhao", action="store_true")
    options = parser.parse_args()
    if options.what == "run":
        if not options.model:
            parser.error("--model names the model")
        run(options)
        return
    path = Path(options.work) / "cells.jsonl"
    with path.open(encoding="utf-8") as file:
        cells = [json.loads(line) for line in file]
    commands = recorded_commands(Path(options.work))
    keep_lines("icl_fewshot", path)
    print(write_results("icl_fewshot", {"commands": commands, **tell(cells, RANDOM)}))


if __name__ == "__main__":
    main()
