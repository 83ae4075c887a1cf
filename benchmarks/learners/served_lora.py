"""Low-rank updates that answer with words behind vLLM, beside the same in this process.

    python benchmarks/learners/served_lora.py --work FOLDER --model tiny-lm [--shared ../shared]

The updates are trained on eight questions of each class of trec6, and all labels of 200 test
questions are scored by a server that adds the updates itself, by a server of the exported model
with the updates in it, by the learner, and by the model alone, on the first server and by
transformers. Seconds are for all questions, the second time that they are asked, so that what is
loaded or kept at first is; the response cache is off. What is done is kept in FOLDER, and not done
again.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1]))

from few_shot import GUIDELINES, draw, read_rows
from results_file import add_line, read_lines, write_results
from served import WORDS, in_process, timed

from llmal.learners import LoRA
from llmal.learners.serving import LoRALM
from llmal.lm import VLLM, TransformersLM

WAYS = ["LoRA", "LoRA, merged"]


def trained(source: str, texts: list[str], labels: list[str]) -> LoRA:
    """The updates: the same ones every time."""
    return LoRA(
        source,
        answer="words",
        instruction=GUIDELINES["trec6"],
        verbalizers=WORDS,
        epochs=3,
        device="cpu",
    ).fit(texts, labels)


def compare(way: str, source: str, learner: LoRA, asked: list[str], work: Path) -> dict[str, Any]:
    """Serve a learner in one way, and ask server, learner and transformers."""
    network: Any = learner.network_
    prompts = [network.template.fill(text) for text in asked]
    found: dict[str, Any] = {
        "learner": way,
        "label_tokens": [len(path) for path in network.trie.paths],
    }
    log = work / "server.log"
    if way == "LoRA":
        lm: VLLM = LoRALM.start(learner, log_file=log)
    else:
        merged = work / "merged"
        if not merged.exists():
            learner.export(merged)
        lm = VLLM.start(merged, log_file=log)
    with lm:
        theirs, seconds = timed(lambda: lm.score(prompts, network.candidates).log_probs)
        found["served_items_s"] = len(asked) / seconds
        if way == "LoRA":
            with VLLM(lm.urls) as plain:
                _, seconds = timed(lambda: plain.score(prompts, network.candidates))
            found["served_alone_items_s"] = len(asked) / seconds
    mine, seconds = timed(lambda: in_process(network, asked))
    found["in_process_items_s"] = len(asked) / seconds
    found["largest_difference"] = float(np.abs(theirs - mine).max())
    plain_lm = TransformersLM(source, device="cpu")
    _, seconds = timed(lambda: plain_lm.score(prompts, network.candidates))
    found["transformers_alone_items_s"] = len(asked) / seconds
    # Of all processes of the machine, at the end: it tells how much else was going on.
    found["load"] = os.getloadavg()[0]
    print(found, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="tiny-lm")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    folder = options.shared / "models" / options.model
    source = str(folder) if folder.exists() else options.model
    texts, labels = draw(read_rows(options.shared, "trec6", "train"), 8, 0)
    asked = [row["text"] for row in read_rows(options.shared, "trec6", "test")[: options.texts]]
    kept = options.work / f"{options.model}.{len(asked)}.jsonl"
    rows = {row["learner"]: row for row in read_lines(kept)}
    learner = None
    for way in WAYS:
        if way not in rows:
            learner = learner or trained(source, texts, labels)
            rows[way] = compare(way, source, learner, asked, options.work)
            add_line(kept, rows[way])
        done = [rows[one] for one in WAYS if one in rows]
        write_results(
            "learners_served_lora", {"texts": len(asked), "rows": done}, model=options.model
        )


if __name__ == "__main__":
    main()
