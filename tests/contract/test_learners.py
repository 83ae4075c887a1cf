"""One test for all learners: what the orchestrator and the selectors rely on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from llmal.errors import ConfigError, DataError
from llmal.learners import (
    CommitteeLearner,
    Contrastive,
    DynamicSoftPrompt,
    FineTuned,
    FromProbabilities,
    LayerFusion,
    Learner,
    LinearHead,
    LoRA,
    PromptTuned,
    Pruned,
    SoftLabels,
)
from tests.support.small_models import save_small_model

WORDS = ["red", "green", "blue", "sweet", "sour", "salty", "the", "is", "very"]
COLOURS, TASTES = WORDS[:3], WORDS[3:6]


@dataclass(frozen=True)
class Case:
    """A learner and items that it takes, in two classes that can be told apart."""

    learner: Any
    X: Any
    y: np.ndarray

    def pick(self, rows: Any) -> Any:
        return self.X[rows] if isinstance(self.X, np.ndarray) else [self.X[i] for i in rows]


def _texts(count: int = 36) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(count) % 2
    pick = [(COLOURS, TASTES)[label] for label in y]
    return [" ".join(["the", "is", *rng.choice(words, rng.integers(1, 4))]) for words in pick], y


def _linear(directory: Path) -> Case:
    texts, y = _texts()
    X = np.array([[text.split().count(word) for word in WORDS] for text in texts], float)
    X += 0.1 * np.random.default_rng(1).normal(size=X.shape)
    return Case(LinearHead(), X / np.linalg.norm(X, axis=1, keepdims=True), y)


def _pruned(directory: Path) -> Case:
    case = _linear(directory)
    return Case(Pruned(case.learner, folds=3), case.X, case.y)


def _from_probabilities(directory: Path) -> Case:
    case = _linear(directory)
    return Case(FromProbabilities(case.learner), case.X, case.y)


def _over_texts(learner: Any) -> Case:
    return Case(learner, *_texts())


def _model(directory: Path) -> Path:
    return save_small_model("llama", directory, words=WORDS)


def _prompt_tuned(directory: Path) -> Case:
    return _over_texts(
        PromptTuned(_model(directory), virtual_tokens=2, epochs=5, learning_rate=0.05, device="cpu")
    )


def _fine_tuned(directory: Path) -> Case:
    return _over_texts(FineTuned(_model(directory), epochs=5, learning_rate=0.01, device="cpu"))


def _lora(directory: Path) -> Case:
    return _over_texts(LoRA(_model(directory), epochs=5, learning_rate=0.05, device="cpu"))


def _contrastive(directory: Path) -> Case:
    # A head that is held back more would leave all probabilities near one half.
    return _over_texts(
        Contrastive(_model(directory), epochs=5, learning_rate=0.01, C=30, device="cpu")
    )


# One word for each place of the sorted classes, however these are called.
VERBALIZERS = {"0": "sweet", "1": "red", "2": "sweet", "7": "red", "a": "sweet", "b": "red",
               "ant": "sweet", "zebra": "red", "only": "red"}  # fmt: skip


def _lora_words(directory: Path) -> Case:
    return _over_texts(
        LoRA(
            _model(directory),
            answer="words",
            template="{text} is",
            verbalizers=VERBALIZERS,
            epochs=10,
            learning_rate=0.05,
            device="cpu",
        )
    )


def _layer_fusion(directory: Path) -> Case:
    return _over_texts(LayerFusion(_model(directory), epochs=20, learning_rate=0.1, device="cpu"))


def _dynamic_soft_prompt(directory: Path) -> Case:
    # A model of random weights says nothing that a soft prompt could bring out: it learns too.
    return _over_texts(
        DynamicSoftPrompt(
            _model(directory),
            m=2,
            heads=2,
            epochs=15,
            learning_rate=0.01,
            device="cpu",
            freeze_backbone=False,
            verbalizers=VERBALIZERS,
            template="{text} is",
        )
    )


BUILDERS: dict[str, Callable[[Path], Case]] = {
    "linear": _linear,
    "prompt_tuned": _prompt_tuned,
    "fine_tuned": _fine_tuned,
    "lora": _lora,
    "contrastive": _contrastive,
    "lora_words": _lora_words,
    "layer_fusion": _layer_fusion,
    "dynamic_soft_prompt": _dynamic_soft_prompt,
    "pruned": _pruned,
    "from_probabilities": _from_probabilities,
}


@pytest.fixture(scope="module", params=BUILDERS)
def built(request, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return BUILDERS[request.param](tmp_path_factory.mktemp(request.param) / "model")


@pytest.fixture
def case(built: Case) -> Case:
    """A learner that is not fitted."""
    return replace(built, learner=clone(built.learner))


@pytest.fixture(scope="module")
def fitted(built: Case) -> Any:
    """The learner fitted to all items of the case; nobody may change it."""
    return clone(built.learner).fit(built.X, built.y)


@pytest.fixture(scope="module")
def saved(fitted: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is saved."""
    folder = tmp_path_factory.mktemp("saved") / "saved"
    fitted.save(folder)
    return folder


