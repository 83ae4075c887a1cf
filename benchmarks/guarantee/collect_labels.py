"""Labels by real models, with their probabilities, for the benchmarks of guarantees.

    python benchmarks/guarantee/collect_labels.py --out FOLDER [--shared ../shared]

Five sets, each cut to rows drawn at random from its train part (the same rows in every file),
labelled by `llmal.annotate` as a user would have it:
labels named as in the data, no demonstrations, the default calibration. *Votes* are the same model
with the other form of prompt, and with a sentence on what the labels are about. Each call of a
model writes one file, FOLDER/<set>.<model>.<prompt>.npz; what is there is not asked again, and
what a call that was killed had answered is in FOLDER/responses.sqlite.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import llmal
from llmal.core.records import Item
from llmal.embed import SentenceEmbedder
from llmal.lm import ResponseCache, TransformersLM
from llmal.pool import Pool
from llmal.prompting import load_prompt
from llmal.prompting.style import choose_style
from llmal.task import Task

GUIDELINES = {
    "trec6": "What kind of thing does the question ask for?",
    "ag_news": "Which part of a newspaper does the article belong to?",
    "dbpedia14": "What kind of thing is the article about?",
    "sst2": "Is what the film critic says positive or negative?",
    "emotion": "Which emotion does the writer feel?",
}
SETS = tuple(GUIDELINES)
PROMPTS = ("default", "other style", "guidelines")
MODELS = ("tiny-lm", "smollm2-135m-instruct")
ITEMS = 2000


def read_pool(shared: Path, name: str, count: int) -> tuple[Task, list[Item]]:
    """The task and the first items of its train part as shuffled by seed 0."""
    pool = Pool.from_file(shared / "data" / name / "train.jsonl.gz", text=["text"], gold="label")
    task = Task(name, sorted(pool.gold_counts()), text=["text"])
    rows = np.random.default_rng(0).permutation(len(pool))[:count]
    return task, [pool[int(row)] for row in rows]


def ask(
    name: str, model: str, prompt: str, lm: TransformersLM, options: argparse.Namespace
) -> dict[str, NDArray[np.generic]]:
    """Label a set with one prompt: targets by machine and gold, shape (N,), and probabilities."""
    task, items = read_pool(options.shared, name, options.items)
    default = choose_style(task, load_prompt("label"), lm)
    other = "chat" if default == "completion" else "completion"
    begun = time.perf_counter()
    result = llmal.annotate(
        [{"text": item.text} for item in items],
        task.names,
        text="text",
        lm=lm,
        guidelines=GUIDELINES[name] if prompt == "guidelines" else "",
        style=other if prompt == "other style" else "auto",
        probabilities=True,
        progress=False,
    )
    seconds = time.perf_counter() - begun
    code = {label: column for column, label in enumerate(task.names)}
    return {
        "machine": np.array([-1 if one is None else code[one] for one in result.labels]),
        "gold": np.array([code[item.gold] for item in items]),
        "probabilities": np.array(
            [
                [np.nan] * len(code) if row is None else [row[label] for label in task.names]
                for row in result.column("probabilities")
            ]
        ),
        "labels": np.array(task.names),
        "style": np.array(other if prompt == "other style" else default),
        "seconds": np.array(seconds),
    }


def embed(options: argparse.Namespace) -> None:
    """MiniLM embeddings of the same items."""
    embedder = SentenceEmbedder()
    for name in options.sets:
        path = options.out / f"{name}.minilm.npz"
        if not path.exists():
            _, items = read_pool(options.shared, name, options.items)
            vectors = np.asarray(embedder.embed([item.text for item in items]))
            save(path, embeddings=vectors.astype(np.float32))


def save(path: Path, **arrays: NDArray[np.generic]) -> None:
    """Write a file whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, **arrays)
    part.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--models", nargs="*", default=list(MODELS), help="none: embed")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--prompts", nargs="+", default=list(PROMPTS))
    parser.add_argument("--items", type=int, default=ITEMS, help="items a set")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", help="bfloat16 is faster on some CPUs")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    import torch

    torch.set_num_threads(1)
    if not options.models:
        embed(options)
    for model in options.models:
        folder = options.shared / "models" / model
        lm = TransformersLM(
            str(folder) if folder.exists() else model,
            device=options.device,
            dtype=options.dtype,
            cache=ResponseCache(options.out / "responses.sqlite"),
        )
        for prompt in options.prompts:
            for name in options.sets:
                path = options.out / f"{name}.{model}.{prompt.replace(' ', '_')}.npz"
                if path.exists():
                    continue
                found = ask(name, model, prompt, lm, options)
                save(path, **found)
                right = float((found["machine"] == found["gold"]).mean())
                print(f"{path.name}: {right:.3f} right, {found['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
