"""Fine-tuning of a sequence classifier, whole or by low-rank updates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from llmal.learners.networks.adaptations import LowRank, WholeModel
from llmal.learners.networks.sequence_classifier import SequenceClassifier
from llmal.learners.text_learner import TextLearner
from llmal.learners.training.terms import Term


class FineTuned(TextLearner):
    """A Hugging Face sequence classifier of which every weight is trained.

    AdamW, a linear warm-up and a linear decay; gradients are clipped to norm one. On a GPU the
    passes run in bfloat16, the weights are float32.

    Args:
        model: Directory, known name or hub name of an encoder or a decoder-only model.
        epochs: Most passes over the items.
        learning_rate: Peak rate.
        batch_size: Items in one step.
        max_length: Most tokens kept of a text.
        weight_decay: Of AdamW.
        validation: Share of the items that is held out to stop early, where there are 100 or more.
        patience: Passes without a lower held-out loss after which training ends.
        random_state: For the start of the head, the order of items, and dropout.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        terms: What is added to the training against noisy labels (`llmal.learners.noisy`).
        progress: Show a bar on a terminal.

    Attributes:
        classes_: Classes seen in `fit`, sorted.
        history_: How training went.
    """

    registered_as = "fine_tuned"

    def __init__(
        self,
        model: str | Path,
        *,
        epochs: int = 10,
        learning_rate: float = 5e-5,
        batch_size: int = 16,
        max_length: int = 128,
        weight_decay: float = 0.01,
        validation: float = 0.1,
        patience: int = 3,
        random_state: int = 0,
        device: str = "auto",
        terms: Sequence[Term] = (),
        progress: bool = False,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.weight_decay = weight_decay
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.device = device
        self.terms = terms
        self.progress = progress

    def _network(self, classes: NDArray[Any], device: torch.device) -> SequenceClassifier:
        return SequenceClassifier(
            str(self.model),
            len(classes),
            adaptation=WholeModel(),
            max_length=self.max_length,
            device=device,
        )


class LoRA(TextLearner):
    """Low-rank updates of a frozen sequence classifier (Hu et al., 2022), by PEFT.

    Args:
        model: Directory, known name or hub name of an encoder or a decoder-only model.
        rank: Of each update.
        alpha: Updates are scaled by alpha / rank.
        dropout: Before each update.
        modules: Names of the layers that get one; "all-linear" for every linear layer.
        epochs: Most passes over the items.
        learning_rate: Peak rate, of updates and head.
        batch_size: Items in one step.
        max_length: Most tokens kept of a text.
        validation: Share of the items that is held out to stop early, where there are 100 or more.
        patience: Passes without a lower held-out loss after which training ends.
        random_state: For the start of updates and head, the order of items, and dropout.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        terms: What is added to the training against noisy labels (`llmal.learners.noisy`).
        progress: Show a bar on a terminal.

    Attributes:
        classes_: Classes seen in `fit`, sorted.
        history_: How training went.
    """

    registered_as = "lora"

    def __init__(
        self,
        model: str | Path,
        *,
        rank: int = 8,
        alpha: float = 16,
        dropout: float = 0.0,
        modules: str | Sequence[str] = "all-linear",
        epochs: int = 10,
        learning_rate: float = 5e-4,
        batch_size: int = 16,
        max_length: int = 128,
        validation: float = 0.1,
        patience: int = 3,
        random_state: int = 0,
        device: str = "auto",
        terms: Sequence[Term] = (),
        progress: bool = False,
    ) -> None:
        self.model = model
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.modules = modules
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.device = device
        self.terms = terms
        self.progress = progress

    def _network(self, classes: NDArray[Any], device: torch.device) -> SequenceClassifier:
        return SequenceClassifier(
            str(self.model),
            len(classes),
            adaptation=LowRank(self.rank, self.alpha, self.dropout, self.modules),
            max_length=self.max_length,
            device=device,
        )
