"""What is wrong with prompts, candidates and models is said in one sentence."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from llmal.errors import ConfigError, ContextLengthError, LanguageModelError
from llmal.lm import ResponseCache, TransformersLM

PROMPT = "Question: Who wrote Emma ?\nAnswer Type:"


def test_a_prompt_that_ends_in_a_space_is_warned_of_once(
    tiny_hf: TransformersLM, caplog: pytest.LogCaptureFixture
) -> None:
    candidates = ["Person", "Number", "Location"]
    with caplog.at_level(logging.WARNING, logger="llmal.lm"):
        for _ in range(3):
            tiny_hf.score([PROMPT + " "], candidates)
    assert len([one for one in caplog.records if "tokenised otherwise" in one.message]) == 1


def test_a_proper_seam_is_not_warned_of(
    tiny_hf: TransformersLM, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="llmal.lm"):
        tiny_hf.score([PROMPT], [" Person", " Number", " Abbreviation"])
    assert not caplog.records


def test_first_tokens_that_cannot_tell_labels_apart_are_warned_of_once(
    tiny_hf: TransformersLM, caplog: pytest.LogCaptureFixture
) -> None:
    candidates = [" very positive", " very negative"]
    with caplog.at_level(logging.WARNING, logger="llmal.lm"):
        for _ in range(2):
            tiny_hf.score([PROMPT], candidates, first_token_only=True)
    assert len([one for one in caplog.records if "cannot tell them apart" in one.message]) == 1


def test_a_prompt_beyond_the_context_is_named(tiny_hf: TransformersLM) -> None:
    long = "word " * 2000
    with pytest.raises(ContextLengthError, match=r"prompt 2 of 2 has \d+ tokens.* of 1024"):
        tiny_hf.score([PROMPT, long], [" Person", " Number"])
    with pytest.raises(ContextLengthError, match="prompt 1 of 1"):
        tiny_hf.generate([long])
    with pytest.raises(ContextLengthError, match="prompt 1 of 1"):
        tiny_hf.log_likelihood([long])


def test_an_empty_prompt_is_named(tiny_hf: TransformersLM) -> None:
    with pytest.raises(ContextLengthError, match="prompt 1 of 1 is empty"):
        tiny_hf.score([""], [" Person", " Number"])


def test_a_prompt_that_just_fits_is_scored(tiny_hf: TransformersLM) -> None:
    one = int(tiny_hf.count_tokens([" the"])[0])
    assert one == 1
    assert tiny_hf.score([" the" * 1023], [" Person", " Number"]).log_probs.shape == (1, 2)
    with pytest.raises(ContextLengthError):
        tiny_hf.score([" the" * 1024], [" Person", " Number"])


def test_a_candidate_without_text_is_named(tiny_hf: TransformersLM) -> None:
    with pytest.raises(LanguageModelError, match="'' has no token"):
        tiny_hf.score([PROMPT], [" Person", ""])


def test_two_equal_candidates_are_named(tiny_hf: TransformersLM) -> None:
    with pytest.raises(LanguageModelError, match="' Person' and ' Person' have the same tokens"):
        tiny_hf.score([PROMPT], [" Person", " Number", " Person"])


def test_messages_need_a_chat_template(tiny_lm_path: Path, tmp_path: Path) -> None:
    plain = _copy(tiny_lm_path, tmp_path)
    (plain / "chat_template.jinja").unlink(missing_ok=True)
    settings = (plain / "tokenizer_config.json").read_text()
    import json

    kept = {k: v for k, v in json.loads(settings).items() if k != "chat_template"}
    (plain / "tokenizer_config.json").write_text(json.dumps(kept))
    lm = TransformersLM(plain, device="cpu")
    assert not lm.chat
    with pytest.raises(LanguageModelError, match="no chat template"):
        lm.score([[{"role": "user", "content": "Hi"}]], ["a", "b"])


def test_a_model_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match="no model at") as caught:
        TransformersLM(tmp_path / "nothing")
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(LanguageModelError, match="cannot be loaded") as caught:
        TransformersLM(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_broken_weights_are_named(tiny_lm_path: Path, tmp_path: Path) -> None:
    folder = _copy(tiny_lm_path, tmp_path)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(LanguageModelError, match=r"the model in .* cannot be loaded"):
        TransformersLM(folder, device="cpu")


def test_an_unknown_dtype_is_named(tiny_lm_path: Path) -> None:
    with pytest.raises(ConfigError, match="'float99' is no dtype"):
        TransformersLM(tiny_lm_path, dtype="float99")


def test_a_hub_name_without_a_network_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What HF_HUB_OFFLINE sets when the library is imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(LanguageModelError) as caught:
        TransformersLM("some-user/some-model")
    said = str(caught.value)
    assert "'some-user/some-model' is not on this machine" in said
    assert "give the path of a model" in said
    assert len(said.splitlines()) == 1


def test_a_model_that_was_trained_on_is_another_model(tiny_lm_path: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = _copy(tiny_lm_path, tmp_path)
    candidates = [" Person", " Number"]
    cache = ResponseCache(tmp_path / "cache.sqlite")
    before = TransformersLM(folder, device="cpu", cache=cache)
    old = before.score([PROMPT], candidates)
    weights = load_file(folder / "model.safetensors")
    name = "model.norm.weight"
    weights[name] = weights[name] * torch.tensor(0.5, dtype=weights[name].dtype)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    after = TransformersLM(folder, device="cpu", cache=cache)
    assert after.fingerprint != before.fingerprint
    assert np.abs(after.score([PROMPT], candidates).log_probs - old.log_probs).max() > 0.01
    assert after.usage.requests == 1


def test_a_closed_model_is_let_go(tiny_lm_path: Path) -> None:
    import gc
    import weakref

    with TransformersLM(tiny_lm_path, device="cpu") as lm:
        held = weakref.ref(lm._model)
    gc.collect()
    assert held() is None


def _copy(source: Path, target: Path) -> Path:
    folder = target / "model"
    folder.mkdir()
    for path in source.iterdir():
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
    return folder
