"""A learnt mix of a frozen model's layers, and a linear head on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from llmal.embed.hidden_states import HiddenStateEmbedder
from llmal.errors import UnsupportedError
from llmal.learners.exporting.form import Form
from llmal.learners.networks.protocol import (
    Group,
    Output,
    Reading,
    cross_entropies,
    trainable,
)
from llmal.learners.storage import read_tensors, write_tensors

WEIGHTS = "mix.safetensors"


class LayerMix:
    """Weighs the pooled states of all layers, and reads scores from their sum, as a network.

    The weights are the softmax of one number a layer (Peters et al., 2018), at first all equal. The
    model itself is never trained, and what it makes of a text is computed once.

    Args:
        embedder: Gives the states of all layers.
        labels: Number of classes.
        device: Where mix and head are trained.
    """

    def __init__(self, embedder: HiddenStateEmbedder, labels: int, *, device: torch.device) -> None:
        self.device = device
        self._embedder = embedder
        self._layers = embedder.layers
        width = embedder.dimensions // self._layers
        self._mix = torch.nn.Parameter(torch.zeros(self._layers))
        self._head = torch.nn.Linear(width, labels)
        self._module = torch.nn.ParameterDict({"mix": self._mix})
        self._module.add_module("head", self._head)
        self._module.to(device).eval()

    @property
    def module(self) -> torch.nn.Module:
        """Mix and head."""
        return self._module

    @property
    def layer_weights(self) -> Tensor:
        """What each layer counts for, shape (L,); they sum to one."""
        return torch.softmax(self._mix.detach(), dim=0)

    def groups(self, learning_rate: float) -> list[Group]:
        """Mix and head, at one rate."""
        return [{"params": trainable(self._module), "lr": learning_rate}]

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """The pooled states of each text, shape (L, d), every layer of length one."""
        # The embedder gives all layers as one vector of length one.
        vectors = torch.from_numpy(self._embedder.embed(texts)) * self._layers**0.5
        states = vectors.reshape(len(texts), self._layers, -1)
        return [Reading((), one) for one in states]

    def forward(self, readings: Sequence[Reading], dropout: float = 0.0) -> Output:
        """Scores, and the mixed states that they are read from.

        Args:
            readings: n texts.
            dropout: Share of the entries of the layers' states that is dropped.
        """
        states = torch.stack([one.features for one in readings])  # type: ignore[misc]
        states = states.to(self.device)
        if dropout:
            states = torch.nn.functional.dropout(states, dropout)
        mixed = torch.einsum("l,nld->nd", torch.softmax(self._mix, dim=0), states)
        return Output(self.scores_of(mixed), mixed)

    def losses(self, output: Output, targets: Tensor) -> Tensor:
        """Cross-entropy of each text, shape (n,)."""
        return cross_entropies(output.scores, targets)

    def scores_of(self, states: Tensor) -> Tensor:
        """What the head says of mixed states, shape (n, C)."""
        scores: Tensor = self._head(states).float()
        return scores

    def embedding(self) -> torch.nn.Module:
        """None: no token is read in training.

        Raises:
            UnsupportedError: Always.
        """
        raise UnsupportedError(
            "the model below a mix of layers is frozen, and no token of it is changed",
            fix='mix "states"',
        )

    def save(self, directory: Path) -> None:
        """Write mix and head."""
        write_tensors(
            directory / WEIGHTS,
            {
                "mix": self._mix.detach().cpu().numpy(),
                "weight": self._head.weight.detach().cpu().numpy(),
                "bias": self._head.bias.detach().cpu().numpy(),
            },
        )

    def export(self, directory: Path, names: Sequence[str], *, merge: bool) -> Form:
        """Refused.

        Raises:
            UnsupportedError: Always.
        """
        raise UnsupportedError(
            "no other library computes a mix of a model's layers",
            fix="use the saved learner: llmal.load_learner",
        )

    def load(self, directory: Path) -> None:
        """Take over what `save` wrote.

        Raises:
            DataError: It is missing or damaged.
        """
        tensors = read_tensors(directory / WEIGHTS, ("mix", "weight", "bias"))
        with torch.no_grad():
            for name, own in (
                ("mix", self._mix),
                ("weight", self._head.weight),
                ("bias", self._head.bias),
            ):
                own.copy_(torch.as_tensor(tensors[name]))
