"""A perceptron on frozen MiniLM vectors, trained by llmal's own loop with all of its terms.

A network like those of llmal, but thousands of times cheaper than an encoder of which every weight
is trained, so that terms can be measured over many settings and seeds on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from llmal.embed import SentenceEmbedder
from llmal.learners.networks.protocol import Group, Output, Reading, cross_entropies
from llmal.learners.text_learner import TextLearner
from llmal.learners.training.terms import Term

HIDDEN = 256


class KeptVectors:
    """Vectors of texts, each made once in a process.

    Args:
        model: As for `SentenceEmbedder`.
    """

    def __init__(self, model: str = "all-MiniLM-L6-v2") -> None:
        self._embedder = SentenceEmbedder(model)
        self._known: dict[str, NDArray[np.float32]] = {}

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            made = np.asarray(self._embedder.embed(new), dtype=np.float32)
            self._known.update(zip(new, made, strict=True))
        return np.stack([self._known[text] for text in texts])


class Perceptron(TextLearner):
    """One hidden layer of 256 on a text's vector. Texts are embedded once, and kept."""

    registered_as = "perceptron"

    def __init__(
        self,
        embedder: KeptVectors,
        *,
        epochs: int = 50,
        learning_rate: float = 1e-3,
        batch_size: int = 64,
        validation: float = 0.0,
        patience: int = 3,
        random_state: int = 0,
        device: str = "cpu",
        terms: Sequence[Term] = (),
        progress: bool = False,
    ) -> None:
        self.embedder = embedder
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.device = device
        self.terms = terms
        self.progress = progress

    def _network(self, classes: NDArray[Any], device: torch.device) -> VectorNetwork:
        return VectorNetwork(self.embedder, len(classes), device)


class VectorNetwork:
    """The perceptron as a network of llmal."""

    def __init__(self, embedder: KeptVectors, labels: int, device: torch.device) -> None:
        self.device = device
        self._embedder = embedder
        self._hidden = nn.Sequential(nn.Linear(embedder.dimensions, HIDDEN), nn.GELU())
        self._head = nn.Linear(HIDDEN, labels)
        self._module = nn.ModuleList([self._hidden, self._head]).to(device)

    @property
    def module(self) -> nn.Module:
        return self._module

    def read(self, texts: Sequence[str]) -> list[Reading]:
        vectors = torch.from_numpy(self._embedder.embed(list(texts)))
        return [Reading((0,), row) for row in vectors]

    def forward(self, readings: Sequence[Reading], dropout: float = 0.0) -> Output:
        vectors = torch.stack([one.features for one in readings]).to(self.device)
        states = self._hidden(nn.functional.dropout(vectors, dropout))
        return Output(self._head(states), states)

    def losses(self, output: Output, targets: Tensor) -> Tensor:
        return cross_entropies(output.scores, targets)

    def scores_of(self, states: Tensor) -> Tensor:
        scores: Tensor = self._head(states)
        return scores

    def embedding(self) -> nn.Module:
        return self._hidden

    def groups(self, learning_rate: float) -> list[Group]:
        return [{"params": list(self._module.parameters()), "lr": learning_rate}]

    def save(self, directory: Path) -> None:
        raise NotImplementedError("it is measured, and not kept")

    def load(self, directory: Path) -> None:
        raise NotImplementedError("it is measured, and not kept")
