"""Soft prompts over a frozen sequence classifier."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from llmal.errors import ConfigError
from llmal.learners.soft_prompt import SoftPromptClassifier, own_randomness, pick_device
from llmal.learners.storage import (
    present_parameters,
    read_learner,
    require_fitted,
    write_learner,
)
from llmal.learners.training_set import Targets, classes_as_json, targets, texts

WARM_UP = 0.1
LARGEST_GRADIENT = 1.0
DROPOUT = 0.1


class PromptTuned(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Prompt tuning (Lester et al., 2021) of a Hugging Face sequence classifier, by PEFT.

    The model stays frozen; `virtual_tokens` embeddings before each text are trained, and with
    them the classification head. Takes texts. AdamW, a linear warm-up over a tenth of the steps
    and a linear decay; gradients are clipped to norm one. Weights are float32.

    Every fit starts from a fresh model. The seed fixes the result on one machine; the caller's
    random state is neither read nor changed. An item of weight zero is left out; one class seen is
    predicted with probability one.

    Args:
        model: Directory or hub name of an encoder or a decoder-only model. A head that its
            checkpoint holds is kept where it has as many classes, and starts at random otherwise.
        virtual_tokens: Length of the soft prompt.
        epochs: Passes over the items.
        learning_rate: Peak rate, of prompt and head.
        batch_size: Items in one step.
        max_length: Most tokens kept of a text.
        random_state: For the start of prompt and head, the order of items, and dropout.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        train_classifier: Whether the head is trained too. False suits a head that already knows
            the task's classes in their sorted order.
        seed: The former name of `random_state`; it goes in the next version.

    Attributes:
        classes_: Classes seen in `fit`, sorted.
    """

    input: ClassVar[Literal["embeddings", "texts"]] = "texts"
    former_names: ClassVar[Mapping[str, str]] = {"seed": "random_state"}

    classes_: NDArray[Any]
    network_: SoftPromptClassifier

    def __init__(
        self,
        model: str | Path,
        *,
        virtual_tokens: int = 8,
        epochs: int = 10,
        learning_rate: float = 1e-2,
        batch_size: int = 16,
        max_length: int = 128,
        random_state: int = 0,
        device: str = "auto",
        train_classifier: bool = True,
        seed: int | None = None,
    ) -> None:
        self.model = model
        self.virtual_tokens = virtual_tokens
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.random_state = random_state
        self.seed = seed
        self.device = device
        self.train_classifier = train_classifier

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train from scratch.

        Args:
            X: n texts.
            y: n label names or label columns.
            sample_weight: n weights of at least 0; the loss of an item is multiplied by its own,
                and they are scaled to a mean of one.

        Raises:
            DataError: X, y or the weights are not usable.
            ConfigError: A parameter is not usable, or training diverged.
            LanguageModelError: The model cannot be found, loaded or used.
        """
        self._check_parameters()
        items = texts(X)
        made = targets(len(items), y, sample_weight)
        device = pick_device(self.device)
        with own_randomness(self._seed, device):
            network = self._network(len(made.classes), device)
            if len(made.classes) > 1:
                self._train(network, [items[i] for i in made.kept], made)
        self.network_, self.classes_ = network, made.classes
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities, shape (n, classes seen); columns in the order of `classes_`.

        Raises:
            DataError: Not fitted, or X is not a list of texts.
        """
        require_fitted(self)
        return self._probabilities(texts(X))

    def _probabilities(self, items: list[str], dropout: float = 0.0) -> NDArray[np.float64]:
        result = np.empty((len(items), len(self.classes_)))
        for rows, logits, _ in self._outputs(items, dropout):
            # In double precision, so that a row sums to one in the caller's arithmetic too.
            result[rows] = torch.softmax(logits.double().cpu(), dim=1).numpy()
        return result

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each text, shape (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def embed(self, X: Any) -> NDArray[np.float32]:
        """The hidden states that the classifier reads, shape (n, hidden size).

        The last text token's for a decoder, the first position's for an encoder.

        Raises:
            DataError: Not fitted, or X is not a list of texts.
        """
        require_fitted(self)
        items = texts(X)
        width = self.network_.peft.word_embeddings.embedding_dim
        parts = [(rows, hidden.float().cpu().numpy()) for rows, _, hidden in self._outputs(items)]
        result = np.empty((len(items), parts[0][1].shape[1] if parts else width), np.float32)
        for rows, hidden in parts:
            result[rows] = hidden
        return result

    def committee(self, members: int, seed: int) -> list[Callable[[Any], NDArray[np.float64]]]:
        """Dropout passes over the fitted model (Gal and Ghahramani, 2016).

        The model's own dropout is on, and a tenth of the entries of the input embeddings is
        dropped besides, as many decoders have no dropout of their own.

        Args:
            members: Number of passes.
            seed: Fixes what is dropped.

        Returns:
            For each pass a function that takes texts and gives probabilities, as `predict_proba`.

        Raises:
            DataError: Not fitted.
        """
        require_fitted(self)
        seeds = np.random.SeedSequence(seed).generate_state(members)
        return [partial(self._dropped_out, seed=int(one)) for one in seeds]

    def _dropped_out(self, X: Any, seed: int) -> NDArray[np.float64]:
        network = self.network_
        with own_randomness(seed, network.device):
            network.peft.train()
            try:
                return self._probabilities(texts(X), DROPOUT)
            finally:
                network.peft.eval()

    def save(self, directory: str | Path) -> None:
        """Write `learner.json` and `adapter/` (a PEFT adapter, safetensors); not the base model.

        Raises:
            DataError: Not fitted.
        """
        require_fitted(self)
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.network_.save(directory)
        parameters = {**self.get_params(), "model": str(self.model)}
        write_learner(
            directory,
            "prompt_tuned",
            {"parameters": parameters, "classes": classes_as_json(self.classes_)},
        )

    def load(self, directory: str | Path) -> Self:
        """Read what `save` wrote, into this object; the base model is loaded from where it was.

        Raises:
            DataError: The directory holds no saved learner of this kind.
            LanguageModelError: The base model is gone.
        """
        directory = Path(directory)
        content = read_learner(directory, "prompt_tuned", ("parameters", "classes"))
        self.set_params(**{"seed": None, **present_parameters(content["parameters"], type(self))})
        classes = np.asarray(content["classes"])
        device = pick_device(self.device)
        with own_randomness(self._seed, device):
            network = self._network(len(classes), device)
        network.load(directory)
        self.network_, self.classes_ = network, classes
        return self

    @property
    def _seed(self) -> int:
        return self.random_state if self.seed is None else self.seed

    def _check_parameters(self) -> None:
        if self.seed is not None:
            warnings.warn(
                "PromptTuned(seed=…) is now PromptTuned(random_state=…); seed goes in the next "
                "version",
                DeprecationWarning,
                stacklevel=3,
            )
        for name in ("virtual_tokens", "epochs", "batch_size", "max_length"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} is {value!r}", fix="it must be a whole number above 0")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate is {self.learning_rate!r}", fix="it must be above 0")

    def _network(self, labels: int, device: torch.device) -> SoftPromptClassifier:
        return SoftPromptClassifier(
            str(self.model),
            labels,
            virtual_tokens=self.virtual_tokens,
            max_length=self.max_length,
            device=device,
            train_head=self.train_classifier,
        )

    def _train(self, network: SoftPromptClassifier, items: list[str], made: Targets) -> None:
        ids = network.token_ids(items)
        codes = torch.from_numpy(made.codes).to(network.device)
        scale = np.ones(len(items)) if made.weights is None else made.weights
        weights = torch.from_numpy(scale / scale.mean()).float().to(network.device)
        steps = self.epochs * -(-len(items) // self.batch_size)
        warm_up = max(1, round(WARM_UP * steps))
        optimizer = torch.optim.AdamW(network.trainable(), lr=self.learning_rate, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: min((step + 1) / warm_up, (steps - step) / max(1, steps - warm_up)),
        )
        order = torch.Generator().manual_seed(self._seed)
        network.peft.train()
        for _ in range(self.epochs):
            shuffled = torch.randperm(len(items), generator=order)
            for start in range(0, len(items), self.batch_size):
                rows = shuffled[start : start + self.batch_size]
                logits, _ = network.forward([ids[int(row)] for row in rows])
                on_device = rows.to(network.device)
                losses = torch.nn.functional.cross_entropy(
                    logits, codes[on_device], reduction="none"
                )
                loss = (losses * weights[on_device]).mean()
                if not torch.isfinite(loss):
                    raise ConfigError(
                        "the training of the soft prompt diverged",
                        fix=f"lower learning_rate (now {self.learning_rate:g})",
                    )
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(network.trainable(), LARGEST_GRADIENT)
                optimizer.step()
                schedule.step()
        network.peft.eval()

    def _outputs(
        self, items: list[str], dropout: float = 0.0
    ) -> Iterator[tuple[NDArray[np.int64], torch.Tensor, torch.Tensor]]:
        """Rows, logits and hidden states of one batch after the other, of texts alike in length."""
        ids = self.network_.token_ids(items)
        order = np.argsort([-len(one) for one in ids], kind="stable").astype(np.int64)
        with torch.inference_mode():
            for start in range(0, len(order), self.batch_size):
                rows = order[start : start + self.batch_size]
                logits, hidden = self.network_.forward([ids[row] for row in rows], dropout)
                yield rows, logits, hidden
