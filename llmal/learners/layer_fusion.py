"""Frozen states of all layers of a model, and a learnt mix of them under a linear head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from llmal.embed.hidden_states import HiddenStateEmbedder, Pooling
from llmal.learners.networks.layer_mix import LayerMix
from llmal.learners.storage import require_fitted
from llmal.learners.text_learner import TextLearner
from llmal.learners.training.terms import Term


class LayerFusion(TextLearner):
    """Which layers of a pretrained model tell the classes apart is learnt, the model is not.

    Each text is read once by the model, and the pooled states of all layers are kept in the cache
    of embeddings, so that another fit, as in every round of a run, reads new texts alone. Trained
    are one weight a layer (a scalar mix, Peters et al., 2018) and a linear head.

    Args:
        model: Directory, known name or hub name of an encoder or a decoder-only model.
        pooling: "mean" of a text's tokens, or the "last" one, as for decoders.
        epochs: Most passes over the items.
        learning_rate: Peak rate, of mix and head.
        batch_size: Items in one step, and texts that the model reads at once.
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

    registered_as = "layer_fusion"

    def __init__(
        self,
        model: str | Path,
        *,
        pooling: Pooling = "mean",
        epochs: int = 50,
        learning_rate: float = 1e-2,
        batch_size: int = 16,
        max_length: int = 128,
        weight_decay: float = 0.01,
        validation: float = 0.1,
        patience: int = 5,
        random_state: int = 0,
        device: str = "auto",
        terms: Sequence[Term] = (),
        progress: bool = False,
    ) -> None:
        self.model = model
        self.pooling = pooling
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

    @property
    def layer_weights_(self) -> NDArray[np.float64]:
        """What each layer counts for, shape (L,), the input embeddings first; they sum to one.

        Raises:
            DataError: Not fitted.
        """
        require_fitted(self)
        assert isinstance(self.network_, LayerMix)
        return self.network_.layer_weights.double().cpu().numpy()

    def _network(self, classes: NDArray[Any], device: torch.device) -> LayerMix:
        embedder = HiddenStateEmbedder(
            self.model,
            layer="all",
            pooling=self.pooling,
            max_length=self.max_length,
            device=str(device),
            batch_size=self.batch_size,
        )
        return LayerMix(embedder, len(classes), device=device)
