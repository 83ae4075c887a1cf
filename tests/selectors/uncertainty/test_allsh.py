"""ALLSH: utilities by hand and against plain loops, what is predicted, and what is asked."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np
import pytest

from llmal.demonstrations import Sensitive
from llmal.errors import ConfigError
from llmal.lm import TransformersLM
from llmal.perturb import TfIdfReplacement
from llmal.prompting import LabellingPrompts, PromptScorer, load_prompt
from llmal.selectors import Allsh, RoundState, make
from llmal.task import Task

LABELS = ["Abbreviation", "Description", "Entity", "Location", "Number", "Person"]
WORDS = ["who", "what", "when", "how", "many", "miles", "is", "the", "moon", "king", "river", "of"]


class Rewrites:
    """Texts that are listed get the copies that stand beside them, others stay as they are."""

    fingerprint = "rewrites"

    def __init__(self, table):
        self.table = table

    def fit(self, texts):
        return self

    def perturb(self, texts, copies, seed):
        return [(self.table.get(text, []) + [text] * copies)[:copies] for text in texts]


class SwapWords:
    """Copy j of a text has words j and j + 1 in each other's place."""

    fingerprint = "swap-words"

    def fit(self, texts):
        return self

    def perturb(self, texts, copies, seed):
        return [[self.swapped(text, j) for j in range(copies)] for text in texts]

    @staticmethod
    def swapped(text, j):
        words = text.split(" ")
        words[j : j + 2] = words[j : j + 2][::-1]
        return " ".join(words)


def _chances(text):
    """The place of "moon" among the words decides."""
    words = text.split(" ")
    place = words.index("moon") if "moon" in words else 9
    raised = np.exp([place, 1.0, -0.2 * place * place])
    return raised / raised.sum()


