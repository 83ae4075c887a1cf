"""Contrastive tuning of a sentence embedder, and a linear head on its vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from numpy.typing import NDArray

from llmal.core.registry import Registry
from llmal.errors import ConfigError
from llmal.learners.linear import LinearHead
from llmal.learners.networks.protocol import Network
from llmal.learners.networks.sentence_classifier import (
    SentenceClassifier,
    load_sentence_classifier,
)
from llmal.learners.soft_labels import SoftLabels
from llmal.learners.text_learner import TextLearner
from llmal.learners.training.reading import states
from llmal.learners.training.settings import Settings
from llmal.learners.training_set import Targets
from llmal.loading import MINILM


class Contrastive(TextLearner):
    """Few-shot learning without prompts, after SetFit (Tunstall et al., 2022).

    First the embedder learns that texts of one class are near each other and others are not; then
    `LinearHead` is fitted on its vectors. Pairs are those within a batch (`pair_losses`), so the
    work grows with the number of texts and not with its square, and a text is read once for all of
    its pairs. Classes should be fewer than the texts of a batch.

    Soft labels count in both steps: two texts agree as far as they are likely to be of one class.
    So do weights: a pair weighs the mean of its texts' weights.

    Args:
        model: Directory, known name or hub name of a sentence embedder; any encoder or decoder
            will do, by the mean of its states.
        epochs: Most passes over the items.
        learning_rate: Peak rate.
        batch_size: Items in one step, of which all pairs are trained; at least 2.
        max_length: Most tokens kept of a text.
        weight_decay: Of AdamW.
        C: Inverse strength of the head's penalty, or "auto", which takes held-out vectors of an
            embedder that has seen their labels.
        validation: Share of the items that is held out to stop early, by the loss of their pairs,
            where there are 100 or more.
        patience: Passes without a lower held-out loss after which training ends.
        random_state: For the order of items, and dropout.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        progress: Show a bar on a terminal.

    Attributes:
        classes_: Classes seen in `fit`, sorted.
        history_: How training went.
    """

    registered_as = "contrastive"
    parts: ClassVar[Mapping[str, Registry]] = {}
    terms = ()

    def __init__(
        self,
        model: str | Path = MINILM,
        *,
        epochs: int = 20,
        learning_rate: float = 5e-5,
        batch_size: int = 16,
        max_length: int = 128,
        weight_decay: float = 0.01,
        C: float | Literal["auto"] = 1.0,
        validation: float = 0.1,
        patience: int = 3,
        random_state: int = 0,
        device: str = "auto",
        progress: bool = False,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.weight_decay = weight_decay
        self.C = C
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.device = device
        self.progress = progress

    def _settings(self) -> Settings:
        settings = super()._settings()
        if self.batch_size < 2:
            raise ConfigError(
                f"batch_size is {self.batch_size}", fix="it must be at least 2, as a pair takes two"
            )
        return settings

    def _network(self, classes: NDArray[Any], device: torch.device) -> SentenceClassifier:
        return SentenceClassifier(
            str(self.model), len(classes), max_length=self.max_length, device=device
        )

    def _finish(self, network: Network, items: list[str], made: Targets) -> None:
        """Fit the head on the vectors of the tuned embedder."""
        assert isinstance(network, SentenceClassifier)
        labels = made.classes[made.codes]
        head = LinearHead(self.C, random_state=self.random_state).fit(
            states(network, items, self.batch_size),
            labels if made.shares is None else SoftLabels(made.shares, made.classes),
            made.weights,
        )
        network.set_head(head.coef_, head.intercept_)

    def _base_hash(self) -> str:
        """Empty: the tuned embedder is saved whole."""
        return ""

    def _saved_network(
        self, directory: Path, classes: NDArray[Any], device: torch.device
    ) -> Network:
        return load_sentence_classifier(
            directory, len(classes), max_length=self.max_length, device=device
        )
