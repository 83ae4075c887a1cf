from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch

from llmal.errors import DataError, UnsupportedError
from llmal.learners import DynamicSoftPrompt, LoRA
from llmal.learners.serving import LoRALM
from llmal.lm import VLLM, ResponseCache
from llmal.lm.server import Server
from tests.support.questions import LABELS, TEXTS, WORDS


def trained(model: Path, seed: int = 0) -> LoRA:
    """Updates that change much, of labels of one token and of several."""
    learner = LoRA(
        model,
        answer="words",
        verbalizers=WORDS,
        instruction="Say what is asked for.",
        rank=4,
        epochs=2,
        learning_rate=5e-3,
        random_state=seed,
        device="cpu",
    )
    return learner.fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def learner(tiny_lm_path: Path) -> LoRA:
    return trained(tiny_lm_path)


@pytest.fixture(scope="module")
def served(vllm_with_adapters: VLLM, learner: LoRA) -> Iterator[LoRALM]:
    with LoRALM(vllm_with_adapters.urls, learner) as made:
        yield made


def prompts_of(learner: LoRA) -> list[str]:
    return [learner.network_.template.fill(text) for text in TEXTS[:4]]


def scores_of(learner: LoRA) -> np.ndarray:
    with torch.inference_mode():
        return learner.network_.forward(learner.network_.read(TEXTS[:4])).scores.numpy()


@pytest.mark.slow
def test_its_scores_are_those_of_the_learner(
    served: LoRALM, learner: LoRA, vllm_with_adapters: VLLM
):
    candidates = learner.network_.candidates

    scores = served.score(prompts_of(learner), candidates)
    plain = vllm_with_adapters.score(prompts_of(learner), candidates)

    assert scores.exact
    assert (min(scores.lengths), max(scores.lengths)) == (1, 3)
    np.testing.assert_allclose(scores.log_probs, scores_of(learner), atol=1e-3)
    assert np.abs(plain.log_probs - scores.log_probs).max() > 0.5
    np.testing.assert_allclose(
        scores.probabilities()[:, : len(learner.classes_)], learner.predict_proba(TEXTS[:4]),
        atol=1e-3,
    )  # fmt: skip


@pytest.mark.slow
def test_two_adapters_on_one_server_do_not_mix(
    served: LoRALM, learner: LoRA, vllm_with_adapters: VLLM, tmp_path: Path
):
    """Neither in the server's prefix cache nor in llmal's own, which all three share here."""
    other = trained(Path(learner.model), seed=7)
    prompts, candidates = prompts_of(learner), learner.network_.candidates
    cache = ResponseCache(tmp_path / "answers.sqlite")
    other.save(tmp_path / "other")
    with (
        LoRALM(vllm_with_adapters.urls, learner, cache=cache) as one,
        LoRALM(vllm_with_adapters.urls, tmp_path / "other", cache=cache) as second,
        VLLM(vllm_with_adapters.urls, cache=cache) as plain,
    ):
        asked = [lm.score(prompts, candidates).log_probs for lm in (one, second, plain)]
        again = [lm.score(prompts, candidates).log_probs for lm in (plain, second, one)]
        names = {lm.fingerprint for lm in (one, second, plain)}
        assert one.fingerprint == served.fingerprint

    np.testing.assert_allclose(asked[0], scores_of(learner), atol=1e-3)
    np.testing.assert_allclose(asked[1], scores_of(other), atol=1e-3)
    for first, last in zip(asked, again[::-1], strict=True):
        np.testing.assert_array_equal(first, last)
    assert np.abs(asked[0] - asked[1]).max() > 0.1
    assert len(names) == 3


@pytest.mark.slow
def test_the_server_is_left_as_it_was(learner: LoRA, vllm_with_adapters: VLLM):
    other = trained(Path(learner.model), seed=3)
    with LoRALM(vllm_with_adapters.urls, other) as made:
        name, folder = made.model, made._updates.folder
        assert name in made._client.get("/models").text
        assert folder.is_dir()

    assert name not in vllm_with_adapters._client.get("/models").text
    assert not folder.exists()


@pytest.mark.slow
def test_the_context_is_that_of_the_model_behind(served: LoRALM, vllm_with_adapters: VLLM):
    assert served.context_length == vllm_with_adapters.context_length == 1024


