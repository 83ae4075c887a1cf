"""What every perturbation promises, checked for each name in the registry with real models."""

from __future__ import annotations

import json

import pytest

from llmal.core.records import Item
from llmal.errors import DataError
from llmal.lm import TransformersLM
from llmal.perturb import REGISTRY, Perturbation, perturb_items

CORPUS = ["the film was long", "that man saw the film", "the movie was good", "very good", "the"]
TEXTS = ["the man saw", "the film was really good", "that movie was long"]
ODD = ["", " ", "?!", "\n", "word", "the", "日本語", "🙂", "naïve café", "\ud800", "a\nb", "<text>"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Models so small are only slowed down by more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=REGISTRY.names())
def perturbation(request, tmp_path_factory):
    made = REGISTRY.get(request.param)
    if request.param == "tf-idf":
        return made(0.6).fit(CORPUS)
    if request.param == "paraphrase":
        path = request.getfixturevalue("tiny_lm_path")
        lm = TransformersLM(path, device="cpu")
        return made(lm, max_tokens=12)
    there, back = request.getfixturevalue("translators")
    return made(there, back, cache=tmp_path_factory.mktemp("kept") / "kept.sqlite")


def test_it_is_a_perturbation_that_knows_its_name(perturbation):
    assert isinstance(perturbation, Perturbation)
    assert perturbation.name in REGISTRY.names()
    assert perturbation.fingerprint.startswith(f"{perturbation.name}(")
    assert perturbation.fingerprint == perturbation.fingerprint
    assert json.dumps(perturbation.fingerprint)


def test_fit_returns_a_perturbation(perturbation):
    fitted = perturbation.fit(CORPUS)
    assert isinstance(fitted, Perturbation)
    assert fitted.fingerprint == perturbation.fingerprint


@pytest.mark.parametrize("copies", [1, 3])
def test_each_text_has_so_many_copies(perturbation, copies):
    made = perturbation.perturb(TEXTS, copies, seed=0)
    assert [len(one) for one in made] == [copies] * 3
    assert all(isinstance(copy, str) and copy for one in made for copy in one)


def test_something_changes(perturbation):
    made = perturbation.perturb(TEXTS, 2, seed=0)
    assert sum(text != copy for text, one in zip(TEXTS, made, strict=True) for copy in one) >= 2


def test_the_same_seed_gives_the_same_copies(perturbation):
    assert perturbation.perturb(TEXTS, 2, seed=5) == perturbation.perturb(TEXTS, 2, seed=5)


def test_another_seed_gives_other_copies(perturbation):
    assert perturbation.perturb(TEXTS, 2, seed=5) != perturbation.perturb(TEXTS, 2, seed=6)


def test_a_copy_does_not_depend_on_what_else_is_asked_for(perturbation):
    made = perturbation.perturb(TEXTS, 2, seed=1)
    assert perturbation.perturb(TEXTS[::-1], 2, seed=1) == made[::-1]
    assert perturbation.perturb(TEXTS[1:2], 2, seed=1) == made[1:2]
    assert perturbation.perturb(TEXTS, 1, seed=1) == [one[:1] for one in made]
    assert perturbation.perturb([*TEXTS, *TEXTS], 2, seed=1) == made + made


def test_texts_are_never_changed_into_empty_ones(perturbation):
    made = perturbation.perturb(ODD, 2, seed=0)
    for text, copies in zip(ODD, made, strict=True):
        assert len(copies) == 2
        if text.strip():
            assert all(copy.strip() for copy in copies), text
        else:
            assert copies == [text] * 2


def test_no_texts_are_no_copies(perturbation):
    assert perturbation.perturb([], 2, seed=0) == []


@pytest.mark.parametrize("copies", [0, -1])
def test_fewer_than_one_copy_is_refused(perturbation, copies):
    with pytest.raises(DataError, match=f"{copies} copies were asked for"):
        perturbation.perturb(TEXTS, copies, seed=0)


@pytest.mark.parametrize("texts", [[None], ["a", 3], "one string"])
def test_what_is_no_text_is_refused(perturbation, texts):
    with pytest.raises(DataError, match="string"):
        perturbation.perturb(texts, 1, seed=0)


def test_items_are_perturbed_by_their_columns(perturbation):
    fields = {"a": TEXTS[0], "b": TEXTS[1]}
    item = Item("i", "\n".join(fields.values()), fields, gold="yes")
    made = perturbation.perturb(list(fields.values()), 2, 3)
    ((first, second),) = perturb_items(perturbation, [item], 2, 3)
    assert [dict(first.fields), dict(second.fields)] == [
        {"a": made[0][n], "b": made[1][n]} for n in (0, 1)
    ]
    assert first.gold == second.gold == "yes"
    assert len({item.id, first.id, second.id}) == 3
