"""The main job on real data: does a language model help at equal numbers of people's labels?

    python benchmarks/main_job.py run --model PATH_OR_NAME --shared ../shared --work FOLDER
    python benchmarks/main_job.py tell --work FOLDER

For each set, seed and arm one run as `llmal run` does it: 20 items by the start selector, rounds
of 20, a learner after each. In the arm "people" they label every pick; in the others the model
labels first, with demonstrations from what people have labelled, and what it gives less than the
threshold goes to people, simulated from the gold column. Every arm gets the same budget of people's
labels, so where the model takes picks over, its runs go on for more rounds. Besides, the model
labels test texts once without demonstrations and once with them.

`run` writes a line for each finished run to FOLDER/runs.jsonl and may be stopped; `tell` makes the
figures and keeps the lines as results/main_job.jsonl; copied to FOLDER/runs.jsonl they are gone on
from. The model runs in this process, or on a vLLM server (`--vllm` starts one).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from main_job_figures import tell
from results_file import keep_lines, record_command, recorded_commands, write_results

from llmal.annotators import Context, LLMAnnotator
from llmal.calibration.measures import expected_calibration_error
from llmal.config import parse_config
from llmal.factory.orchestrator import build
from llmal.lm import VLLM, LanguageModel, ResponseCache, TransformersLM
from llmal.pool import Pool
from llmal.task import Task

SETS = {
    "trec6": "What kind of answer does the question ask for?",
    "ag_news": "",
}
PEOPLE = "{name: human, via: gold}"
CONFIG = """
task: {{name: {name}, labels: [{labels}], guidelines: "{guidelines}"}}
data: {{pool: {folder}/pool.jsonl, test: {folder}/test.jsonl, gold: label}}
lm: {{backend: transformers, model: {model}}}
start: {{selector: {start}, items: {batch}}}
selector: {{name: {selector}}}
annotator: [{annotators}]
budget: {{human_labels: {human_labels}, rounds: {rounds}, batch: {batch}}}
directory: {directory}
seed: {seed}
"""
BATCH = 20
SELECTORS = {"typiclust, margin": ("typiclust", "margin"), "random": ("random", "random")}


def arms(options: argparse.Namespace) -> dict[str, str]:
    """The annotators of each arm, as the configuration has them."""
    model = f"name: llm, shots: {options.shots}, threshold: {options.threshold}"
    return {
        "people": PEOPLE,
        "model uncalibrated, people": f"{{{model}, calibrate: none}}, {PEOPLE}",
        "model calibrated, people": f"{{{model}, calibrate: {options.calibrate}}}, {PEOPLE}",
    }


def write_set(name: str, shared: Path, folder: Path, options: argparse.Namespace) -> list[str]:
    """Pool and test set of the wanted sizes, drawn once; gives the labels."""
    folder.mkdir(parents=True, exist_ok=True)
    labels: set[str] = set()
    for part, kept, count in (("train", "pool", options.pool), ("test", "test", options.test)):
        path = shared / "data" / name / f"{part}.jsonl.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = file.readlines()
        rows = np.random.default_rng(0).permutation(len(lines))[:count]
        (folder / f"{kept}.jsonl").write_text("".join(lines[i] for i in sorted(rows)))
        labels |= {json.loads(line)["label"] for line in lines}
    return sorted(labels)


def run_one(
    name: str,
    arm: str,
    selectors: str,
    seed: int,
    lm: LanguageModel | None,
    options: argparse.Namespace,
    work: Path,
) -> dict[str, Any]:
    """One run from an empty directory."""
    folder = work / f"{name}-{options.pool}-{options.test}"
    labels = write_set(name, Path(options.shared).resolve(), folder, options)
    directory = work / f"run-{os.getpid()}"
    start, selector = SELECTORS[selectors]
    text = CONFIG.format(
        name=name,
        labels=", ".join(f'"{label}"' for label in labels),
        guidelines=SETS[name],
        folder=folder,
        model=options.model,
        start=start,
        selector=selector,
        annotators=arms(options)[arm],
        human_labels=options.human_labels,
        rounds=options.rounds,
        batch=BATCH,
        directory=directory,
        seed=seed,
    )
    shutil.rmtree(directory, ignore_errors=True)
    begun = time.perf_counter()
    if lm is not None:
        lm.cache = None
    run = build(parse_config(text, base=Path.cwd()), lm=lm)
    result = run.run()
    gold = dict(zip(run.pool.ids(), run.pool.gold(), strict=True))
    own = [one for one in result.annotations if one.kind == "llm"]
    stands = [one for one in own if one.decision == "accepted"]
    by_round = [
        {
            "accuracy": one.metrics["accuracy"],
            "labelled": one.metrics["labelled"],
            "human_labels": sum(
                answer.kind == "human" and answer.round <= one.number
                for answer in result.annotations
            ),
        }
        for one in result.rounds
    ]
    shutil.rmtree(directory)
    return {
        "rounds": by_round,
        "asked": len(own),
        "stands": len(stands),
        "right": float(np.mean([one.label == gold[one.item_id] for one in own])) if own else None,
        "right_of_standing": float(np.mean([one.label == gold[one.item_id] for one in stands]))
        if stands
        else None,
        "tokens": result.cost.tokens,
        "seconds": time.perf_counter() - begun,
    }


def label_test_set(
    name: str, shots: int, lm: LanguageModel, options: argparse.Namespace, work: Path
) -> dict[str, Any]:
    """How good the model's own labels are, on test texts, as they are and calibrated."""
    folder = work / f"{name}-{options.pool}-{options.test}"
    labels = write_set(name, Path(options.shared).resolve(), folder, options)
    pool = Pool.from_file(folder / "pool.jsonl", gold="label")
    test = Pool.from_file(folder / "test.jsonl", gold="label")
    items = test.items(np.arange(len(test)))
    drawn = np.random.default_rng(0).permutation(len(pool))
    context = Context(
        demonstrations=tuple(pool.items(drawn[:50])), unlabelled=tuple(pool.items(drawn[50:114]))
    )
    task = Task(name, labels, guidelines=SETS[name])
    lm.cache = ResponseCache(work / "test_answers.sqlite")
    found: dict[str, Any] = {"shots": shots, "items": len(items)}
    for how, calibrate in (("uncalibrated", None), ("calibrated", options.calibrate)):
        annotator = LLMAnnotator(task, lm, shots=shots, calibrate=calibrate)
        answers = annotator.annotate(items, context)
        right = np.array([one.label == item.gold for one, item in zip(answers, items, strict=True)])
        sure = np.array([one.confidence for one in answers])
        stands = sure >= options.threshold
        found[how] = {
            "accuracy": float(right.mean()),
            "ece": float(expected_calibration_error(sure, right)),
            "share_that_stands": float(stands.mean()),
            "accuracy_of_those": float(right[stands].mean()) if stands.any() else None,
        }
    lm.cache.close()
    lm.cache = None
    return found


