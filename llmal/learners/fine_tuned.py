"""Fine-tuning of a sequence classifier, whole or by low-rank updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from numpy.typing import NDArray

from llmal.errors import ConfigError
from llmal.learners.networks.adaptations import LowRank, WholeModel
from llmal.learners.networks.backbone import load_backbone
from llmal.learners.networks.causal_lora import CausalLoRA
from llmal.learners.networks.protocol import Loss
from llmal.learners.networks.sequence_classifier import SequenceClassifier
from llmal.learners.networks.template import make_template, words_of
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
    """Low-rank updates of a frozen model (Hu et al., 2022), by PEFT.

    With answer="head" a sequence classifier is adapted, whose head is trained too. With
    answer="words" a causal language model is adapted to go on behind a prompt with the word of a
    class, of any number of tokens; then the updates are all there is, and a server that knows PEFT
    adapters answers the same (`llmal.learners.serving.LoRALM`).

    Args:
        model: Directory, known name or hub name of an encoder or a decoder-only model.
        answer: By a classification "head", or by the "words" of the labels.
        template: Of words: with `{text}`; by default llmal's own labelling prompt.
        instruction: Of words: guidelines of the task, in front of the template.
        verbalizers: Of words: the word of each class; by default its name.
        loss: Of words: cross-entropy over the "vocabulary", or among the "classes".
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

    network_: SequenceClassifier | CausalLoRA

    def __init__(
        self,
        model: str | Path,
        *,
        answer: Literal["head", "words"] = "head",
        template: str | None = None,
        instruction: str = "",
        verbalizers: Mapping[Any, str] | None = None,
        loss: Loss = "classes",
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
        self.answer = answer
        self.template = template
        self.instruction = instruction
        self.verbalizers = verbalizers
        self.loss = loss
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

    def _network(
        self, classes: NDArray[Any], device: torch.device
    ) -> SequenceClassifier | CausalLoRA:
        updates = LowRank(self.rank, self.alpha, self.dropout, self.modules)
        if self.answer == "words":
            words = words_of(classes.tolist(), self.verbalizers)
            backbone = load_backbone(self.model, "auto", device, None, frozen=True)
            return CausalLoRA(
                backbone,
                make_template(self.template, self.instruction, words, backbone),
                words,
                updates=replace(updates, task="CAUSAL_LM"),
                loss=self.loss,
                max_length=self.max_length,
                device=device,
            )
        if self.answer != "head":
            raise ConfigError(f"answer is {self.answer!r}", fix='use "head" or "words"')
        if self.template is not None:
            raise ConfigError(
                "a classification head reads texts without a template",
                fix='leave template out, or use answer="words"',
            )
        return SequenceClassifier(
            str(self.model),
            len(classes),
            adaptation=updates,
            max_length=self.max_length,
            device=device,
        )
