from __future__ import annotations

import gzip
import json
import logging
import math
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from llmal.errors import ConfigError, DataError
from llmal.perturb import CorpusStatistics, TfIdfReplacement
from llmal.perturb.statistics import counts_within

# Four texts, so with L = ln 2 the IDF of a word is 0 in all of them, L in two, 2L in one:
#
#           occurrences   texts   IDF   S = occurrences · IDF   max S - S   weight
#   the               5       4     0                       0          4L      0.4
#   film              2       2     L                      2L          2L      0.2
#   cat               1       1    2L                      2L          2L      0.2
#   dog               2       1    2L                      4L           0        0
#   bird              1       1    2L                      2L          2L      0.2
CORPUS = ["The film cat", "the film, dog dog", "The bird", "the THE"]
L = math.log(2)


def _fitted(**options):
    return TfIdfReplacement(**options).fit(CORPUS)


def _real_texts(shared, name, most=None):
    with gzip.open(shared / "data" / name / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row.get("text") or f"{row['text_a']}\n{row['text_b']}" for row in rows][:most]


# The formula, by hand


def test_word_statistics():
    statistics = _fitted().statistics
    assert statistics.texts == 4
    assert statistics.words == ("bird", "cat", "dog", "film", "the")
    assert statistics.counts.tolist() == [1, 1, 2, 2, 5]
    assert statistics.containing.tolist() == [1, 1, 1, 2, 4]
    np.testing.assert_allclose(statistics.idf, [2 * L, 2 * L, 2 * L, L, 0])


def test_what_comes_in():
    np.testing.assert_allclose(_fitted().weights, [0.2, 0.2, 0, 0.2, 0.4])


@pytest.mark.parametrize(
    ("text", "scores", "probabilities"),
    [
        # C = 2L/3, C - t = (2, 1, 0) L/3, Z = L/3.
        ("The film cat", [0, L / 3, 2 * L / 3], [0.6, 0.3, 0]),
        # TF of dog is 2/4: t = L for both; C - t = (1, 3/4, 0, 0) L, Z = 7L/16.
        ("the film, dog dog", [0, L / 4, L, L], [0.3 * 16 / 7, 0.3 * 12 / 7, 0, 0]),
        # A word of no text counts as one of a single text: IDF 2L.
        ("the zebra", [0, L], [0.6, 0]),
        # Two such words are not the same word: TF of zebra is 2/3, of gnu 1/3.
        ("zebra gnu zebra", [4 * L / 3, 2 * L / 3, 4 * L / 3], [0, 0.9, 0]),
        # All alike: Z = 0.
        ("cat dog", [L, L], [0, 0]),
        ("the the", [0, 0], [0, 0]),
        ("cat", [2 * L], [0]),
        ("?!", [], []),
        ("", [], []),
    ],
)
def test_replacement_probabilities(text, scores, probabilities):
    fitted = _fitted(rate=0.3)
    assert len(fitted.words(text)) == len(scores)
    np.testing.assert_allclose(fitted.scores(text), scores, atol=1e-15)
    np.testing.assert_allclose(fitted.probabilities(text), probabilities, atol=1e-15)


def test_probabilities_end_at_one():
    np.testing.assert_allclose(_fitted(rate=0.9).probabilities("The film cat"), [1, 0.9, 0])
    assert _fitted(rate=0).probabilities("The film cat").tolist() == [0, 0, 0]


def test_their_mean_is_the_rate():
    fitted = _fitted(rate=0.2)
    for text in ("The film cat", "the film, dog dog", "the bird film cat dog dog"):
        assert fitted.probabilities(text).mean() == pytest.approx(0.2)


def _z(count, n, p):
    return (count - n * p) / math.sqrt(n * p * (1 - p))


def test_words_are_replaced_as_often_as_the_formula_says():
    n = 10_000
    copies = [one.split() for one in _fitted().perturb(["the film cat"], n, seed=3)[0]]
    first, second, third = (Counter(words) for words in zip(*copies, strict=True))
    assert third == {"cat": n}
    # "the" goes with 0.6, and 0.4 of what comes in is "the" again.
    for word, p in (("the", 0.4 + 0.6 * 0.4), ("film", 0.12), ("cat", 0.12), ("bird", 0.12)):
        assert abs(_z(first[word], n, p)) < 4, word
    for word, p in (("film", 0.7 + 0.3 * 0.2), ("the", 0.12), ("cat", 0.06), ("bird", 0.06)):
        assert abs(_z(second[word], n, p)) < 4, word
    assert not first["dog"]
    assert not second["dog"]
    # The places of a text are independent of each other.
    both = sum(a != "the" and b != "film" for a, b, _ in copies)
    assert abs(_z(both, n, 0.36 * 0.24)) < 4


