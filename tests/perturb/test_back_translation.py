from __future__ import annotations

import logging

import pytest

from llmal.errors import ConfigError, DataError, LanguageModelError
from llmal.lm import ResponseCache
from llmal.perturb import BackTranslation

TEXTS = ["the man saw", "the film was good", "good", "movie was really long", "that man watched"]


@pytest.fixture(scope="module")
def translated(translators):
    return BackTranslation(*translators, temperature=0.5, cache=False).perturb(TEXTS, 6, 0)


def test_texts_come_back_in_other_words_of_the_same_meaning(translated, word_for_word):
    copies = [(text, copy) for text, made in zip(TEXTS, translated, strict=True) for copy in made]
    kept = [word_for_word.same_meaning(text, copy) for text, copy in copies]
    assert sum(kept) >= 0.8 * len(kept)
    assert sum(text != copy for text, copy in copies) >= 0.4 * len(copies)
    assert all(len(set(made)) > 1 for made in translated[:2])


def test_a_copy_depends_on_text_number_and_seed_alone(translators, translated):
    made = BackTranslation(*translators, temperature=0.5, cache=False, batch_size=3)
    assert made.perturb(TEXTS[::-1], 6, 0) == translated[::-1]
    assert made.perturb(TEXTS[1:2], 3, 0) == [translated[1][:3]]
    assert made.perturb(TEXTS, 6, 1) != translated


