from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from llmal.errors import DataError, UnsupportedError
from llmal.learners import DynamicSoftPrompt
from llmal.learners.serving.soft_prompt_lm import SoftPromptLM
from llmal.lm import VLLM, ResponseCache, Sampling, TransformersLM
from tests.support.questions import LABELS, TEXTS, WORDS
from tests.support.small_models import save_small_model


def trained(model: Path, **parameters: object) -> DynamicSoftPrompt:
    """A soft prompt far from where it began, with labels of several tokens."""
    given = {"m": 5, "n": 2, "epochs": 1, "device": "cpu", "instruction": "Say what is asked for."}
    learner = DynamicSoftPrompt(model, verbalizers=WORDS, **{**given, **parameters})
    learner.fit(TEXTS, LABELS)
    with torch.no_grad():
        for name, value in learner.network_.named_parameters():
            if not name.startswith("model."):
                noise = torch.randn(value.shape, generator=torch.Generator().manual_seed(1))
                value.add_(0.1 * noise)
    return learner


@pytest.fixture(scope="module", params=["front", "before text"])
def learner(request, tiny_lm_path: Path) -> DynamicSoftPrompt:
    return trained(tiny_lm_path, place=request.param)


@pytest.fixture(scope="module")
def served(vllm: VLLM, learner: DynamicSoftPrompt) -> Iterator[SoftPromptLM]:
    with SoftPromptLM(vllm.urls, learner) as made:
        yield made


def prompts_of(learner: DynamicSoftPrompt) -> list[str]:
    return [learner.network_.template.fill(text) for text in TEXTS[:4]]


def test_its_scores_are_those_of_the_learner(served: SoftPromptLM, learner: DynamicSoftPrompt):
    network = learner.network_

    scores = served.score(prompts_of(learner), network.candidates)

    with torch.inference_mode():
        mine = network.forward(network.read(TEXTS[:4])).scores
    assert max(scores.lengths) > 1
    np.testing.assert_allclose(scores.log_probs, mine.numpy(), atol=1e-3)
    np.testing.assert_allclose(
        scores.probabilities()[:, : len(learner.classes_)], learner.predict_proba(TEXTS[:4]),
        atol=1e-4,
    )  # fmt: skip


def test_soft_prompts_differ_and_change_what_the_model_says(
    served: SoftPromptLM, learner: DynamicSoftPrompt, vllm: VLLM
):
    network = learner.network_
    with torch.inference_mode():
        soft = network.prompts(network.read(TEXTS[:4]))

    plain = vllm.score(prompts_of(learner), network.candidates)
    mine = served.score(prompts_of(learner), network.candidates)

    assert not torch.allclose(soft[0], soft[1], atol=1e-3)
    assert np.abs(plain.log_probs - mine.log_probs).min() > 1e-3


def test_another_soft_prompt_does_not_get_this_ones_answers(
    served: SoftPromptLM, learner: DynamicSoftPrompt, vllm: VLLM, tmp_path: Path
):
    """Neither from the server's prefix cache nor from llmal's own: the same prompts behind other
    vectors, asked in turns, have scores of their own every time (vllm issue 56655).
    """
    other = trained(Path(learner.model), place=learner.place, random_state=7)
    with torch.no_grad():
        other.network_.task.neg_()
    prompts, candidates = prompts_of(learner), learner.network_.candidates
    cache = ResponseCache(tmp_path / "answers.sqlite")
    with SoftPromptLM(vllm.urls, other, cache=cache) as second:
        first_time = served.score(prompts, candidates).log_probs
        seconds = second.score(prompts, candidates).log_probs
        again = served.score(prompts, candidates).log_probs
        assert second.fingerprint != served.fingerprint

    with torch.inference_mode():
        expected = other.network_.forward(other.network_.read(TEXTS[:4])).scores.numpy()
    np.testing.assert_allclose(first_time, again, atol=1e-4)
    np.testing.assert_allclose(seconds, expected, atol=1e-3)
    assert np.abs(seconds - first_time).max() > 0.01


def test_vectors_of_words_write_what_the_words_write(vllm: VLLM, tiny_lm_path: Path):
    learner = trained(tiny_lm_path, fusion="task", n=0, m=4)
    encoder = learner.network_.backbone.encoder
    ids = encoder.candidates(["Question : Who is this ?"])[0][:4]
    with torch.no_grad():
        learner.network_.task.copy_(learner.network_.backbone.embed(torch.tensor(ids)))
    prompt = " Answer Type:"
    text = encoder.tokenizer.decode([*ids, *encoder.candidates([prompt])[0]])
    sampling = Sampling(max_tokens=6)

    with SoftPromptLM(vllm.urls, learner) as served:
        mine = served.generate([prompt], sampling=sampling)[0][0]
    plain = vllm.generate([text], sampling=sampling)[0][0]

    assert mine.text == plain.text