def test_it_is_a_learner_and_learns(case: Case):
    fitted = case.learner.fit(case.X, case.y)

    assert fitted is case.learner
    assert isinstance(fitted, Learner)
    assert (fitted.predict(case.X) == case.y).mean() > 0.9


def test_probabilities_are_rows_that_sum_to_one(case: Case, fitted: Any):
    probabilities = fitted.predict_proba(case.X)

    assert probabilities.shape == (len(case.y), 2)
    assert probabilities.dtype == np.float64
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)


def test_columns_follow_the_sorted_classes(case: Case):
    names = np.array(["zebra", "ant"])[case.y]

    learner = case.learner.fit(case.X, names)

    assert learner.classes_.tolist() == ["ant", "zebra"]
    best = learner.predict_proba(case.X).argmax(axis=1)
    assert (learner.classes_[best] == names).mean() > 0.9
    np.testing.assert_array_equal(learner.predict(case.X), learner.classes_[best])


def test_names_and_numbers_give_the_same_probabilities(case: Case):
    numbers = clone(case.learner).fit(case.X, case.y * 5 + 2)
    names = clone(case.learner).fit(case.X, [("a", "b")[label] for label in case.y])

    assert numbers.classes_.tolist() == [2, 7]
    np.testing.assert_allclose(
        numbers.predict_proba(case.X), names.predict_proba(case.X), atol=1e-9
    )


def test_one_class_is_predicted_with_certainty(case: Case):
    learner = case.learner.fit(case.pick([0, 2]), ["only", "only"])

    np.testing.assert_array_equal(learner.predict_proba(case.X), np.ones((len(case.y), 1)))
    assert set(learner.predict(case.X)) == {"only"}


def test_the_same_seed_gives_the_same_probabilities(case: Case, fitted: Any):
    first = fitted.predict_proba(case.X)
    second = clone(case.learner).fit(case.X, case.y).predict_proba(case.X)

    np.testing.assert_array_equal(first, second)


def test_the_callers_random_state_is_neither_read_nor_changed(case: Case):
    import torch

    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = clone(case.learner).fit(case.X, case.y).predict_proba(case.X)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002

    torch.rand(5)

    again = clone(case.learner).fit(case.X, case.y).predict_proba(case.X)
    np.testing.assert_array_equal(first, again)


def test_a_second_fit_starts_afresh(case: Case, fitted: Any):
    learner = clone(case.learner).fit(case.X, 1 - case.y)
    learner.fit(case.X, case.y)

    np.testing.assert_array_equal(learner.predict_proba(case.X), fitted.predict_proba(case.X))


def test_weight_zero_and_absence_are_the_same(case: Case):
    wrong = np.concatenate([case.y, [0, 0, 2]])
    X = case.pick([*range(len(case.y)), 1, 3, 5])
    weights = np.concatenate([np.ones(len(case.y)), np.zeros(3)])

    weighted = clone(case.learner).fit(X, wrong, sample_weight=weights)
    without = clone(case.learner).fit(case.X, case.y, sample_weight=np.ones(len(case.y)))

    assert weighted.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(weighted.predict_proba(X), without.predict_proba(X))


def test_weight_decides_between_contradicting_labels(case: Case):
    X = case.pick([*range(len(case.y))] * 2)
    y = np.concatenate([case.y, 1 - case.y])
    weights = np.repeat([5.0, 0.5], len(case.y))

    learner = case.learner.fit(X, y, sample_weight=weights)

    assert (learner.predict(case.X) == case.y).mean() > 0.9


def test_soft_labels_that_are_sure_are_labels(case: Case):
    names = np.array(["zebra", "ant"])[case.y]
    sure = SoftLabels(np.eye(3)[case.y * 2], ["zebra", "never", "ant"])

    plain = clone(case.learner).fit(case.X, names)
    soft = clone(case.learner).fit(case.X, sure)

    assert soft.classes_.tolist() == ["ant", "zebra"]
    np.testing.assert_allclose(soft.predict_proba(case.X), plain.predict_proba(case.X), atol=1e-4)


def test_soft_labels_weigh_as_much_as_their_shares(case: Case):
    shares = np.where(np.eye(2, dtype=bool)[case.y], 0.8, 0.2)

    learner = case.learner.fit(case.X, SoftLabels(shares, [0, 1]))

    assert (learner.predict(case.X) == case.y).mean() > 0.9
    own = learner.predict_proba(case.X)[np.arange(len(case.y)), case.y]
    assert 0.65 < own.mean() < 0.92


