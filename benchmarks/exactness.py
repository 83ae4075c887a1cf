"""Label scores of both exact backends against a sum over full forward passes.

    python benchmarks/exactness.py --model PATH --data FILE.jsonl.gz [--prompts 300]

For four label sets (labels of one token; of several; two that begin with the same token; one that
begins another) and both forms of prompt, every label is scored after every prompt by `VLLM`,
by `TransformersLM` (both through the token trie) and by brute force: one full forward pass
over prompt, label and, where another label goes on from it, end token, in float32. Also counted:
the forward passes that each takes for a prompt. Whether the sets are what they say depends on
the tokenizer, and is checked.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from results_file import write_results

from llmal.lm import VLLM, LanguageModel, Prompt, TransformersLM

LABEL_SETS = {
    "one token": ["Person", "Number", "Location", "Entity", "Description"],
    "several tokens": ["Sci/Tech", "Scientist", "Person's name"],
    "same first token": ["very positive", "very negative", "neutral"],
    "one begins another": ["Person", "Person name", "Person or group", "Number"],
}


def read_texts(path: Path, count: int) -> list[str]:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for line, _ in zip(file, range(count), strict=False)]


def prompts_of(texts: Sequence[str], style: str) -> list[Prompt]:
    if style == "chat":
        return [[{"role": "user", "content": f"Classify the question: {text}"}] for text in texts]
    return [f"Question: {text}\nAnswer Type:" for text in texts]


class BruteForce:
    """The model itself: no trie, no batch, no cache of keys and values."""

    def __init__(self, path: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(path)
        self._model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()

    def label_ids(self, labels: Sequence[str]) -> list[list[int]]:
        return [self.tokenizer(text, add_special_tokens=False).input_ids for text in labels]

    def score(self, prompts: Sequence[Prompt], labels: Sequence[str]) -> np.ndarray:
        tails = self.label_ids(labels)
        end = self.tokenizer.eos_token_id
        closed = [
            [*tail, end] if any(o[: len(tail)] == tail and o != tail for o in tails) else tail
            for tail in tails
        ]
        result = np.empty((len(prompts), len(labels)))
        for row, prompt in enumerate(prompts):
            ids = self._ids(prompt)
            for column, tail in enumerate(closed):
                with torch.inference_mode():
                    logits = self._model(torch.tensor([[*ids, *tail]])).logits[0]
                logs = logits[len(ids) - 1 : -1].log_softmax(-1)
                result[row, column] = sum(logs[i, token].item() for i, token in enumerate(tail))
        return result

    def _ids(self, prompt: Prompt) -> list[int]:
        if isinstance(prompt, str):
            return self.tokenizer(prompt).input_ids
        text = self.tokenizer.apply_chat_template(
            list(prompt), tokenize=False, add_generation_prompt=True
        )
        return self.tokenizer(text, add_special_tokens=False).input_ids


def check_set(name: str, ids: list[list[int]]) -> None:
    first = {one[0] for one in ids}
    prefixes = any(a != b and b[: len(a)] == a for a in ids for b in ids)
    holds = {
        "one token": all(len(one) == 1 for one in ids),
        "several tokens": all(len(one) > 1 for one in ids) and not prefixes,
        "same first token": len(first) < len(ids) and not prefixes,
        "one begins another": prefixes,
    }[name]
    if not holds:
        raise SystemExit(f"with this tokenizer the labels of {name!r} are not so: {ids}")


def measure(
    name: str, style: str, texts: Sequence[str], brute: BruteForce, lms: Sequence[LanguageModel]
) -> dict[str, Any]:
    labels = [f" {word}" if style == "completion" else word for word in LABEL_SETS[name]]
    check_set(name, brute.label_ids(labels))
    prompts = prompts_of(texts, style)
    served, inside = (lm.score(prompts, labels) for lm in lms)
    full = brute.score(prompts, labels)

    def gap(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a - b).max())

    return {
        "labels": name,
        "style": style,
        "prompts": len(prompts),
        "vllm - transformers": gap(served.log_probs, inside.log_probs),
        "vllm - brute": gap(served.log_probs, full),
        "transformers - brute": gap(inside.log_probs, full),
        "passes vllm": served.passes,
        "passes transformers": inside.passes,
        "passes brute": len(labels),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument("--data", type=Path, required=True, help="JSON lines with a text")
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--url", help="a running server instead of one of our own")
    options = parser.parse_args()

    torch.set_num_threads(1)  # Beside a server, more threads wait for each other.
    texts = read_texts(options.data, options.prompts)
    brute = BruteForce(options.model)
    inside = TransformersLM(options.model, device="cpu")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        served = (
            VLLM(options.url, tokenizer=options.model)
            if options.url
            else VLLM.start(
                options.model, dtype="float32", max_model_len=1024, log_file=f"{folder}/log"
            )
        )
        print(f"server up after {time.perf_counter() - start:.0f} s")
        rows = []
        with served:
            for style in ("completion", "chat"):
                for name in LABEL_SETS:
                    rows.append(measure(name, style, texts, brute, (served, inside)))
                    print(_line(rows[-1]), flush=True)
    worst = max(max(v for k, v in row.items() if " - " in k) for row in rows)
    print(f"largest difference in log-probability: {worst:.1e}")
    write_results(
        "exactness", {"rows": rows, "largest difference": worst}, model=options.model.name
    )


def _line(row: dict[str, Any]) -> str:
    gaps = "  ".join(f"{key} {value:.1e}" for key, value in row.items() if " - " in key)
    passes = "  ".join(f"{key} {value}" for key, value in row.items() if "passes" in key)
    return f"{row['labels']:20} {row['style']:11} {gaps}  {passes}"


if __name__ == "__main__":
    main()
