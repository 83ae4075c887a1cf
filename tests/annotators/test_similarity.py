"""Labels by likeness to their descriptions, with a real embedder."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pytest

from llmal.annotators import SimilarityAnnotator
from llmal.core.records import Item
from llmal.embed import SentenceEmbedder
from llmal.errors import ConfigError
from llmal.task import Label, Task


@pytest.fixture(scope="module")
def embedder() -> SentenceEmbedder:
    return SentenceEmbedder(device="cpu")


def _task() -> Task:
    return Task(
        "news",
        [
            Label("Sports", "games, teams, players and matches"),
            Label("Business", "companies, markets and money"),
            Label("Sci/Tech", "computers, software, science and space"),
        ],
    )


CLEAR = {
    "The striker scored twice and the team won the cup final.": "Sports",
    "She won the tennis match in straight sets.": "Sports",
    "Shares fell after the bank reported a loss for the quarter.": "Business",
    "The company bought its rival for two billion dollars.": "Business",
    "Astronomers have found a planet around a distant star.": "Sci/Tech",
    "The new release of the operating system fixes security bugs.": "Sci/Tech",
}


def _items() -> list[Item]:
    return [Item(str(n), text, gold=gold) for n, (text, gold) in enumerate(CLEAR.items())]


def test_clear_texts_get_the_right_label(embedder: SentenceEmbedder):
    given = SimilarityAnnotator(_task(), embedder).annotate(_items())
    assert [one.label for one in given] == list(CLEAR.values())


def test_a_name_alone_will_do(embedder: SentenceEmbedder):
    task = Task("mood", ["happiness", "anger"])
    items = [Item("1", "What a lovely day, I am so glad!"), Item("2", "I am furious with you.")]
    given = SimilarityAnnotator(task, embedder).annotate(items)
    assert [one.label for one in given] == ["happiness", "anger"]


def test_probabilities_are_a_softmax_of_cosines(embedder: SentenceEmbedder):
    task = _task()
    [one, *_] = SimilarityAnnotator(task, embedder, temperature=0.1).annotate(_items()[:1])
    labels = embedder.embed([f"{label.name}: {label.description}" for label in task.labels])
    [text] = embedder.embed([_items()[0].text])
    powers = np.exp(labels @ text / 0.1)
    assert one.probabilities is not None
    assert list(one.probabilities) == list(task.names)
    np.testing.assert_allclose(list(one.probabilities.values()), powers / powers.sum(), rtol=1e-4)
    assert not one.exact


def test_a_higher_temperature_is_less_sure(embedder: SentenceEmbedder):
    [cold] = SimilarityAnnotator(_task(), embedder, temperature=0.02).annotate(_items()[:1])
    [warm] = SimilarityAnnotator(_task(), embedder, temperature=0.5).annotate(_items()[:1])
    assert cold.confidence is not None
    assert warm.confidence is not None
    assert cold.confidence > warm.confidence > 1 / 3


def test_it_says_once_that_there_is_no_language_model(
    embedder: SentenceEmbedder, caplog: pytest.LogCaptureFixture
):
    annotator = SimilarityAnnotator(_task(), embedder, name="likeness")
    with caplog.at_level(logging.WARNING, "llmal"):
        annotator.annotate(_items()[:2])
        annotator.annotate(_items()[2:])
    assert [record.getMessage() for record in caplog.records] == [
        "no language model is used: the labels of annotator 'likeness' come from the similarity "
        "of texts and label descriptions"
    ]
    assert caplog.records[0].name.startswith("llmal.")


def test_provenance_says_which_model(embedder: SentenceEmbedder):
    [one] = SimilarityAnnotator(_task(), embedder).annotate(_items()[:1])
    assert one.kind == "similarity"
    assert one.provenance == {"model": embedder.fingerprint, "temperature": 0.05}


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_a_temperature_must_be_above_zero(embedder: SentenceEmbedder, temperature: float):
    with pytest.raises(ConfigError) as caught:
        SimilarityAnnotator(_task(), embedder, temperature=temperature)
    assert str(caught.value) == f"temperature is {temperature}; it must be above 0"


class _Vectors:
    """An embedder whose vectors are drawn by the text, for a product of many roundings."""

    dimensions = 384
    fingerprint = "drawn"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        rows = [np.random.default_rng(list(text.encode())).normal(size=384) for text in texts]
        return np.array(rows, dtype=np.float32)


def test_an_answer_does_not_depend_on_the_company():
    annotator = SimilarityAnnotator(Task("t", list("abcdefg"), text="text"), _Vectors())
    items = [Item(str(i), f"text {i}") for i in range(200)]

    together = [one.probabilities for one in annotator.annotate(items)]
    apart = [
        one.probabilities
        for start in range(0, 200, 7)
        for one in annotator.annotate(items[start : start + 7])
    ]

    assert together == apart
