from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

from llmal.errors import ConfigError, DataError
from llmal.learners import DynamicSoftPrompt, load_learner
from llmal.learners.dynamic_soft_prompt import rate_for
from llmal.learners.networks.causal_prompt import CausalPrompt
from llmal.learners.networks.label_tree import Tree
from llmal.lm import TransformersLM
from tests.support.small_models import WORDS, save_small_model

VOCABULARY = [*WORDS, "colour", "taste", "It", "was", ".", "Text", "Label", ":", "a", "7", "of"]
TEXTS = ["red", "the sweet is very very sour the sour is salty", "green is blue", "salty"] * 3
Y = ["colour", "taste", "colour", "taste"] * 3
TEMPLATE = {"causal": "Text : {text} Label :", "masked": "{text} It was {mask} .", "encoder": None}
MODELS = {"llama": "causal", "gpt2": "causal", "bert": "masked", "roberta": "masked"}


def learner_over(model: Path, kind: str, **parameters: Any) -> DynamicSoftPrompt:
    given = {"m": 3, "epochs": 2, "device": "cpu", "heads": 2, "template": TEMPLATE[kind]}
    return DynamicSoftPrompt(model, **{**given, **parameters})


@pytest.fixture(params=[*MODELS, "headless"])
def case(request, tmp_path: Path) -> tuple[Path, str]:
    if request.param == "headless":
        folder = save_small_model("bert", tmp_path / "bert", words=VOCABULARY, head=False)
        return folder, "encoder"
    folder = save_small_model(request.param, tmp_path / request.param, words=VOCABULARY)
    return folder, MODELS[request.param]


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    return save_small_model("llama", tmp_path / "llama", words=VOCABULARY)


def test_padding_and_company_do_not_change_the_probabilities(case: tuple[Path, str]):
    learner = learner_over(*case).fit(TEXTS, Y)

    together = learner.predict_proba(TEXTS)
    alone = np.concatenate([learner.predict_proba([text]) for text in TEXTS])

    np.testing.assert_allclose(together, alone, atol=2e-6)
    assert np.ptp(together[:4, 0]) > 1e-3


def test_a_saved_learner_predicts_the_same(case: tuple[Path, str], tmp_path: Path):
    learner = learner_over(*case, learning_rate=0.01).fit(TEXTS, Y)
    learner.save(tmp_path / "saved")

    back = load_learner(tmp_path / "saved", labels=["colour", "taste"])

    np.testing.assert_allclose(back.predict_proba(TEXTS), learner.predict_proba(TEXTS), atol=1e-6)


@pytest.mark.parametrize("frozen", [True, False])
def test_only_what_is_asked_for_is_trained(case: tuple[Path, str], frozen: bool):
    options = {"freeze_backbone": frozen, "residual": False, "dropout": 0.0}
    small = {"learning_rate": 1e-12, "prompt_learning_rate": 1e-12}
    before = learner_over(*case, **options, **small).fit(TEXTS, Y).network_.state_dict()
    after = learner_over(*case, **options, learning_rate=0.01).fit(TEXTS, Y).network_.state_dict()

    changed = {name for name in after if not torch.allclose(after[name], before[name], atol=1e-8)}

    for part in ("task", "sample.layers.0", "sample.layers.2", "fusion.attention"):
        assert any(name.startswith(part) for name in changed), part
    assert any(name.startswith("model.") for name in changed) is not frozen


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_without_sample_vectors_it_is_pefts_prompt_tuning(kind: str, tmp_path: Path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = save_small_model(kind, tmp_path / kind, words=VOCABULARY)
    learner = learner_over(model, "causal", fusion="task", n=0).fit(TEXTS, Y)
    learner.save(tmp_path / "saved")
    theirs = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
        str(tmp_path / "saved" / "adapter"),
    ).eval()
    encoder = learner.network_.backbone.encoder

    for text, mine in zip(TEXTS[:4], learner.predict_proba(TEXTS[:4]), strict=True):
        ids = encoder.encode([f"Text : {text} Label :"])
        with torch.inference_mode():
            logits = theirs(
                input_ids=torch.tensor(ids), attention_mask=torch.ones((1, len(ids[0])))
            ).logits[0, -1]
        words = [path[0] for path in encoder.candidates([" colour", " taste"])]
        np.testing.assert_allclose(torch.softmax(logits[words], 0), mine, atol=1e-6)