def test_what_it_may_cost_covers_what_it_costs(served: SoftPromptLM, learner: DynamicSoftPrompt):
    prompts, candidates = prompts_of(learner), learner.network_.candidates
    before = served.usage

    served.score(prompts, candidates)

    most = served.score_cost(prompts, candidates)
    spent = served.usage.prompt_tokens - before.prompt_tokens
    assert 0 < spent <= most.prompt_tokens
    assert served.usage.requests - before.requests <= most.requests


def test_likelihoods_are_refused(served: SoftPromptLM):
    with pytest.raises(UnsupportedError, match="behind a soft prompt"):
        served.log_likelihood(["a text"])


def test_it_is_a_language_model_that_annotates(served: SoftPromptLM):
    import llmal

    result = llmal.annotate(
        [{"text": text} for text in TEXTS[:4]],
        sorted(WORDS),
        text="text",
        lm=served,
        calibrate="none",
        cache=False,
        progress=False,
    )

    assert set(result.labels) <= set(WORDS)


def test_only_a_fitted_soft_prompt_over_a_causal_model_is_served(tmp_path: Path):
    bert = save_small_model("bert", tmp_path / "bert", words=["red", "salty", "colour", "taste",
                                                                "It", "was", "."])  # fmt: skip
    masked = DynamicSoftPrompt(bert, epochs=1, device="cpu", heads=2, template="{text} {mask}")
    masked.fit(["red", "salty"] * 2, ["colour", "taste"] * 2)

    with pytest.raises(DataError, match="not fitted"):
        SoftPromptLM("http://127.0.0.1:9/v1", DynamicSoftPrompt(bert))
    with pytest.raises(DataError, match="over a masked model"):
        SoftPromptLM("http://127.0.0.1:9/v1", masked)


class _WithoutEmbeddings(BaseHTTPRequestHandler):
    """Answers as a vLLM server that was started without the flag."""

    model = ""

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self) -> None:
        if self.path.endswith("/models"):
            card = f'{{"id": "m", "root": "{self.model}", "max_model_len": 1024}}'
            self._send(200, f'{{"data": [{card}]}}')
        else:
            self._send(200, '{"version": "0.32.0"}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = "You must set `--enable-prompt-embeds` to input `prompt_embeds`."
        self._send(400, f'{{"error": {{"message": "{message}"}}}}')

    def log_message(self, *arguments: object) -> None:
        pass


def test_a_server_that_takes_no_embeddings_is_refused_at_once(tiny_lm_path: Path):
    learner = trained(tiny_lm_path, fusion="task", n=0)
    handler = type("Handler", (_WithoutEmbeddings,), {"model": str(tiny_lm_path)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(UnsupportedError, match="start it with --enable-prompt-embeds"):
            SoftPromptLM(f"http://127.0.0.1:{server.server_port}/v1", learner)
    finally:
        server.shutdown()


def test_transformers_says_the_same_of_a_plain_prompt(tiny_lm_path: Path):
    """The tree behind the text against the two passes of the language model in this process."""
    learner = trained(tiny_lm_path, fusion="task", n=0, m=1)
    network = learner.network_
    begin = network.backbone.encoder.candidates(["\n"])[0][:1]
    with torch.no_grad():
        network.task.copy_(network.backbone.embed(torch.tensor(begin)))
    lm = TransformersLM(tiny_lm_path, device="cpu", dtype="float32")

    with torch.inference_mode():
        mine = network.forward(network.read(TEXTS[:4])).scores
    prompts = ["\n" + prompt for prompt in prompts_of(learner)]
    theirs = lm.score(prompts, network.candidates).log_probs

    np.testing.assert_allclose(mine.numpy(), theirs, atol=1e-4)


@pytest.mark.slow
def test_a_server_of_its_own_serves_a_saved_soft_prompt(tiny_lm_path: Path, tmp_path: Path):
    learner = trained(tiny_lm_path)
    learner.save(tmp_path / "saved")

    with SoftPromptLM.start(tmp_path / "saved", max_model_len=512) as served:
        scores = served.score(prompts_of(learner), learner.network_.candidates)

    with torch.inference_mode():
        mine = learner.network_.forward(learner.network_.read(TEXTS[:4])).scores
    np.testing.assert_allclose(scores.log_probs, mine.numpy(), atol=1e-3)