def test_the_global_generator_is_left_alone(translators):
    import torch

    before = torch.get_rng_state()
    BackTranslation(*translators, cache=False).perturb(TEXTS[:1], 2, 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_beams_begin_with_the_best_whatever_the_seed(translators, word_for_word):
    made = BackTranslation(*translators, beams=4, cache=False)
    found = made.perturb(TEXTS, 3, 0)
    assert made.perturb(TEXTS, 3, 9) == found
    assert made.perturb(TEXTS[2:3], 1, 0) == [found[2][:1]]
    best = zip(TEXTS, (one[0] for one in found), strict=True)
    assert sum(word_for_word.same_meaning(text, copy) for text, copy in best) >= 4
    assert all(len(set(one)) == 3 for one in found[:2])


def test_more_copies_than_beams_are_refused(translators):
    with pytest.raises(ConfigError, match="3 copies were asked for, and there are 2 beams"):
        BackTranslation(*translators, beams=2, cache=False).perturb(TEXTS, 3, 0)


def test_translations_are_kept_on_disk(translators, tmp_path, caplog):
    path = tmp_path / "kept.sqlite"
    first = BackTranslation(*translators, cache=path)
    made = first.perturb(TEXTS, 2, 0)
    assert len(first.cache) == 2 * len(TEXTS)
    again = BackTranslation(*translators, cache=path)
    assert again.perturb([*TEXTS, ""], 2, 0) == [*made, ["", ""]]
    assert again._there._loaded is again._back._loaded is None
    # One more copy costs one more copy.
    assert [one[:2] for one in again.perturb(TEXTS, 3, 0)] == made
    assert len(again.cache) == 3 * len(TEXTS)
    again.perturb(TEXTS, 3, 1)
    assert len(again.cache) == 6 * len(TEXTS)


def test_the_cache_may_be_a_response_cache_or_the_default(translators, tmp_path, monkeypatch):
    shared = ResponseCache(tmp_path / "shared.sqlite")
    assert BackTranslation(*translators, cache=shared).cache is shared
    monkeypatch.setenv("LLMAL_CACHE", str(tmp_path))
    assert BackTranslation(*translators).cache.path == tmp_path / "back-translations.sqlite"
    assert BackTranslation(*translators, cache=False).cache is None


def test_what_was_kept_belongs_to_its_models_and_options(translators, tmp_path):
    there, back = translators
    fingerprints = {
        BackTranslation(there, back).fingerprint,
        BackTranslation(back, there).fingerprint,
        BackTranslation(there, back, temperature=1.1).fingerprint,
        BackTranslation(there, back, top_p=0.9).fingerprint,
        BackTranslation(there, back, beams=2).fingerprint,
        BackTranslation(there, back, max_length=10).fingerprint,
        BackTranslation(there, back, prefixes=("to German: ", "")).fingerprint,
        BackTranslation(there, back, languages=("en_XX", "de_XX")).fingerprint,
    }
    assert len(fingerprints) == 8
    assert str(there) not in "".join(fingerprints)


def test_what_does_not_fit_stays_as_it_is(translators, caplog):
    made = BackTranslation(*translators, max_length=6, cache=False)
    with caplog.at_level(logging.WARNING, "llmal.perturb"):
        found = made.perturb(["the film " * 10, "good"], 2, 0)
    assert found[0] == ["the film " * 10] * 2
    assert "2 of 4 translations were too long, empty or did not end" in caplog.text


def test_a_forced_end_is_no_end(translators):
    # Three tokens: a word, and an end that the models are forced to give.
    made = BackTranslation(*translators, max_length=3, cache=False).perturb(["the man"], 4, 0)
    assert made == [["the man"] * 4]


def test_a_small_nucleus_is_the_greedy_translation(translators):
    made = BackTranslation(*translators, top_p=0.01, cache=False).perturb(TEXTS, 3, 0)
    assert all(len(set(copies)) == 1 for copies in made)


def test_a_prefix_stands_before_the_text(translators):
    plain = BackTranslation(*translators, beams=1, cache=False).perturb(["good"], 1, 0)
    told = BackTranslation(*translators, beams=1, prefixes=("film was ", ""), cache=False)
    assert len(told.perturb(["good"], 1, 0)[0][0].split()) == 3 > len(plain[0][0].split())


def test_the_target_language_begins_the_translation(translators):
    there, _ = translators
    from llmal.perturb.translator import Translator

    model = Translator(
        there, device="cpu", batch_size=2, max_length=20, languages=("en_XX", "de_XX")
    )
    model.best(["good"], 1, 1)
    assert model._target == 3


def test_an_unknown_language_is_told(translators):
    made = BackTranslation(*translators, languages=("en_XX", "fr_XX"), cache=False)
    with pytest.raises(ConfigError, match="knows no language 'fr_XX'"):
        made.perturb(["good"], 1, 0)


def test_texts_without_words_are_not_translated(tmp_path):
    made = BackTranslation(tmp_path / "no", tmp_path / "where", cache=False)
    with pytest.raises(LanguageModelError, match="there is no model at"):
        made.perturb(["good"], 1, 0)
    assert made.perturb([], 2, 0) == []


def test_blank_texts_load_nothing(translators):
    made = BackTranslation(*translators, cache=False)
    assert made.perturb(["", " \n"], 2, 0) == [["", ""], [" \n", " \n"]]
    assert made._there._loaded is None


def test_a_hub_name_without_a_hub_is_told(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    made = BackTranslation("nobody/en-xx", "nobody/xx-en", cache=False)
    with pytest.raises(LanguageModelError, match=r"not on this machine.*local directory"):
        made.perturb(["good"], 1, 0)


def test_a_folder_that_is_no_translation_model_is_told(tiny_lm_path, translators, tmp_path):
    made = BackTranslation(tiny_lm_path, translators[1], cache=False)
    with pytest.raises(LanguageModelError, match="no usable model could be read"):
        made.perturb(["good"], 1, 0)
    with pytest.raises(LanguageModelError, match="no usable model could be read"):
        BackTranslation(tmp_path, tmp_path, cache=False).perturb(["good"], 1, 0)


def test_half_a_surrogate_pair_is_no_obstacle(translators):
    made = BackTranslation(*translators, cache=False).perturb(["good \ud800"], 2, 0)
    assert all(copy for copy in made[0])


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 0},
        {"max_length": 0},
        {"temperature": 0},
        {"top_p": 0},
        {"top_p": 1.1},
        {"beams": 0},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        BackTranslation("a", "b", **options)


def test_texts_must_be_texts(translators):
    with pytest.raises(DataError, match="text 0 is a int"):
        BackTranslation(*translators, cache=False).perturb([1], 1, 0)