def test_vectors_of_real_tokens_are_these_tokens(case: tuple[Path, str]):
    """The same prompt given as tokens gives the same scores: places, positions and masks agree."""
    model, kind = case
    if kind == "encoder":
        pytest.skip("its head has no words to compare with")
    learner = learner_over(model, kind, fusion="task", n=0).fit(TEXTS, Y)
    network = learner.network_
    tokenizer = network.backbone.encoder.tokenizer
    given = tokenizer("very sweet red", add_special_tokens=False).input_ids
    with torch.no_grad():
        network.task.copy_(network.backbone.embed(torch.tensor(given)))

    with torch.inference_mode():
        readings = network.read(TEXTS[:4])
        scores = network.forward(readings).scores
        for reading, mine in zip(readings, scores, strict=True):
            ids = torch.tensor([[*given, *reading.ids]])
            logits = network.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
            place = -1
            if kind == "masked":
                place = int((ids[0] == tokenizer.mask_token_id).nonzero()[-1])
            words = [
                tokenizer(w, add_special_tokens=False).input_ids[0] for w in ("colour", "taste")
            ]
            expected = torch.log_softmax(logits[place], 0)[words]
            torch.testing.assert_close(mine, expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("place", ["front", "before text"])
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_labels_of_several_tokens_are_scored_whole(kind: str, place: str, tmp_path: Path):
    """Soft vectors that are real tokens: what a language model says of the same prompt."""
    model = save_small_model(kind, tmp_path / kind, words=VOCABULARY)
    words = {"a": "very sweet", "b": "very sour", "c": "red", "d": "red is blue", "e": "very"}
    classes = sorted(words)
    learner = learner_over(
        model, "causal", fusion="task", n=0, verbalizers=words, place=place, m=2,
        instruction="the colour of the taste .",
    )  # fmt: skip
    network = learner.fit(TEXTS[:10], classes * 2).network_
    assert isinstance(network, CausalPrompt)
    given = network.backbone.encoder.candidates(["is blue"])[0]
    with torch.no_grad():
        network.task.copy_(network.backbone.embed(torch.tensor(given)))
    start = "the colour of the taste . "
    prompts = [
        f"is blue {start}Text : {text} Label :" if place == "front"
        else f"{start}Text : is blue {text} Label :"
        for text in TEXTS[:4]
    ]  # fmt: skip
    lm = TransformersLM(model, device="cpu")

    with torch.inference_mode():
        scores = network.forward(network.read(TEXTS[:4])).scores
    expected = lm.score(prompts, [f" {words[one]}" for one in classes])

    np.testing.assert_allclose(scores.numpy(), expected.log_probs, atol=2e-5)


def test_keys_that_are_kept_change_nothing(llama: Path):
    options = {"place": "before text", "residual": False, "dropout": 0.0}
    given = {"instruction": "the colour of the taste .", **options}
    network = learner_over(llama, "causal", **given).fit(TEXTS, Y).network_
    assert isinstance(network, CausalPrompt)
    assert len(network.fixed) == 8

    with torch.inference_mode():
        readings = network.read(TEXTS[:4])
        kept = network.forward(readings).scores
        network.backbone.frozen = False
        anew = network.forward(readings).scores

    torch.testing.assert_close(kept, anew, atol=1e-5, rtol=1e-5)


def test_texts_have_soft_prompts_of_their_own_unless_n_is_none(llama: Path):
    with_sample = learner_over(llama, "causal", residual=False).fit(TEXTS, Y).network_
    without = learner_over(llama, "causal", n=0).fit(TEXTS, Y).network_

    with torch.inference_mode():
        one, other = with_sample.prompts(with_sample.read(TEXTS[:2]))
        same, again = without.prompts(without.read(TEXTS[:2]))

    assert one.shape == (3, 16)
    assert not torch.allclose(one, other)
    assert torch.equal(same, again)


@pytest.mark.parametrize(
    ("fusion", "m", "n"),
    [("hadamard", 3, 1), ("addition", 3, 3), ("sample", 3, 3), ("task", 3, 1), ("attention", 3, 2)],
)
def test_every_fusion_trains_and_predicts(fusion: str, m: int, n: int, llama: Path):
    learner = learner_over(llama, "causal", fusion=fusion, m=m, n=n).fit(TEXTS, Y)

    np.testing.assert_allclose(learner.predict_proba(TEXTS).sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize("encoder", ["pretrained", "live"])
def test_training_with_the_model_tells_pretrained_from_live(encoder: str, llama: Path):
    learner = learner_over(
        llama, "causal", freeze_backbone=False, sample_encoder=encoder, learning_rate=0.05
    ).fit(TEXTS, Y)
    network = learner.network_

    features = [one.features for one in network.read(TEXTS[:2])]

    assert (features[0] is None) is (encoder == "live")
    assert learner.predict_proba(TEXTS).shape == (12, 2)


def test_a_model_in_half_precision_has_vectors_in_full(llama: Path):
    learner = learner_over(llama, "causal", dtype="bfloat16").fit(TEXTS, Y)

    assert learner.network_.task.dtype == torch.float32
    assert next(learner.network_.model.parameters()).dtype == torch.bfloat16


def test_a_small_encoder_is_trained_at_a_higher_rate_than_a_large_one():
    assert [rate_for(width) for width in (128, 384, 768)] == pytest.approx([2e-4, 2e-4, 5e-5])


def test_m_and_n_are_chosen_by_held_out_loss(llama: Path, tmp_path: Path, monkeypatch):
    from llmal.learners import dynamic_soft_prompt

    monkeypatch.setattr(dynamic_soft_prompt, "M_TRIED", (1, 2))
    learner = learner_over(llama, "causal", m="auto", n="auto").fit(TEXTS * 3, Y * 3)

    assert learner.m_ in (1, 2)
    assert learner.n_ in (0, 1)
    assert learner.history_.held_out
    assert clone(learner).m == "auto"
    learner.save(tmp_path / "saved")
    back = load_learner(tmp_path / "saved", labels=["colour", "taste"])
    assert np.array_equal(back.predict_proba(TEXTS), learner.predict_proba(TEXTS))


CONTEXT = {"m": None, "n": 0, "start": "demonstrations", "radius": 0.1}


def test_a_context_starts_as_demonstrations_and_stays_near_them(llama: Path, tmp_path: Path):
    learner = learner_over(
        llama, "causal", **CONTEXT, shots=1, epochs=20, prompt_learning_rate=0.05
    ).fit(TEXTS, Y)

    network = learner.network_
    words = network.embedding().weight
    ids = [int((words - vector).norm(dim=1).argmin()) for vector in network.centre]
    shown = network.backbone.encoder.tokenizer.decode(ids)
    assert shown.count("Text") == shown.count("Label") == 2
    assert "Label : colour" in shown
    assert "Label : taste" in shown
    assert learner.m_ == len(network.centre)
    moved = (network.task_vectors() - network.centre).norm(dim=1).detach()
    most = 0.1 * np.sqrt(network.backbone.width / 2048)
    assert float(moved.max()) == pytest.approx(most, rel=1e-5)
    assert float((network.task - network.centre).detach().norm(dim=1).max()) > 2 * most
    learner.save(tmp_path / "saved")
    back = load_learner(tmp_path / "saved", labels=["colour", "taste"])
    assert np.array_equal(back.predict_proba(TEXTS), learner.predict_proba(TEXTS))


def test_a_context_computes_what_pefts_context_aware_prompt_tuning_does(llama: Path):
    from peft import CPTConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    learner = learner_over(llama, "causal", **CONTEXT, epochs=1).fit(TEXTS, Y)
    network = learner.network_
    delta = torch.randn_like(network.task) * 0.02
    with torch.no_grad():
        network.task.copy_(network.centre + delta)
    count = len(delta)
    settings = CPTConfig(
        task_type="CAUSAL_LM",
        cpt_token_ids=[0] * count,
        cpt_mask=[1] * count,
        cpt_tokens_type_mask=[2] * count,
    )
    peft = get_peft_model(AutoModelForCausalLM.from_pretrained(llama), settings).eval()
    encoder = peft.prompt_encoder["default"]
    encoder.embedding.weight.data.copy_(network.centre)
    encoder.delta_embedding.weight.data.copy_(delta)
    ids = torch.tensor([network.read(["red"])[0].ids])
    with torch.no_grad():
        theirs = peft(input_ids=ids, attention_mask=torch.ones_like(ids), labels=None).logits
    expected = theirs[0, -1].log_softmax(dim=0)

    ours = network(network.read(["red"])).scores[0]

    tokens = [path[0] for path in network.trie.paths]
    assert ours.tolist() == pytest.approx(expected[tokens].tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"m": 4}, "m is 4, and with demonstrations it is the number of their tokens"),
        ({"shots": 0}, "shots is 0"),
        ({"radius": 0.0}, "radius is 0.0"),
        ({"start": "noise"}, "start is 'noise'"),
        ({"shots": 6, "template": "Text : " + "very " * 40 + "{text} Label :"}, "shots"),
    ],
)
def test_a_context_that_cannot_be_is_refused(llama: Path, given: dict[str, Any], sentence: str):
    with pytest.raises(ConfigError, match=sentence):
        learner_over(llama, "causal", **{**CONTEXT, **given}).fit(TEXTS, Y)


