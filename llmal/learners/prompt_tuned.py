"""Soft prompts over a frozen sequence classifier."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray

from llmal.learners.networks.adaptations import PromptMethod, SoftPrompt
from llmal.learners.networks.sequence_classifier import SequenceClassifier
from llmal.learners.text_learner import TextLearner
from llmal.learners.training.settings import Settings
from llmal.learners.training.terms import Term
from llmal.learners.words import initial_words


class PromptTuned(TextLearner):
    """A soft prompt in front of a frozen Hugging Face sequence classifier, by PEFT.

    The vectors are trained, and with them the classification head. AdamW, a linear warm-up over a
    tenth of the steps and a linear decay; gradients are clipped to norm one. Weights are float32.

    Args:
        model: Directory, known name or hub name of an encoder or a decoder-only model. A head that
            its checkpoint holds is kept where it has as many classes, and starts at random
            otherwise.
        virtual_tokens: Length of the soft prompt.
        method: "prompt" (Lester et al., 2021), "p_tuning" (Liu et al., 2021), or "prefix" (Li and
            Liang, 2021), the last for decoders only.
        instruction: The vectors of "prompt" start as the words of this and of the classes, where
            the classes are names; "" starts them as random tokens.
        epochs: Most passes over the items.
        learning_rate: Peak rate, of prompt and head.
        batch_size: Items in one step.
        max_length: Most tokens kept of a text.
        validation: Share of the items that is held out to stop early, where there are 100 or more.
        patience: Passes without a lower held-out loss after which training ends.
        random_state: For the start of prompt and head, the order of items, and dropout.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        train_classifier: Whether the head is trained too. False suits a head that already knows
            the task's classes in their sorted order.
        terms: What is added to the training against noisy labels (`llmal.learners.noisy`).
        progress: Show a bar on a terminal.
        seed: The former name of `random_state`; it goes in the next version.

    Attributes:
        classes_: Classes seen in `fit`, sorted.
        history_: How training went.
    """

    former_names: ClassVar[Mapping[str, str]] = {"seed": "random_state"}
    registered_as = "prompt_tuned"

    network_: SequenceClassifier

    def __init__(
        self,
        model: str | Path,
        *,
        virtual_tokens: int = 8,
        method: PromptMethod = "prompt",
        instruction: str = "",
        epochs: int = 10,
        learning_rate: float = 1e-2,
        batch_size: int = 16,
        max_length: int = 128,
        validation: float = 0.0,
        patience: int = 3,
        random_state: int = 0,
        device: str = "auto",
        train_classifier: bool = True,
        terms: Sequence[Term] = (),
        progress: bool = False,
        seed: int | None = None,
    ) -> None:
        self.model = model
        self.virtual_tokens = virtual_tokens
        self.method = method
        self.instruction = instruction
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.device = device
        self.train_classifier = train_classifier
        self.terms = terms
        self.progress = progress
        self.seed = seed

    def _settings(self) -> Settings:
        if self.seed is not None:
            warnings.warn(
                "PromptTuned(seed=…) is now PromptTuned(random_state=…); seed goes in the next "
                "version",
                DeprecationWarning,
                stacklevel=3,
            )
        return replace(super()._settings(), warm_up=0.1)

    @property
    def _seed(self) -> int:
        return self.random_state if self.seed is None else self.seed

    def _network(self, classes: NDArray[Any], device: torch.device) -> SequenceClassifier:
        named = bool(self.instruction) and self.method == "prompt"
        return SequenceClassifier(
            str(self.model),
            len(classes),
            adaptation=SoftPrompt(self.virtual_tokens, self.method, "words" if named else "random"),
            max_length=self.max_length,
            device=device,
            train_head=self.train_classifier,
            initial=initial_words(self.instruction, classes),
        )