class Learner:
    """Predicts from texts, and keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, items):
        self.asked += [item.text for item in items]
        return np.array([_chances(item.text) for item in items])


def _state(texts, learner=None, labelled=(), **signals):
    return RoundState.from_arrays(
        texts=texts,
        probabilities=np.array([_chances(text) for text in texts]),
        labelled=labelled,
        labels=[0] * len(labelled),
        predict_items=learner or Learner(),
        **signals,
    )


def _texts(count, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.permutation(WORDS)[:6]) for _ in range(count)]


def _utilities(selector, state, seed=0):
    return selector.utilities(state, np.random.default_rng(seed))


def _kl(p, q):
    return float((p * np.log(p / q)).sum())


def _jsd(p, q):
    middle = (p + q) / 2
    return math.sqrt((_kl(p, middle) + _kl(q, middle)) / 2)


def _alpha(p, q):
    return float(((q * (p / q) ** 0.5).sum() - 1) / (0.5 * -0.5))


def test_by_hand():
    def predict(items):
        return np.array([[0.5, 0.5] if one.text == "a fine film" else [0.2, 0.8] for one in items])

    state = RoundState.from_arrays(
        texts=["a good film", "a bad film"],
        probabilities=[[0.8, 0.2], [0.2, 0.8]],
        labelled=[],
        labels=[],
        predict_items=predict,
    )
    copies = Rewrites({"a good film": ["a fine film", "the good film"]})
    once = 0.8 * math.log(0.8 / 0.5) + 0.2 * math.log(0.2 / 0.5)
    most = 0.8 * math.log(0.8 / 0.2) + 0.2 * math.log(0.2 / 0.8)
    one = _utilities(Allsh(copies=1, perturbation=copies), state)
    assert one.values == pytest.approx([once, 0])
    two = Allsh(copies=2, perturbation=copies)
    assert _utilities(two, state).values == pytest.approx([most, 0])
    pick = two.select(state, 1, np.random.default_rng(0))
    assert pick.indices.tolist() == [0]
    assert pick.why == ["a changed text moves its labels by 0.832 (kl)"]


@pytest.mark.parametrize(("divergence", "plain"), [("kl", _kl), ("jsd", _jsd), ("alpha", _alpha)])
def test_against_plain_loops(divergence, plain):
    texts = _texts(60)
    state = _state(texts, labelled=[5, 9])
    selector = Allsh(copies=3, divergence=divergence, perturbation=SwapWords())
    expected = [
        max(plain(_chances(text), _chances(SwapWords.swapped(text, j))) for j in range(3))
        for text in (texts[place] for place in state.unlabelled)
    ]
    assert _utilities(selector, state).values == pytest.approx(expected, abs=1e-9)
    assert max(expected) > 0.05


def test_only_copies_that_differ_are_predicted_and_each_once():
    texts = ["the moon is far", "the moon is near", "moon", "king"] * 3
    learner = Learner()
    table = {
        "the moon is far": ["the moon is afar", "the moon is far"],
        "the moon is near": ["the moon is afar", "near is the moon"],
    }
    values = _utilities(
        Allsh(copies=2, perturbation=Rewrites(table)), _state(texts, learner)
    ).values
    assert sorted(learner.asked) == ["near is the moon", "the moon is afar"]
    assert values.reshape(3, 4)[:, 1] == pytest.approx(
        [_kl(_chances("the moon is near"), _chances("near is the moon"))] * 3
    )
    assert not values.reshape(3, 4)[:, [0, 2, 3]].any()


def test_an_unchanged_copy_moves_nothing_however_the_learner_rounds():
    def rough(items):
        return np.full((len(items), 3), 1 / 3)

    state = RoundState.from_arrays(
        texts=["moon", "king"],
        probabilities=[[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]],
        labelled=[],
        labels=[],
        predict_items=rough,
    )
    assert not _utilities(Allsh(perturbation=Rewrites({})), state).values.any()


def test_more_items_than_are_held_at_a_time():
    texts = _texts(9000)
    values = _utilities(Allsh(copies=1, perturbation=SwapWords()), _state(texts)).values
    for place in (0, 4095, 4096, 8999):
        changed = SwapWords.swapped(texts[place], 0)
        assert values[place] == pytest.approx(_kl(_chances(texts[place]), _chances(changed)))


def test_words_are_learnt_from_unlabelled_texts_and_a_choice_learns_for_itself():
    texts = [*_texts(40), "zebra zebra moon", "the zebra is the king"]
    unfitted = TfIdfReplacement()
    state = _state(texts, labelled=[40, 41])
    by_name = _utilities(Allsh(), state).values
    fitted = TfIdfReplacement().fit(texts[:40])
    assert (by_name == _utilities(Allsh(perturbation=fitted), state).values).all()
    assert (by_name == _utilities(Allsh(perturbation=unfitted), state).values).all()
    assert "unfitted" in unfitted.fingerprint
    options = {"name": "tf-idf", "rate": 1.0}
    assert (by_name != _utilities(Allsh(perturbation=options), state).values).any()


def test_words_are_learnt_from_a_part_of_a_large_pool(caplog):
    with caplog.at_level(logging.WARNING, logger="llmal.selectors"):
        _utilities(Allsh(corpus=30), _state(_texts(40)))
    assert "learnt from 30 of 40 unlabelled texts" in caplog.text


def test_candidates_alone_are_perturbed(caplog):
    state = _state(_texts(50), learner := Learner())
    selector = Allsh(copies=1, perturbation=SwapWords(), candidates=10)
    with caplog.at_level(logging.WARNING, logger="llmal.selectors"):
        few = _utilities(selector, state)
    assert "10 of 50 unlabelled items were perturbed" in caplog.text
    assert len(learner.asked) <= 10
    every = _utilities(Allsh(copies=1, perturbation=SwapWords()), state).values
    seen = np.array(["not among the 10 items" not in few.why(row) for row in range(50)])
    assert seen.sum() == 10
    assert (few.values == np.where(seen, every, 0)).all()
    assert len(selector.select(state, 40, np.random.default_rng(0))) == 40


@pytest.fixture
def scorer(tiny_hf: TransformersLM) -> PromptScorer:
    template = load_prompt("label").with_values(
        {"noun": "question", "field": "Question", "answer": "Answer Type"}
    )
    return PromptScorer(LabellingPrompts(Task("trec6", LABELS), template, tiny_hf, "completion"))


def test_of_the_language_model_as_of_demonstrations(scorer):
    texts = [*_texts(12), "how many miles is it to the moon", "moon"]
    state = RoundState.from_arrays(texts=texts, labelled=[], labels=[], scorer=scorer)
    selector = Allsh(of="lm", copies=2)
    most = selector.plan(state, 3, None).highest
    assert scorer.spent.requests == 0
    found = _utilities(selector, state, seed=4)
    items = [replace(one, gold="Number") for one in state.items(state.unlabelled)]
    spent = scorer.spent
    fitted = TfIdfReplacement().fit(texts)
    theirs = Sensitive(scorer, fitted, copies=2).scores(items, np.random.default_rng(4))
    # Batches of other prompts round otherwise.
    assert found.values == pytest.approx(theirs, abs=1e-5)
    assert found.values.max() > 0.001
    assert found.usage == spent
    assert 0 < spent.requests <= most.requests
    assert 0 < spent.tokens <= most.tokens < 6 * spent.tokens
    assert selector.requires == {"texts", "scorer"}


def test_the_learner_costs_nothing():
    state = _state(_texts(5))
    assert Allsh().plan(state, 2, None).highest.requests == 0
    assert Allsh().requires == {"texts", "probabilities", "predict_items"}


def test_an_estimate_grows_with_the_pool_and_is_bounded_by_the_candidates(scorer):
    def most(count, **options):
        state = RoundState.from_arrays(texts=["the moon"] * count, labelled=[], labels=[],
                                       scorer=scorer)  # fmt: skip
        return Allsh(of="lm", copies=2, **options).plan(state, 1, None).highest

    assert most(1500).requests == 3 * most(500).requests
    assert most(1500).tokens == 3 * most(500).tokens
    assert most(1500, candidates=200) == most(200)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "people"}, "of is 'people'; give 'learner' or 'lm'"),
        ({"copies": 0}, "copies is 0"),
        ({"divergence": "tv"}, "divergence is 'tv'; give 'kl', 'jsd' or 'alpha'"),
        ({"perturbation": "typos"}, "no perturbation 'typos'; known are back-translation"),
        ({"perturbation": "paraphrase"}, "'paraphrase' cannot be made .*lm"),
        ({"perturbation": {"rate": 0.1}}, "no perturbation None"),
        ({"perturbation": {"name": "tf-idf", "rate": 2}}, "rate is 2"),
        ({"corpus": 0}, "corpus is 0; at least 1"),
        ({"candidates": 0}, "candidates is 0; at least 1"),
    ],
)
def test_options_that_cannot_be_used(options, message):
    with pytest.raises(ConfigError, match=message):
        make("allsh", **options)