def test_only_a_causal_model_reads_demonstrations(tmp_path: Path):
    model = save_small_model("bert", tmp_path / "bert", words=VOCABULARY)
    with pytest.raises(ConfigError, match="over a masked model cannot start as demonstrations"):
        learner_over(model, "masked", **CONTEXT).fit(TEXTS, Y)


def test_words_that_are_no_single_token_are_named(tmp_path: Path):
    model = save_small_model("bert", tmp_path / "bert", words=VOCABULARY)

    with pytest.raises(ConfigError, match="'very sweet' has 2 tokens in this model"):
        learner_over(model, "masked", verbalizers={"taste": "very sweet"}).fit(TEXTS, Y)
    with pytest.raises(ConfigError, match="'unheard' is not in the model's vocabulary"):
        learner_over(model, "masked", verbalizers={"taste": "unheard"}).fit(TEXTS, Y)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("It was {mask}.", r"has \{text\} 0 times"),
        ("{text} is {text} {mask}", r"has \{text\} 2 times"),
        ("{text} It was.", r"has \{mask\} 0 times"),
        ("{text} {mask} {label}", r"has a field \{label\}"),
        ("{text} {mask", "cannot be read"),
    ],
)
def test_a_template_that_lacks_a_field_is_refused(template: str, sentence: str, tmp_path: Path):
    model = save_small_model("bert", tmp_path / "bert", words=VOCABULARY)

    with pytest.raises(ConfigError, match=sentence):
        learner_over(model, "masked", template=template).fit(TEXTS, Y)