def test_seeds_and_texts_are_as_good_as_copies():
    n = 4_000
    fitted = _fitted()
    by_seed = [fitted.perturb(["the film cat"], 1, seed)[0][0] for seed in range(n)]
    assert abs(_z(sum(not one.startswith("the ") for one in by_seed), n, 0.36)) < 4
    by_text = [one for (one,) in fitted.perturb([f"the film cat{'!' * i}" for i in range(n)], 1, 0)]
    assert abs(_z(sum(not one.startswith("the ") for one in by_text), n, 0.36)) < 4
    # Of two draws the first words are alike with 0.64² + 3 · 0.12², and so on.
    alike = (0.64**2 + 3 * 0.12**2) * (0.76**2 + 0.12**2 + 2 * 0.06**2)
    pairs = zip(by_seed[::2], by_seed[1::2], strict=True)
    assert abs(_z(sum(a == b for a, b in pairs), n // 2, alike)) < 4


def test_the_formula_on_real_texts(shared):
    texts = _real_texts(shared, "dbpedia14", 1500)
    fitted = TfIdfReplacement().fit(texts)
    words = [[word.lower() for word in fitted.words(text)] for text in texts]
    containing = Counter(word for one in words for word in set(one))
    counts = Counter(word for one in words for word in one)
    assert dict(zip(fitted.statistics.words, fitted.statistics.counts.tolist(), strict=True)) == (
        counts
    )
    idf = {word: math.log(len(texts) / number) for word, number in containing.items()}
    for text, one in zip(texts[:300], words, strict=False):
        scores = [one.count(word) / len(one) * idf[word] for word in one]
        below = [max(scores) - score for score in scores]
        mean = sum(below) / len(below)
        np.testing.assert_allclose(fitted.scores(text), scores, atol=1e-12)
        np.testing.assert_allclose(
            fitted.probabilities(text), [min(0.3 * one / mean, 1) for one in below], atol=1e-12
        )
    said = {word: counts[word] * idf[word] for word in counts}
    spare = np.array([max(said.values()) - said[word] for word in fitted.statistics.words])
    np.testing.assert_allclose(fitted.weights, spare / spare.sum(), atol=1e-15)
    expected = sum(fitted.probabilities(text).sum() for text in texts)
    changed = sum(
        a != b
        for text, (copy,) in zip(texts, fitted.perturb(texts, 1, 0), strict=True)
        for a, b in zip(fitted.words(text), fitted.words(copy), strict=True)
    )
    # Some words are replaced by themselves, and digits have no capitals.
    assert 0.97 * expected < changed < 1.02 * expected


@pytest.mark.parametrize("size", [0, 1, 2, 1000, 50_000])
def test_occurrences_are_counted_whatever_meets_in_a_slot(size):
    keys = np.random.default_rng(0).integers(max(size // 3, 1), size=size) * 2**33
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    assert counts_within(keys).tolist() == counts[place].tolist()


# Copies


def test_a_copy_depends_on_text_number_and_seed_alone():
    fitted = _fitted()
    texts = ["the film cat", "the bird the film dog", "", "The bird film!", "the film cat"]
    made = fitted.perturb(texts, 5, seed=2)
    assert made[0] == made[4]
    for text, copies in zip(texts, made, strict=True):
        assert fitted.perturb([text], 5, seed=2) == [copies]
        assert fitted.perturb(["other words", text], 3, seed=2)[1] == copies[:3]
    assert fitted.perturb(texts[::-1], 5, seed=2) == made[::-1]
    assert _fitted().perturb(texts, 5, seed=2) == made
    assert fitted.perturb(texts, 5, seed=3) != made


def test_a_copy_does_not_depend_on_how_texts_fall_into_pieces(shared):
    texts = _real_texts(shared, "dbpedia14", 4000)
    fitted = TfIdfReplacement().fit(texts)
    made = fitted.perturb(texts, 1, 0)
    assert fitted.perturb(texts[1777:], 1, 0) == made[1777:]
    assert sum(len(text) for text in texts) > 1_000_000


def test_case_spacing_and_punctuation_stay():
    fitted = _fitted(rate=1.0)
    text = '"THE  bird",\n(The) the film—cat...'
    for copy in fitted.perturb([text], 50, 0)[0]:
        first, second, third, fourth, fifth, last = fitted.words(copy)
        assert copy == f'"{first}  {second}",\n({third}) {fourth} {fifth}—{last}...'
        assert first.isupper()
        assert third.istitle()
        assert fourth.islower()


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "?!", "cat", "the", "🙂", "\ud800", "日", "the the"]
)
def test_what_cannot_be_changed_is_itself(text):
    assert _fitted().perturb([text], 3, 0) == [[text] * 3]


def test_texts_of_all_kinds_come_back():
    corpus = ["日本語の文", "日 a 本", "Ünï ÉCOLE ünï", "a \ud800 b ünï", "a b c", "'' a's ’ b’s a"]
    fitted = TfIdfReplacement(rate=1.0).fit(corpus)
    made = fitted.perturb(corpus, 20, 1)
    for text, copies in zip(corpus, made, strict=True):
        assert len(set(copies)) > 1, text
        assert all(copies)
    assert "\ud800" in made[3][0]


def test_no_texts_are_no_copies():
    assert _fitted().perturb([], 2, 0) == []


def test_memory_does_not_grow_with_the_pool():
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(5000)])
    ranks = rng.zipf(1.3, size=(10_000, 120)) % 5000
    texts = [" ".join(row) for row in words[ranks].tolist()]
    tracemalloc.start()
    fitted = TfIdfReplacement().fit(texts)
    fitting = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    made = fitted.perturb(texts, 1, 0)
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # 8 MB of text; all at once would take some 150 MB.
    assert sum(map(len, texts)) > 7e6
    assert fitting < 40e6
    assert peak - now < 40e6
    assert len(made) == 10_000
    changed = sum(a != b[0] for a, b in zip(texts, made, strict=True))
    assert changed == 10_000


