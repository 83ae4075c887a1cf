"""What prompts begin with in common is read once, and changes no score."""

from __future__ import annotations

import numpy as np
import pytest

from llmal.lm import TransformersLM

QUESTIONS = [
    "Who wrote Emma ?",
    "How far is the moon ?",
    "What is a lathe used for in a workshop that makes chairs ?",
    "Where is Prague ?",
]
SHOTS = "".join(f"Question: {text}\nAnswer Type: Person\n\n" for text in QUESTIONS * 3)
OTHER = "".join(f"Text: {text}\nLabel: Place\n\n" for text in QUESTIONS[::-1] * 3)


def _asked(beginning: str, count: int) -> list[str]:
    return [f"{beginning}Question: {QUESTIONS[n % 4]} {n}\nAnswer Type:" for n in range(count)]


@pytest.mark.parametrize("labels", [[" Person", " Number"], [" Sci/Tech", " Sports", " Person"]])
@pytest.mark.parametrize("batch_tokens", [256, 4096])
def test_scores_are_those_of_each_prompt_alone(
    tiny_lm_path, tiny_hf, labels: list[str], batch_tokens: int
):
    lm = TransformersLM(tiny_lm_path, device="cpu", batch_tokens=batch_tokens)
    prompts = [*_asked(SHOTS, 9), *_asked(OTHER, 7), "Question: short ?\nAnswer Type:", SHOTS]
    together = lm.score(prompts, labels).log_probs
    alone = np.concatenate([tiny_hf.score([one], labels).log_probs for one in prompts])
    np.testing.assert_allclose(together, alone, atol=2e-4)


def test_a_common_beginning_is_read_once(tiny_lm_path):
    lm = TransformersLM(tiny_lm_path, device="cpu")
    prompts = _asked(SHOTS, 20)
    lm.score(prompts, [" Person", " Number"])
    tokens = int(lm.count_tokens(prompts).sum())
    assert lm.usage.prompt_tokens == tokens
    assert lm.usage.cached_tokens > 0.8 * tokens


def test_prompts_that_share_nothing_share_nothing(tiny_lm_path):
    lm = TransformersLM(tiny_lm_path, device="cpu")
    lm.score([f"{n} Question: {text}" for n, text in enumerate(QUESTIONS)], [" Person", " Number"])
    assert lm.usage.cached_tokens == 0


TEXTS = [
    "The train from Prague to Vienna was three hours late because of snow on the line near Brno, "
    "and nobody on board was told why it stood still, or when it would go on.",
    "A lathe turns wood so that a blade can cut it to a round shape, which is how legs of chairs, "
    "bowls and candlesticks have been made for hundreds of years in this town.",
    "Short text",
]
ABOUT = [f"label {n}" for n in range(12)]


def _questions(beginning: str) -> list[str]:
    return [
        f"{beginning}Text: {text}\nDoes the {label} apply?\nAnswer:"
        for text in TEXTS
        for label in ABOUT
    ]


@pytest.mark.parametrize("beginning", ["", SHOTS])
def test_what_questions_about_one_text_have_in_common_is_read_once(
    tiny_lm_path, tiny_hf, beginning: str
):
    lm = TransformersLM(tiny_lm_path, device="cpu")
    prompts = _questions(beginning)
    together = lm.score(prompts, [" yes", " no"]).log_probs
    alone = np.concatenate([tiny_hf.score([one], [" yes", " no"]).log_probs for one in prompts])
    np.testing.assert_allclose(together, alone, atol=2e-4)
    tokens = lm.count_tokens(prompts)
    # Read are: the beginning, each long text once, and the questions.
    long = tokens.reshape(3, 12)[:2].sum()
    assert lm.usage.cached_tokens > 0.75 * long
    assert lm.usage.prompt_tokens == tokens.sum()