def run(options: argparse.Namespace) -> None:
    """All that is not in the file yet; the first seed of all sets and arms first."""
    work = Path(options.work).resolve()
    work.mkdir(parents=True, exist_ok=True)
    record_command(work)
    lines = work / "runs.jsonl"
    lm: LanguageModel
    if options.url:
        lm = VLLM(options.url, Path(options.model).name)
    elif options.vllm:
        lm = VLLM.start(options.model)
    else:
        lm = TransformersLM(
            options.model,
            device=options.device,
            dtype=options.dtype,
            batch_tokens=options.batch_tokens,
        )
    sizes = {
        what: getattr(options, what)
        for what in ("pool", "test", "human_labels", "rounds", "shots", "threshold", "calibrate")
    }
    todo: list[dict[str, Any]] = [
        {"set": name, "label": shots}
        for name in options.sets
        for shots in dict.fromkeys((0, options.shots))
    ]
    todo += [
        {"set": name, "seed": seed, "arm": arm, "selectors": selectors}
        for seed in range(options.seeds)
        for name in options.sets
        for selectors in options.selectors
        for arm in options.arms or arms(options)
    ]
    for one in todo:
        key = {"model": Path(options.model).name, **sizes, **one}
        if lines.exists() and key in [json.loads(line)["key"] for line in lines.open()]:
            continue
        if "label" in one:
            found = label_test_set(one["set"], one["label"], lm, options, work)
        else:
            given = None if one["arm"] == "people" else lm
            found = run_one(
                one["set"], one["arm"], one["selectors"], one["seed"], given, options, work
            )
        with lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": key, **found}) + "\n")
        print(one, found, flush=True)
    lm.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["run", "tell"])
    parser.add_argument("--work", required=True, help="folder of lines, answers and runs")
    parser.add_argument("--model", help="path or hub name")
    parser.add_argument("--url", help="a vLLM server that serves it")
    parser.add_argument("--vllm", action="store_true", help="start a vLLM server")
    parser.add_argument("--device")
    parser.add_argument("--dtype")
    parser.add_argument("--batch-tokens", type=int, default=4096, help="512 is faster on a CPU")
    parser.add_argument("--shared", default=os.environ.get("LLMAL_SHARED", "../shared"))
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--selectors", nargs="+", default=list(SELECTORS), choices=list(SELECTORS))
    parser.add_argument("--arms", nargs="+", help="by their names here; by default all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--pool", type=int, default=3000)
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--human-labels", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=30, help="most rounds of a run")
    parser.add_argument("--shots", type=int, default=4)
    parser.add_argument("--threshold", type=float, default=0.9)
    parser.add_argument("--calibrate", default="auto")
    options = parser.parse_args()
    if options.what == "run":
        if not options.model:
            parser.error("--model names the model")
        run(options)
        return
    path = Path(options.work) / "runs.jsonl"
    with path.open(encoding="utf-8") as file:
        figures = tell([json.loads(line) for line in file])
    keep_lines("main_job", path)
    commands = recorded_commands(Path(options.work))
    print(write_results("main_job", {"commands": commands, **figures}))


if __name__ == "__main__":
    main()
