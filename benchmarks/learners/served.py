"""A soft prompt behind a vLLM server beside the same in this process: equal scores, and rates.

    python benchmarks/learners/served.py --work FOLDER --model tiny-lm [--shared ../shared]

A dynamic soft prompt is trained on eight questions of each class of trec6, and all labels of 200
test questions are scored by the server, by the learner itself, and, without a soft prompt, by the
same server and by transformers. Seconds are for all 200, the second time that they are asked, so
that what is loaded or kept at first is; the response cache is off.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.append(str(Path(__file__).resolve().parents[1]))

from few_shot import GUIDELINES, draw, read_rows
from results_file import write_results

from llmal.learners import DynamicSoftPrompt
from llmal.learners.serving import SoftPromptLM
from llmal.lm import VLLM, TransformersLM

TEXTS = 200
WORDS = {
    "Number": "a number",
    "Location": "a place",
    "Person": "a person or a group",
    "Description": "a description",
    "Entity": "a thing",
    "Abbreviation": "short form",
}


def timed(ask: Callable[[], Any]) -> tuple[Any, float]:
    """What the second call gives, and how long it takes."""
    ask()
    begun = time.perf_counter()
    found = ask()
    return found, time.perf_counter() - begun


def compare(
    place: Any, source: str, texts: list[str], labels: list[str], asked: list[str], log: Path
) -> dict[str, Any]:
    """Train with the soft prompt at a place, and ask all four."""
    learner = DynamicSoftPrompt(
        source,
        instruction=GUIDELINES["trec6"],
        verbalizers=WORDS,
        place=place,
        epochs=3,
        device="cpu",
    ).fit(texts, labels)
    network: Any = learner.network_
    prompts = [network.template.fill(text) for text in asked]
    with SoftPromptLM.start(learner, log_file=log) as served:
        theirs, seconds = timed(lambda: served.score(prompts, network.candidates).log_probs)
        with VLLM(served.urls) as plain:
            _, plain_seconds = timed(lambda: plain.score(prompts, network.candidates))
    mine, own_seconds = timed(lambda: in_process(network, asked))
    lm = TransformersLM(source, device="cpu")
    _, transformers_seconds = timed(lambda: lm.score(prompts, network.candidates))
    found = {
        "place": place,
        "label_tokens": [len(path) for path in network.trie.paths],
        "largest_difference": float(np.abs(theirs - mine).max()),
        "served_items_s": TEXTS / seconds,
        "in_process_items_s": TEXTS / own_seconds,
        "served_without_soft_prompt_items_s": TEXTS / plain_seconds,
        "transformers_without_soft_prompt_items_s": TEXTS / transformers_seconds,
    }
    print(found, flush=True)
    return found


def in_process(network: Any, asked: list[str]) -> np.ndarray:
    """Scores by the learner itself, shape (n, C), texts of near lengths together."""
    with torch.inference_mode():
        readings = network.read(asked)
        order = sorted(range(len(asked)), key=lambda row: len(readings[row]))
        scores = np.empty((len(asked), len(network.candidates)))
        for start in range(0, len(order), 16):
            rows = order[start : start + 16]
            scores[rows] = network.forward([readings[row] for row in rows]).scores.numpy()
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="tiny-lm")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    folder = options.shared / "models" / options.model
    source = str(folder) if folder.exists() else options.model
    texts, labels = draw(read_rows(options.shared, "trec6", "train"), 8, 0)
    asked = [row["text"] for row in read_rows(options.shared, "trec6", "test")[:TEXTS]]
    rows = [
        compare(place, source, texts, labels, asked, options.work / "server.log")
        for place in ("front", "before text")
    ]
    write_results("learners_served", {"texts": TEXTS, "rows": rows}, model=options.model)


if __name__ == "__main__":
    main()
