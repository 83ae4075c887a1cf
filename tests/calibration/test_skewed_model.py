"""A real model with a known bias in its output layer, brought back by prior corrections."""

from __future__ import annotations

import numpy as np
import pytest
from prior_corrections import SETTINGS, Prompts, all_scores, probabilities, skewed

from llmal.calibration import Batch, Contextual, DomainContext, PriorMatching
from llmal.lm import TransformersLM

SETTING = SETTINGS["trec6"]
FACTORS = {"Location": 10.0, "Person": 0.2}
TEXTS = [
    "Who wrote the book about the white whale ?",
    "How many legs does a spider have ?",
    "Where is the tallest building in the world ?",
    "What does a barometer measure ?",
    "When did the first man walk on the moon ?",
    "What is the capital of Peru ?",
    "Which animal sleeps standing up ?",
    "What does NATO stand for ?",
    "Who was the first woman in space ?",
    "Why is the sky blue ?",
    "How far is it from the earth to the sun ?",
    "What country has the longest coast ?",
]


@pytest.fixture(scope="module")
def measured(tiny_lm_path):
    """Scores before and after the skew, of a model that no other test uses."""
    lm = TransformersLM(tiny_lm_path, device="cpu")
    prompts = Prompts("", SETTING)
    words = DomainContext().inputs(TEXTS, np.random.default_rng(0))
    asked = {
        "content-free": prompts.around(Contextual().inputs),
        "random-words": prompts.around(words),
        "pool": prompts.around(TEXTS),
    }
    before = all_scores(lm, asked, SETTING.labels)
    with skewed(lm, {f" {label}": factor for label, factor in FACTORS.items()}):
        after = all_scores(lm, asked, SETTING.labels)
    restored = all_scores(lm, asked, SETTING.labels)
    assert all(np.array_equal(before[kind], restored[kind]) for kind in asked)
    return before, after


def _kl(target, result):
    return float((target * np.log(target / result)).sum(axis=1).mean())


def _factors():
    return np.array([FACTORS.get(label, 1.0) for label in SETTING.labels])


def test_the_bias_multiplies_the_probability_of_the_label(measured):
    before, after = measured
    expected = probabilities(before["pool"]) * _factors()
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(after["pool"]), expected, atol=1e-5)
    assert _kl(probabilities(before["pool"]), probabilities(after["pool"])) > 0.05


def test_prior_matching_takes_the_skew_out_entirely(measured):
    before, after = measured
    plain, skew = (PriorMatching().fit(one["pool"]) for one in measured)
    np.testing.assert_allclose(
        skew.transform(after["pool"]), plain.transform(before["pool"]), atol=1e-5
    )
    found = skew.prior / plain.prior
    np.testing.assert_allclose(found / found[0], _factors() / _factors()[0], rtol=1e-3)


@pytest.mark.parametrize(
    ("kind", "left"), [(Contextual, 0.02), (DomainContext, 0.25), (Batch, 0.75)]
)
def test_each_correction_brings_the_model_back_towards_its_unskewed_self(measured, kind, left):
    before, after = measured
    raw = _kl(probabilities(before["pool"]), probabilities(after["pool"]))
    plain, skew = (kind().fit(one[kind.fits_on]) for one in measured)
    apart = _kl(plain.transform(before["pool"]), skew.transform(after["pool"]))
    assert apart < left * raw
    # The prior shows the skew: the favoured label has more of it, the other less.
    change = skew.prior / plain.prior
    place = SETTING.labels.index
    assert change[place("Location")] > 1 > change[place("Person")]


def test_one_content_free_input_is_corrected_exactly(measured):
    before, after = measured
    plain, skew = (Contextual().fit(one["content-free"][:1]) for one in measured)
    np.testing.assert_allclose(
        skew.transform(after["pool"]), plain.transform(before["pool"]), atol=1e-5
    )
