"""Scores of both exact backends against a sum over a full forward pass, on real texts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from llmal.lm import VLLM, Prompt, TransformersLM

LABEL_SETS = {
    "one token": ["Person", "Number", "Location", "Entity"],
    "several tokens": ["Sci/Tech", "Scientist", "Person's name"],
    "same first token": ["very positive", "very negative", "neutral"],
    "one begins another": ["Person", "Person name", "Person or group", "Number"],
}


def _prompts(shared: Path, style: str, n: int = 20) -> list[Prompt]:
    with gzip.open(shared / "data" / "trec6" / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line, _ in zip(file, range(n), strict=False)]
    if style == "chat":
        return [[{"role": "user", "content": f"Classify the question: {text}"}] for text in texts]
    return [f"Question: {text}\nAnswer Type:" for text in texts]


def _brute_force(path: Path, prompts: list[Prompt], candidates: list[str]) -> np.ndarray:
    """One full pass over prompt, candidate and, where another goes on from it, end token."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    tails = [tokenizer(text, add_special_tokens=False).input_ids for text in candidates]
    closed = [
        tail + [tokenizer.eos_token_id] * any(o[: len(tail)] == tail and o != tail for o in tails)
        for tail in tails
    ]
    result = np.empty((len(prompts), len(candidates)))
    for row, prompt in enumerate(prompts):
        if isinstance(prompt, str):
            ids = tokenizer(prompt).input_ids
        else:
            text = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
            ids = tokenizer(text, add_special_tokens=False).input_ids
        for column, tail in enumerate(closed):
            with torch.inference_mode():
                logs = model(torch.tensor([[*ids, *tail]])).logits[0].double().log_softmax(-1)
            steps = [logs[len(ids) - 1 + i, token].item() for i, token in enumerate(tail)]
            result[row, column] = sum(steps)
    return result


def _form(style: str, labels: str) -> list[str]:
    return [f" {word}" if style == "completion" else word for word in LABEL_SETS[labels]]


@pytest.mark.parametrize("style", ["completion", "chat"])
@pytest.mark.parametrize("labels", LABEL_SETS)
def test_scores_in_process_are_those_of_full_passes(
    labels: str, style: str, shared: Path, tiny_lm_path: Path, tiny_hf: TransformersLM
) -> None:
    prompts, candidates = _prompts(shared, style), _form(style, labels)
    scores = tiny_hf.score(prompts, candidates)
    brute = _brute_force(tiny_lm_path, prompts, candidates)
    np.testing.assert_allclose(scores.log_probs, brute, atol=1e-3, rtol=0)
    assert scores.passes == (1 if labels == "one token" else 2)


@pytest.mark.vllm
@pytest.mark.parametrize("style", ["completion", "chat"])
@pytest.mark.parametrize("labels", LABEL_SETS)
def test_scores_of_the_server_are_those_in_process(
    labels: str, style: str, shared: Path, tiny_hf: TransformersLM, vllm: VLLM
) -> None:
    prompts, candidates = _prompts(shared, style), _form(style, labels)
    served, inside = vllm.score(prompts, candidates), tiny_hf.score(prompts, candidates)
    np.testing.assert_allclose(served.log_probs, inside.log_probs, atol=1e-3, rtol=0)
    np.testing.assert_allclose(served.first, inside.first, atol=1e-3, rtol=0)
    assert (served.lengths == inside.lengths).all()


@pytest.mark.vllm
def test_first_tokens_alone_are_the_first_of_the_whole(
    shared: Path, tiny_hf: TransformersLM, vllm: VLLM
) -> None:
    prompts, candidates = _prompts(shared, "completion", 5), _form("completion", "several tokens")
    for lm in (vllm, tiny_hf):
        whole = lm.score(prompts, candidates)
        alone = lm.score(prompts, candidates, first_token_only=True)
        np.testing.assert_allclose(alone.log_probs, whole.first, atol=1e-4)
        assert alone.passes == 1
        assert whole.passes > 1


@pytest.mark.vllm
def test_more_labels_than_a_server_gives_at_once_are_scored(
    tiny_hf: TransformersLM, vllm: VLLM
) -> None:
    candidates = [tiny_hf._encoder.tokenizer.decode([token]) for token in range(1000, 1400)]
    candidates = sorted({text for text in candidates if text.startswith(" ") and text.strip()})
    assert len(candidates) > 128
    prompts = ["Question: Who wrote Emma ?\nAnswer Type:"]
    np.testing.assert_allclose(
        vllm.score(prompts, candidates).log_probs,
        tiny_hf.score(prompts, candidates).log_probs,
        atol=1e-3,
    )


@pytest.mark.vllm
def test_likelihoods_agree(tiny_hf: TransformersLM, vllm: VLLM) -> None:
    texts = ["The cat sat on the mat.", "Oil prices rose on Monday after", "x"]
    np.testing.assert_allclose(vllm.log_likelihood(texts), tiny_hf.log_likelihood(texts), atol=1e-3)
