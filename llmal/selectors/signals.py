"""What a round can tell selectors about its items: the signals, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Signal = Literal[
    "labels",
    "embeddings",
    "features",
    "probabilities",
    "uncertainty",
    "labelled_probabilities",
    "committee",
    "lm_scores",
    "likelihoods",
    "costs",
    "texts",
    "predict",
    "predict_items",
    "scorer",
]


@dataclass(frozen=True)
class Kind:
    """What is known of a signal before it is computed.

    Attributes:
        meaning: For people, in a list of what a selector needs.
        remedy: What to do where a round lacks it.
        learnt: Whether there is none before labels have been seen.
        asks: Whether computing it asks a language model about items.
        by_label: Whether what it looks like depends on what an answer is; a selector that reads
            such a signal works with one label an item, unless it says more (`spaces`).
    """

    meaning: str
    remedy: str
    learnt: bool = False
    asks: bool = False
    by_label: bool = False


KINDS: Mapping[Signal, Kind] = {
    "labels": Kind(
        "labelled items",
        "label some items first, such as those that typiclust picks",
        learnt=True,
        by_label=True,
    ),
    "embeddings": Kind("embeddings", "give the run an embedder, or the round embeddings="),
    "features": Kind(
        "the learner's features (embeddings, where it has none of its own)",
        "give the run an embedder, or the round embeddings= or features=",
    ),
    "probabilities": Kind(
        "the learner's probabilities",
        "give the run a learner or a language model, or the round probabilities=",
        learnt=True,
        by_label=True,
    ),
    "uncertainty": Kind(
        "how unsure the learner is of its answers",
        "give the run a learner or a language model, or the round probabilities=",
        learnt=True,
    ),
    "labelled_probabilities": Kind(
        "the learner's probabilities for labelled items",
        "give the run a learner, or the round labelled_probabilities=",
        learnt=True,
        by_label=True,
    ),
    "committee": Kind(
        "probabilities from a committee (dropout or refitted learners)",
        "use a learner that has a committee, such as linear, or give the round committee=",
        learnt=True,
        by_label=True,
    ),
    "lm_scores": Kind(
        "the language model's scores of labels",
        "give the run a language model, or the round lm_scores=",
        asks=True,
        by_label=True,
    ),
    "likelihoods": Kind(
        "the language model's likelihood of texts",
        "give the run a language model, or the round likelihoods=",
        asks=True,
    ),
    "costs": Kind("what a label of each item costs", "give the round costs="),
    "texts": Kind("texts", "make the round from a pool, or give it texts="),
    "predict": Kind(
        "a learner that predicts from features",
        "use a learner over embeddings, such as linear, or give the round predict=",
        learnt=True,
        by_label=True,
    ),
    "predict_items": Kind(
        "a learner that predicts from texts",
        "give the run a learner, or the round predict_items=",
        learnt=True,
        by_label=True,
    ),
    "scorer": Kind(
        "a language model",
        "give the run a language model, or the round scorer= (llmal.prompting.PromptScorer)",
        asks=True,
        by_label=True,
    ),
}
"""Every signal, by name."""