# Corpora


def test_it_must_be_fitted():
    for call in (
        lambda one: one.perturb(["a"], 1, 0),
        lambda one: one.perturb([], 1, 0),
        lambda one: one.probabilities("a"),
        lambda one: one.weights,
        lambda one: one.to_dict(),
    ):
        with pytest.raises(DataError, match="knows no corpus yet; call fit"):
            call(TfIdfReplacement())


def test_it_can_be_fitted_anew():
    fitted = _fitted()
    fitted.probabilities("the film cat")
    assert fitted.fit(["a b", "a c"]) is fitted
    assert fitted.statistics.words == ("a", "b", "c")
    np.testing.assert_allclose(fitted.weights, [1, 0, 0])
    np.testing.assert_allclose(fitted.probabilities("a b"), [0.6, 0])


def test_a_corpus_where_all_words_say_alike_much_draws_all_alike():
    fitted = TfIdfReplacement().fit(["a", "b", "c", "d"])
    np.testing.assert_allclose(fitted.weights, [0.25] * 4)


def test_a_corpus_without_words_is_told(caplog):
    with caplog.at_level(logging.WARNING, "llmal.perturb"):
        fitted = TfIdfReplacement().fit(["?", ""])
    assert "nothing will be replaced" in caplog.text
    assert fitted.perturb(["a a b", "?"], 2, 0) == [["a a b"] * 2, ["?"] * 2]


def test_a_corpus_of_one_text_replaces_nothing():
    assert TfIdfReplacement().fit(["a b b"]).perturb(["a b b c"], 2, 0) == [["a b b c"] * 2]


def test_state_and_fingerprint_go_through_json():
    fitted = _fitted(rate=0.5)
    again = TfIdfReplacement.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again.fingerprint == fitted.fingerprint
    assert again.perturb(CORPUS, 4, 1) == fitted.perturb(CORPUS, 4, 1)


def test_the_fingerprint_is_of_rate_and_corpus():
    assert _fitted().fingerprint.startswith("tf-idf(rate=0.3)#")
    assert _fitted().fingerprint == TfIdfReplacement().fit(CORPUS[::-1]).fingerprint
    others = {
        TfIdfReplacement().fingerprint,
        _fitted().fingerprint,
        _fitted(rate=0.2).fingerprint,
        TfIdfReplacement().fit([*CORPUS, ""]).fingerprint,
        TfIdfReplacement().fit([*CORPUS[:3], "the the the"]).fingerprint,
    }
    assert len(others) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"words": ["b", "a"], "counts": [1, 1], "containing": [1, 1]},
        {"words": ["a"]},
        {"containing": [1, 1, 1, 2, 5]},
        {"containing": [0, 1, 1, 2, 4]},
        {"counts": [1, 1, 1, 1, 1]},
        {"counts": "many"},
        {"texts": None},
        {"words": 7},
    ],
)
def test_broken_statistics_are_refused(change):
    content = _fitted().statistics.to_dict()
    with pytest.raises(DataError, match="word statistics"):
        CorpusStatistics.from_dict({**content, **change})


@pytest.mark.parametrize("content", [{}, {"rate": "much", "statistics": {}}, {"rate": 0.3}, []])
def test_broken_state_is_refused(content):
    with pytest.raises(DataError, match="TF-IDF replacement"):
        TfIdfReplacement.from_dict(content)


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_is_a_probability(rate):
    with pytest.raises(ConfigError, match="rate is"):
        TfIdfReplacement(rate)


def test_a_corpus_is_texts():
    with pytest.raises(DataError, match="no text to learn"):
        TfIdfReplacement().fit([])
    with pytest.raises(DataError, match="text 1 is a NoneType"):
        TfIdfReplacement().fit(["a", None])
    with pytest.raises(DataError, match="a single string"):
        TfIdfReplacement().fit("a b")
