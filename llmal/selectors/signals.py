"""The table of signals: what a round can tell selectors about its items.

All that is said of a signal is said here, once. The arguments of `RoundState.from_arrays` and
`from_pool` are called like the signals, and so is what a run supplies.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from llmal.errors import ConfigError
from llmal.selectors.checks import (
    Extent,
    check_committee,
    check_embeddings,
    check_lm_scores,
    check_numbers,
    check_probabilities,
    check_rows,
    check_texts,
)
from llmal.task.spaces import Space

Signal = str
"""The name of a signal, a key of `SIGNALS`."""

Rows = Literal["pool", "unlabelled", "labelled", "none"]
"""What a signal has a row for: each item, each unlabelled item, each labelled item; or it is no
array of rows."""


class HasSignals(Protocol):
    """What a signal is made from: a `RoundState`."""

    @property
    def space(self) -> Space:
        """What an answer of the task is."""
        ...

    def signal(self, name: Signal) -> Any:
        """Another signal."""
        ...


@dataclass(frozen=True)
class SignalKind:
    """What is known of a signal before it is computed.

    Attributes:
        meaning: For people, in a list of what a selector needs.
        remedy: What to do where a round lacks it.
        supplier: Who supplies it in a run, for people.
        shape: Of its array, in words; empty if it is none. N items in the pool, U unlabelled, L
            labelled, C labels, d dimensions, T members.
        rows: What it has rows for. Those of unlabelled items may be computed for some alone.
        axis: Which axis of the array has the rows.
        columns: Whether its last axis has a column for each label.
        check: Takes the name, the values and the extent of the round; gives the values as selectors
            read them, or says in one sentence what is wrong with them.
        called: Whether it is a function that selectors call.
        needs: Signals that it can be made from, where nobody supplies it.
        make: Makes it from a round that has these.
        learnt: Whether there is none before labels have been seen.
        asks: Whether computing it asks a language model about items.
        by_label: Whether what it looks like depends on what an answer is; a selector that reads
            such a signal works with one label an item, unless it says more (`spaces`).
    """

    meaning: str
    remedy: str
    supplier: str
    shape: str = ""
    rows: Rows = "none"
    axis: int = 0
    columns: bool = False
    check: Callable[[str, Any, Extent], Any] | None = None
    called: bool = False
    needs: frozenset[Signal] = frozenset()
    make: Callable[[HasSignals], Any] | None = None
    learnt: bool = False
    asks: bool = False
    by_label: bool = False


SIGNALS: dict[Signal, SignalKind] = {
    "labels": SignalKind(
        "labelled items",
        "label some items first, such as those that typiclust picks",
        supplier="the round",
        shape="(L,); (L, C) where an item takes several labels",
        rows="labelled",
        learnt=True,
        by_label=True,
    ),
    "embeddings": SignalKind(
        "embeddings",
        "give the run an embedder, or the round embeddings=",
        supplier="the embedder",
        shape="(N, d)",
        rows="pool",
        check=check_embeddings,
    ),
    "features": SignalKind(
        "the learner's features (embeddings, where it has none of its own)",
        "give the run an embedder, or the round embeddings= or features=",
        supplier="the learner",
        shape="(N, d)",
        rows="pool",
        check=check_embeddings,
        needs=frozenset({"embeddings"}),
        make=lambda state: state.signal("embeddings"),
    ),
    "probabilities": SignalKind(
        "the learner's probabilities",
        "give the run a learner or a language model, or the round probabilities=",
        supplier="the learner; in a review the annotator that was not sure",
        shape="(U, C)",
        rows="unlabelled",
        columns=True,
        check=check_probabilities,
        learnt=True,
        by_label=True,
    ),
    "uncertainty": SignalKind(
        "how unsure the learner is of its answers",
        "give the run a learner or a language model, or the round probabilities=",
        supplier="the task's space, from the probabilities",
        shape="(U,)",
        rows="unlabelled",
        check=check_numbers,
        needs=frozenset({"probabilities"}),
        make=lambda state: state.space.uncertainty(state.signal("probabilities")),
        learnt=True,
    ),
    "labelled_probabilities": SignalKind(
        "the learner's probabilities for labelled items",
        "give the run a learner, or the round labelled_probabilities=",
        supplier="the learner",
        shape="(L, C)",
        rows="labelled",
        columns=True,
        check=lambda name, values, extent: check_rows(name, values, extent.labelled, extent.whole),
        learnt=True,
        by_label=True,
    ),
    "committee": SignalKind(
        "probabilities from a committee (dropout or refitted learners)",
        "use a learner that has a committee, such as linear, or give the round committee=",
        supplier="the learner, if it has a committee",
        shape="(T, U, C)",
        rows="unlabelled",
        axis=1,
        columns=True,
        check=check_committee,
        learnt=True,
        by_label=True,
    ),
    "lm_scores": SignalKind(
        "the language model's scores of labels",
        "give the run a language model, or the round lm_scores=",
        supplier="the language model",
        shape="(U, C)",
        rows="unlabelled",
        columns=True,
        check=check_lm_scores,
        asks=True,
        by_label=True,
    ),
    "likelihoods": SignalKind(
        "the language model's likelihood of texts",
        "give the run a language model, or the round likelihoods=",
        supplier="the language model",
        shape="(U,)",
        rows="unlabelled",
        check=check_numbers,
        asks=True,
    ),
    "costs": SignalKind(
        "what a label of each item costs",
        "give the round costs=",
        supplier="the price of a person's label, if it has one",
        shape="(U,)",
        rows="unlabelled",
        check=lambda name, values, extent: check_numbers(name, values, extent, positive=True),
    ),
    "texts": SignalKind(
        "texts",
        "make the round from a pool, or give it texts=",
        supplier="the pool",
        rows="pool",
        check=check_texts,
    ),
    "predict": SignalKind(
        "a learner that predicts from features",
        "use a learner over embeddings, such as linear, or give the round predict=",
        supplier="the learner, if it reads embeddings",
        called=True,
        learnt=True,
        by_label=True,
    ),
    "predict_items": SignalKind(
        "a learner that predicts from texts",
        "give the run a learner, or the round predict_items=",
        supplier="the learner",
        called=True,
        learnt=True,
        by_label=True,
    ),
    "scorer": SignalKind(
        "a language model",
        "give the run a language model, or the round scorer= (llmal.prompting.PromptScorer)",
        supplier="the language model",
        asks=True,
        by_label=True,
    ),
}
"""Every signal, by name."""


def add_signal(name: Signal, kind: SignalKind) -> None:
    """Add a signal of one's own, for selectors of one's own: read by `state.signal(name)`.

    A run has it if it can be made from signals that the run has (`needs`, `make`); a round of
    arrays also takes it from its caller.

    Raises:
        ConfigError: Another signal has that name, or it needs a signal that there is not.
    """
    if SIGNALS.get(name, kind) != kind:
        raise ConfigError(f"there is a signal {name!r} already", fix="give yours another name")
    for needed in kind.needs:
        kind_of(needed)
    SIGNALS[name] = kind


def kind_of(name: Signal) -> SignalKind:
    """What is known of a signal.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in SIGNALS:
        near = difflib.get_close_matches(name, SIGNALS, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"there is no signal {name!r}", fix=f"the signals are {', '.join(SIGNALS)}{hint}"
        )
    return SIGNALS[name]


def with_made(names: Iterable[Signal]) -> frozenset[Signal]:
    """Signals, and those that can be made from them."""
    found = set(names)
    while more := {
        name
        for name, kind in SIGNALS.items()
        if name not in found and kind.make is not None and kind.needs <= found
    }:
        found |= more
    return frozenset(found)
