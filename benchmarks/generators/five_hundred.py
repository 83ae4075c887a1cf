"""Five hundred new items in one call: how many, how good, how fast; the same again; killed.

    python benchmarks/generators/five_hundred.py --work FOLDER [--lm tiny-lm] [--items 500]
    python benchmarks/generators/five_hundred.py --work FOLDER --lm smollm2-135m-instruct --vllm

`llmal.generate` with class_conditional, the structure `line` and the default filters, in a process
of its own, on trec6 and ag_news: so many accepted items, as many of each label, with ten labelled
items of each from the train part as demonstrations. With `--vllm` over a vLLM server that is
started for it, else in process with transformers.

    whole    how many were accepted, or the sentence why not; whether each is well-formed (a text
             within its length, a label of the task, an id and a text that no other has); refusals
             by filter; texts and accepted items a second, start and loading left out
    same     `--small` items, twice, without a cache: whether texts, labels and verdicts are equal
    killed   `--small` items: killed (SIGKILL) when half of the answers are in the cache, and run
             again: whether the rows and the cost are those of a run left alone, and how many
             answers were kept at the kill

What is done stands in the folder, where a run goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from learners.few_shot import GUIDELINES
from results_file import add_line, read_lines, record_command, recorded_commands, write_results

NAME = "generators_five_hundred"
SETS, DEMONSTRATIONS = ("trec6", "ag_news"), 10
MIN_WORDS, MAX_WORDS = 3, {"trec6": 20, "ag_news": 60}


def write_one(options: argparse.Namespace) -> None:
    """One call of `llmal.generate`, in this process; its rows go to a file."""
    import llmal
    from llmal.embed import SentenceEmbedder
    from llmal.lm import VLLM, TransformersLM

    name, k, cache, out = options.one
    with gzip.open(options.shared / "data" / name / "train.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    order = np.random.default_rng(options.seed).permutation(len(rows))
    labels = sorted({row["label"] for row in rows})
    shown = [
        {"text": row["text"], "label": label}
        for label in labels
        for row in [rows[place] for place in order if rows[place]["label"] == label]
        [:DEMONSTRATIONS]
    ]  # fmt: skip
    folder = options.shared / "models" / options.lm
    source = folder if folder.exists() else options.lm
    lm: Any = VLLM(options.url) if options.url else TransformersLM(source)
    embedder = SentenceEmbedder()
    embedder.embed(["to load it"])
    begun = time.perf_counter()
    new = llmal.generate(
        labels,
        int(k),
        lm=lm,
        demonstrations=shown,
        guidelines=GUIDELINES[name],
        structure="line",
        min_words=MIN_WORDS,
        max_words=MAX_WORDS[name],
        embedder=embedder,
        cache=False if cache == "-" else cache,
        seed=options.seed,
        progress=False,
    )
    seconds = time.perf_counter() - begun
    keys = ("id", "text", "label", "generator")
    content = {
        "model": lm.fingerprint,
        "accepted": [{key: row[key] for key in keys} for row in new],
        "refused": [
            {key: row[key] for key in (*keys, "refused_by", "reason")} for row in new.refused
        ],
        "missing": new.missing,
        "cost": new.cost.as_dict(),
        "labels": labels,
        "seconds": seconds,
        "processor seconds": time.process_time(),
    }
    Path(out).write_text(json.dumps(content))


def start(options: argparse.Namespace, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--work", str(options.work), "--lm", options.lm]
    command += ["--shared", str(options.shared), "--seed", str(options.seed)]
    command += ["--url", options.url] if options.url else []
    return subprocess.Popen(
        [*command, "--one", *words], stderr=subprocess.PIPE, text=True, start_new_session=False
    )


def finish(process: subprocess.Popen[str], out: Path) -> dict[str, Any]:
    _, errors = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"a call ended with {process.returncode}: {errors[-2000:]}")
    told = [line for line in errors.splitlines() if "missing after" in line]
    return {**json.loads(out.read_text()), "sentences": told}


def answers_in(cache: Path) -> int:
    if not cache.exists():
        return 0
    database = sqlite3.connect(f"file:{cache}?mode=ro", uri=True)
    with contextlib.closing(database), contextlib.suppress(sqlite3.OperationalError):
        # Or its table is not there yet.
        return int(database.execute("SELECT COUNT(*) FROM responses").fetchone()[0])
    return 0


def faults(found: dict[str, Any], name: str) -> list[str]:
    """What is not well-formed of the accepted, by kind."""
    rows = found["accepted"]
    kinds = Counter[str]()
    for row in rows:
        words = len(row["text"].split())
        kinds["length"] += not MIN_WORDS <= words <= MAX_WORDS[name]
        kinds["label"] += row["label"] not in found["labels"]
        kinds["line"] += "\n" in row["text"] or row["text"] != row["text"].strip()
    kinds["id"] += len(rows) - len({row["id"] for row in rows})
    kinds["text"] += len(rows) - len({row["text"] for row in rows})
    return [f"{kind}: {count}" for kind, count in kinds.items() if count]


def whole(options: argparse.Namespace, name: str, labels: int) -> dict[str, Any]:
    k = -(-options.items // labels)
    out = options.work / f"{name}.whole.json"
    cache = options.work / f"{name}.whole.sqlite"
    cache.unlink(missing_ok=True)
    found = finish(start(options, name, str(k), str(cache), str(out)), out)
    written = len(found["accepted"]) + len(found["refused"])
    return {
        "model": found["model"],
        "asked": k * labels,
        "accepted": len(found["accepted"]),
        "written": written,
        "missing": found["missing"],
        "sentences": found["sentences"],
        "faults": faults(found, name),
        "refused": dict(Counter(row["refused_by"] for row in found["refused"]).most_common()),
        "by label": dict(Counter(row["label"] for row in found["accepted"])),
        "seconds": found["seconds"],
        "processor seconds": found["processor seconds"],
        "cost": found["cost"],
    }


def same(options: argparse.Namespace, name: str, labels: int) -> dict[str, Any]:
    k = -(-options.small // labels)
    runs = []
    for number in range(2):
        out = options.work / f"{name}.same.{number}.json"
        runs.append(finish(start(options, name, str(k), "-", str(out)), out))
    first, second = ([*one["accepted"], *one["refused"]] for one in runs)
    return {
        "asked": k * labels,
        "written": len(first),
        "equal": sum(one == other for one, other in zip(first, second, strict=False)),
        "all equal": first == second,
    }


def killed(options: argparse.Namespace, name: str, labels: int) -> dict[str, Any]:
    k = -(-options.small // labels)
    alone = options.work / f"{name}.alone"
    again = options.work / f"{name}.again"
    for path in (alone, again):
        for one in path.parent.glob(f"{path.name}*"):
            one.unlink()
    words = (name, str(k), f"{alone}.sqlite", f"{alone}.json")
    undisturbed = finish(start(options, *words), Path(f"{alone}.json"))
    answers = answers_in(Path(f"{alone}.sqlite"))
    words = (name, str(k), f"{again}.sqlite", f"{again}.json")
    process = start(options, *words)
    while answers_in(Path(f"{again}.sqlite")) < answers / 2:
        if process.poll() is not None:
            raise SystemExit("the call had ended before it could be killed")
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = answers_in(Path(f"{again}.sqlite"))
    found = finish(start(options, *words), Path(f"{again}.json"))
    costs = [
        {key: value for key, value in one["cost"].items() if key != "seconds"}
        for one in (undisturbed, found)
    ]
    texts = [row["text"] for row in found["accepted"]]
    return {
        "asked": k * labels,
        "answers": answers,
        "kept at the kill": kept,
        "answers in the end": answers_in(Path(f"{again}.sqlite")),
        "equal rows": found["accepted"] == undisturbed["accepted"]
        and found["refused"] == undisturbed["refused"],
        "repeated texts": len(texts) - len(set(texts)),
        "equal cost": costs[0] == costs[1],
        "cost": costs[1],
    }


PARTS = {"same": same, "killed": killed, "whole": whole}


def measure(options: argparse.Namespace) -> None:
    record_command(options.work)
    lines = options.work / "lines.jsonl"
    done = {(one["part"], one["set"]) for one in read_lines(lines)}
    for part in options.parts:
        for name in options.sets:
            if (part, name) in done:
                continue
            with gzip.open(options.shared / "data" / name / "train.jsonl.gz", "rt") as file:
                labels = len({json.loads(line)["label"] for line in file})
            found = PARTS[part](options, name, labels)
            add_line(lines, {"part": part, "set": name, **found})
            write_results(
                NAME,
                {
                    "commands": recorded_commands(options.work),
                    "backend": "vLLM" if options.url else "transformers",
                    "demonstrations a label": DEMONSTRATIONS,
                    "rows": read_lines(lines),
                },
                model=options.lm,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = Path(__file__).resolve().parents[2]
    shared = Path(os.environ.get("LLMAL_SHARED", root.parent / "shared"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=shared)
    parser.add_argument("--lm", default="tiny-lm")
    parser.add_argument("--vllm", action="store_true")
    parser.add_argument("--url", help="of a vLLM server that runs already")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--small", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        write_one(options)
        return
    options.work.mkdir(parents=True, exist_ok=True)
    if not options.vllm:
        measure(options)
        return
    from llmal.lm import VLLM

    folder = options.shared / "models" / options.lm
    source = folder if folder.exists() else options.lm
    with VLLM.start(source, max_model_len=1024, log_file=options.work / "server.log") as served:
        options.url = served.urls[0]
        measure(options)


if __name__ == "__main__":
    main()