def test_classes_that_are_numbers_need_words_where_words_are_said(llama: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="class 0 has no word"):
        learner_over(llama, "causal").fit(TEXTS, [0, 1] * 6)

    headless = save_small_model("bert", tmp_path / "bert", words=VOCABULARY, head=False)
    assert learner_over(headless, "encoder").fit(TEXTS, [0, 1] * 6).classes_.tolist() == [0, 1]


def test_a_long_text_keeps_its_mask(tmp_path: Path):
    model = save_small_model("roberta", tmp_path / "roberta", context=24, words=VOCABULARY)
    learner = learner_over(model, "masked").fit([*TEXTS, "the is very " * 50], [*Y, "taste"])

    probabilities = learner.predict_proba(["the is very " * 50, ""])

    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)


def test_another_base_model_is_refused(llama: Path, tmp_path: Path):
    learner_over(llama, "causal").fit(TEXTS, Y).save(tmp_path / "saved")
    other = save_small_model("llama", tmp_path / "other", words=[*VOCABULARY, "more"])
    path = tmp_path / "saved" / "learner.json"
    content = json.loads(path.read_text())
    content["parameters"]["model"] = str(other)
    path.write_text(json.dumps(content))

    with pytest.raises(DataError, match="trained with another model"):
        load_learner(tmp_path / "saved", labels=["colour", "taste"])


def test_a_fusion_that_cannot_be_is_refused(llama: Path):
    with pytest.raises(ConfigError, match="2 sample vectors cannot be joined to 3"):
        learner_over(llama, "causal", fusion="hadamard", n=2).fit(TEXTS, Y)
    with pytest.raises(ConfigError, match="3 heads do not divide"):
        learner_over(llama, "causal", heads=3).fit(TEXTS, Y)


def test_nodes_of_the_trie_see_the_text_and_what_is_above_them():
    from llmal.lm.trie import Trie

    tree = Tree(Trie([[1, 2, 3], [1, 4], [5]], ["a", "b", "c"], end=9), torch.device("cpu"))

    mask = tree.mask(torch.tensor([[0, 1, 1]]), 0, torch.float32)[0, 0] == 0

    assert tree.tokens.tolist() == [[1, 2]]
    assert mask.tolist() == [
        [False, False, False, False, False],
        [False, True, False, False, False],
        [False, True, True, False, False],
        [False, True, True, True, False],
        [False, True, True, True, True],
    ]