@pytest.mark.slow
def test_likelihoods_are_refused_before_they_end_the_server(
    served: LoRALM, vllm_with_adapters: VLLM
):
    with VLLM(vllm_with_adapters.urls) as plain:
        for lm in (served, plain):
            with pytest.raises(UnsupportedError, match="a server without --enable-lora"):
                lm.log_likelihood(["a text"])
    assert served.score(["a"], [" b"]).log_probs.shape == (1, 1)


@pytest.mark.slow
def test_it_annotates_as_the_learner_predicts(served: LoRALM, learner: LoRA):
    import llmal
    from llmal.task import Label, Task

    task = Task(
        "label",
        [Label(name, words=[word]) for name, word in sorted(WORDS.items())],
        guidelines="Say what is asked for.",
    )
    result = llmal.annotate(
        [{"text": text} for text in TEXTS[:4]],
        task,
        text="text",
        lm=served,
        calibrate="none",
        cache=False,
        progress=False,
    )

    assert list(result.labels) == learner.predict(TEXTS[:4]).tolist()


def test_only_a_learner_that_answers_with_words_is_served(tiny_lm_path: Path, tmp_path: Path):
    url = "http://127.0.0.1:9/v1"
    head = LoRA(tiny_lm_path, epochs=1, device="cpu").fit(TEXTS[:2], LABELS[:2])
    soft = DynamicSoftPrompt(tiny_lm_path, epochs=1, n=0, m=1, fusion="task", device="cpu")
    soft.fit(TEXTS[:2], LABELS[:2]).save(tmp_path / "soft")

    with pytest.raises(DataError, match="is not fitted"):
        LoRALM(url, LoRA(tiny_lm_path, answer="words"))
    with pytest.raises(DataError, match="with a classification head"):
        LoRALM(url, head)
    with pytest.raises(DataError, match="not a saved 'lora' learner"):
        LoRALM(url, tmp_path / "soft")
    with pytest.raises(DataError, match="no such directory"):
        LoRALM(url, tmp_path / "nowhere")


@pytest.mark.slow
def test_an_adapter_that_is_not_ours_is_refused(
    learner: LoRA, vllm_with_adapters: VLLM, tmp_path: Path
):
    """Under our name the server has the updates of another learner, or those of another model."""
    trained(Path(learner.model), seed=9).save(tmp_path / "mine")
    trained(Path(learner.model), seed=5).save(tmp_path / "other")
    with LoRALM(vllm_with_adapters.urls, tmp_path / "mine") as made:
        name = made.model
    body = {"lora_name": name, "lora_path": str(tmp_path / "other" / "adapter")}
    httpx.post(f"{vllm_with_adapters.urls[0]}/load_lora_adapter", json=body).raise_for_status()
    try:
        with pytest.raises(UnsupportedError, match="has other weights under the name lora-"):
            LoRALM(vllm_with_adapters.urls, tmp_path / "mine")
    finally:
        httpx.post(f"{vllm_with_adapters.urls[0]}/unload_lora_adapter", json={"lora_name": name})


@pytest.mark.slow
def test_a_damaged_adapter_is_one_sentence(learner: LoRA, vllm_with_adapters: VLLM, tmp_path: Path):
    learner.save(tmp_path / "saved")
    (tmp_path / "saved" / "adapter" / "adapter_model.safetensors").write_bytes(b"no tensors")

    with pytest.raises(UnsupportedError, match="does not load them"):
        LoRALM(vllm_with_adapters.urls, tmp_path / "saved")
    (tmp_path / "saved" / "adapter" / "adapter_config.json").unlink()
    with pytest.raises(DataError, match="missing or damaged"):
        LoRALM(vllm_with_adapters.urls, tmp_path / "saved")


def test_another_base_model_is_refused(learner: LoRA, tmp_path: Path):
    learner.save(tmp_path / "saved")
    path = tmp_path / "saved" / "learner.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "base": "another"}))

    with pytest.raises(DataError, match="trained with another model"):
        LoRALM("http://127.0.0.1:9/v1", tmp_path / "saved")


@pytest.mark.slow
def test_a_server_of_its_own_serves_saved_updates(learner: LoRA, tmp_path: Path):
    learner.save(tmp_path / "saved")

    with LoRALM.start(tmp_path / "saved", max_model_len=512) as served:
        assert isinstance(served.server, Server)
        scores = served.score(prompts_of(learner), learner.network_.candidates)
        with VLLM(served.urls) as plain:
            others = plain.score(prompts_of(learner), learner.network_.candidates)

    np.testing.assert_allclose(scores.log_probs, scores_of(learner), atol=1e-3)
    assert np.abs(others.log_probs - scores.log_probs).max() > 0.5