def test_a_committee_differs_and_is_the_same_for_the_same_seed(case: Case):
    learner = case.learner.fit(case.X, case.y)
    alone = learner.predict_proba(case.X)
    one, other = (
        np.stack([member(case.X) for member in learner.committee(4, seed=3)]) for _ in range(2)
    )

    assert isinstance(learner, CommitteeLearner)
    assert one.shape == (4, len(case.y), 2)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(one.sum(axis=2), 1, atol=1e-9)
    assert len({member.tobytes() for member in one}) == 4
    assert (one.mean(axis=0).argmax(axis=1) == case.y).mean() > 0.85
    assert np.stack([m(case.X) for m in learner.committee(4, seed=4)]).tolist() != one.tolist()
    np.testing.assert_array_equal(learner.predict_proba(case.X), alone)


def test_a_committee_of_one_class_is_certain(case: Case):
    learner = case.learner.fit(case.pick([0, 2]), ["only", "only"])
    (member,) = learner.committee(1, seed=0)
    np.testing.assert_array_equal(member(case.X), np.ones((len(case.y), 1)))


def test_a_saved_learner_comes_back(case: Case, tmp_path: Path):
    learner = case.learner.fit(case.X, np.array(["zebra", "ant"])[case.y])
    learner.save(tmp_path / "saved")

    back = clone(case.learner).load(tmp_path / "saved")

    assert back.classes_.tolist() == learner.classes_.tolist()
    assert back.classes_.dtype == learner.classes_.dtype
    np.testing.assert_allclose(back.predict_proba(case.X), learner.predict_proba(case.X), atol=1e-6)


def test_what_is_saved_is_json_and_safetensors(saved: Path):
    files = [path for path in saved.rglob("*") if path.is_file()]

    assert {path.suffix for path in files} <= {".json", ".safetensors", ".md"}
    assert json.loads((saved / "learner.json").read_text())["classes"] == [0, 1]


def test_weights_that_are_gone_are_one_sentence(case: Case, saved: Path, tmp_path: Path):
    shutil.copytree(saved, tmp_path / "saved")
    for path in (tmp_path / "saved").rglob("*.safetensors"):
        path.write_bytes(b"not a tensor")

    with pytest.raises(DataError, match="damaged"):
        clone(case.learner).load(tmp_path / "saved")


def test_a_copy_is_not_fitted_and_has_the_same_parameters(case: Case, fitted: Any):
    copy = clone(fitted)

    assert repr(copy) == repr(fitted)
    assert copy.get_params(deep=False).keys() == fitted.get_params(deep=False).keys()
    with pytest.raises(DataError, match="is not fitted"):
        copy.predict_proba(case.X)


def test_no_items_have_no_probabilities(case: Case, fitted: Any):
    assert fitted.predict_proba(case.pick([])).shape == (0, 2)


def test_an_empty_text_is_a_text(case: Case):
    if isinstance(case.X, np.ndarray):
        pytest.skip("embeddings are no texts")
    learner = case.learner.fit([*case.X, ""], [*case.y, 0])

    alone = learner.predict_proba([""])

    np.testing.assert_allclose(learner.predict_proba(["", *case.X])[:1], alone, atol=1e-5)


def test_bad_input_is_one_sentence(case: Case):
    n = len(case.y)
    bad: list[tuple[Any, Any, Any, str]] = [
        (case.X, case.y[:-1], None, f"there are {n} items but {n - 1} labels"),
        (case.pick([]), [], None, "there are no items to train on"),
        (case.X, case.y, np.ones(3), r"sample_weight has shape \(3,\)"),
        (case.X, case.y, -np.ones(n), "negative, NaN or infinite"),
        (case.X, case.y, np.zeros(n), "all sample weights are zero"),
        (case.X, [*["a"] * (n - 1), None], None, "neither all strings nor all integers"),
        (case.X, [*["a"] * (n - 1), 1], None, "neither all strings nor all integers"),
        (case.X, case.y + 0.5, None, "neither all strings nor all integers"),
        ("one text", case.y, None, "text"),
    ]
    for X, y, weights, sentence in bad:
        with pytest.raises(DataError, match=sentence) as caught:
            clone(case.learner).fit(X, y, sample_weight=weights)
        assert "\n" not in str(caught.value)


def test_a_parameter_out_of_range_is_refused(case: Case):
    names = ("folds", "max_iter", "batch_size", "learner__max_iter")
    name = next(one for one in names if one in case.learner.get_params())

    with pytest.raises(ConfigError, match=f"{name.split('__')[-1]} is 0"):
        clone(case.learner).set_params(**{name: 0}).fit(case.X, case.y)
