"""The contract of every network: from texts to scores of classes, trainable step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict

import torch
from torch import Tensor

from llmal.errors import UnsupportedError
from llmal.learners.exporting.form import Form

Loss = Literal["vocabulary", "classes"]


@dataclass(frozen=True)
class Reading:
    """A text as a network reads it.

    Attributes:
        ids: Its token ids, cut to what the network takes; none where it reads features alone.
        features: What a frozen part made of it, shape (d,), or (L, d) of L layers; None if there
            is none.
    """

    ids: tuple[int, ...]
    features: Tensor | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Output:
    """What a network says of n texts.

    Attributes:
        scores: Shape (n, C), float32; their softmax over the classes gives the probabilities.
        states: Shape (n, d): the hidden states that the scores are read from.
    """

    scores: Tensor
    states: Tensor


class Group(TypedDict):
    """Parameters that are trained at one rate."""

    params: list[torch.nn.Parameter]
    lr: float


class Network(Protocol):
    """What training and prediction ask of a network."""

    device: torch.device

    @property
    def module(self) -> torch.nn.Module:
        """All of it, to be switched between training and use."""
        ...

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Texts as they are read; what a frozen part makes of them is computed here, once."""
        ...

    def forward(self, readings: Sequence[Reading], dropout: float = 0.0) -> Output:
        """Scores and states of a batch.

        Args:
            readings: n texts.
            dropout: Share of the entries of the input embeddings that is dropped.
        """
        ...

    def losses(self, output: Output, targets: Tensor) -> Tensor:
        """The loss of each text, shape (n,), against shares of classes, shape (n, C)."""
        ...

    def scores_of(self, states: Tensor) -> Tensor:
        """The scores that are read from states, shape (n, C).

        Raises:
            UnsupportedError: They are read from more than these states.
        """
        ...

    def embedding(self) -> torch.nn.Module:
        """What gives the vectors of tokens."""
        ...

    def groups(self, learning_rate: float) -> list[Group]:
        """The parameters that training changes, and their peak rates."""
        ...

    def save(self, directory: Path) -> None:
        """Write what training changed."""
        ...

    def export(self, directory: Path, names: Sequence[str], *, merge: bool) -> Form:
        """Write what other libraries load.

        Args:
            directory: An empty folder.
            names: The labels, in the order of the classes.
            merge: Whether an adapter goes with its model, as one; else the adapter alone.

        Raises:
            UnsupportedError: No other library computes the same.
        """
        ...

    def load(self, directory: Path) -> None:
        """Take over what `save` wrote.

        Raises:
            DataError: It is missing, damaged, or of another model.
        """
        ...


def no_scores_of_states() -> UnsupportedError:
    """That scores cannot be read from states alone."""
    return UnsupportedError(
        "the scores of this network are read from more than one state of a text",
        fix='mix "embeddings"',
    )


def cross_entropies(scores: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of scores, shape (n, C), to shares of classes, shape (n, C), for each text."""
    return -(targets * torch.log_softmax(scores.float(), dim=1)).sum(dim=1)


def word_losses(loss: Loss, scores: Tensor, targets: Tensor) -> Tensor:
    """The loss of each text, shape (n,), where a language model says the words of the classes.

    Args:
        loss: Cross-entropy over the whole vocabulary, or among the classes.
        scores: Log-probabilities of the classes' words, shape (n, C).
        targets: Shares of the classes, shape (n, C).
    """
    if loss == "vocabulary":
        return -(targets * scores).sum(dim=1)
    return cross_entropies(scores, targets)


def trainable(module: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The parameters of a module that training changes."""
    return [one for one in module.parameters() if one.requires_grad]


Tokenizer = Any
"""A `PreTrainedTokenizerBase` of transformers."""
