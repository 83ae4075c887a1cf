"""A sentence embedder that is tuned on pairs of texts, and a linear head on its vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from llmal.embed.sentence import dimensions_of, load_sentence_model
from llmal.errors import DataError, LanguageModelError, UnsupportedError
from llmal.learners.exporting.form import Form, embedder_form
from llmal.learners.exporting.head import EMBEDDER, linear_classifier, write_head
from llmal.learners.networks.context import LongTexts, room_for_text
from llmal.learners.networks.protocol import Group, Output, Reading, trainable
from llmal.learners.storage import read_tensors, write_tensors
from llmal.lm.padding import padded
from llmal.loading import quiet_loading

HEAD = "head.safetensors"


class SentenceClassifier:
    """A model of sentence-transformers with a linear head, as a network.

    Training changes the embedder alone, by the pairs of a batch (`pair_losses`); the head is set
    when the embedder is done. Until then all classes are equally probable.

    Args:
        model: Directory, known name or hub name.
        labels: Number of classes.
        max_length: Most tokens kept of a text.
        device: Where to run.

    Raises:
        LanguageModelError: The model cannot be found or loaded.
        UnsupportedError: It is no transformer over texts.
    """

    def __init__(self, model: str, labels: int, *, max_length: int, device: torch.device) -> None:
        from sentence_transformers.models import Transformer

        self.device = device
        self._embedder = load_sentence_model(model, str(device)).float()
        if not isinstance(self._embedder[0], Transformer):
            raise UnsupportedError(
                f"{model!r} is no transformer over texts, and cannot be tuned here",
                fix="use another embedder, or the learner linear on its vectors",
            )
        self._tokenizer: Any = self._embedder.tokenizer
        self.max_length = room_for_text(
            self._embedder[0].auto_model, self._tokenizer, 0, max_length, "max_length"
        )
        self._long = LongTexts(self.max_length)
        # Elsewhere, the tuned embedder reads as much of a text as it was tuned on.
        self._embedder.max_seq_length = self.max_length
        self._head = torch.nn.Linear(dimensions_of(self._embedder), labels, device=device)
        self._head.requires_grad_(False).weight.zero_()
        self._head.bias.zero_()
        self._module = torch.nn.ModuleList([self._embedder, self._head]).eval()

    @property
    def module(self) -> torch.nn.Module:
        """Embedder and head."""
        return self._module

    def set_head(self, weight: ArrayLike, bias: ArrayLike) -> None:
        """Take over a linear head.

        Args:
            weight: Shape (C, d).
            bias: Shape (C,).
        """
        with torch.no_grad():
            self._head.weight.copy_(torch.as_tensor(weight))
            self._head.bias.copy_(torch.as_tensor(bias))

    def groups(self, learning_rate: float) -> list[Group]:
        """The embedder, at one rate."""
        return [{"params": trainable(self._module), "lr": learning_rate}]

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Token ids of each text, cut at the end to `max_length`."""
        return [Reading(tuple(ids)) for ids in self._long.read(self._tokenizer, texts)]

    def forward(self, readings: Sequence[Reading], dropout: float = 0.0) -> Output:
        """Scores, and the unit vectors that they are read from."""
        ids, mask = padded([one.ids for one in readings], self.device)
        with _dropped(self.embedding(), dropout):
            made = self._embedder({"input_ids": ids, "attention_mask": mask})
        vectors = torch.nn.functional.normalize(made["sentence_embedding"].float(), dim=1)
        return Output(self.scores_of(vectors), vectors)

    def losses(self, output: Output, targets: Tensor) -> Tensor:
        """What each text adds to the loss of the batch's pairs, shape (n,)."""
        return pair_losses(output.states, targets)

    def scores_of(self, states: Tensor) -> Tensor:
        """What the head says of unit vectors, shape (n, C)."""
        scores: Tensor = self._head(states.float()).float()
        return scores

    def embedding(self) -> torch.nn.Module:
        """The model's input embeddings."""
        module: torch.nn.Module = self._embedder[0].auto_model.get_input_embeddings()
        return module

    def save(self, directory: Path) -> None:
        """Write the tuned embedder, as sentence-transformers does, and the head."""
        with quiet_loading():
            self._embedder.save(str(directory / EMBEDDER))
        write_tensors(
            directory / HEAD,
            {"weight": self._head.weight.cpu().numpy(), "bias": self._head.bias.cpu().numpy()},
        )

    def export(self, directory: Path, names: Sequence[str], *, merge: bool) -> Form:
        """Write the tuned embedder, and a scikit-learn classifier of its vectors."""
        self._embedder.save(str(directory / EMBEDDER), create_model_card=False)
        weight, bias = (one.detach().cpu().double().numpy() for one in self._head.parameters())
        write_head(directory, linear_classifier(weight, bias, np.array(names)))
        return embedder_form(names)

    def load(self, directory: Path) -> None:
        """Take over the head that `save` wrote; the embedder is the one that this was made over.

        Raises:
            DataError: It is missing or damaged.
        """
        tensors = read_tensors(directory / HEAD, ("weight", "bias"))
        self.set_head(tensors["weight"], tensors["bias"])


def load_sentence_classifier(
    directory: Path, labels: int, *, max_length: int, device: torch.device
) -> SentenceClassifier:
    """The network that was saved in a folder; no other model is needed.

    Raises:
        DataError: It is missing or damaged.
    """
    folder = directory / EMBEDDER
    try:
        network = SentenceClassifier(str(folder), labels, max_length=max_length, device=device)
    except LanguageModelError as error:
        raise DataError(
            "the tuned embedder is missing or damaged",
            where=str(folder),
            fix="save the learner again",
        ) from error
    network.load(directory)
    return network


def pair_losses(vectors: Tensor, targets: Tensor) -> Tensor:
    """The loss of the pairs of a batch, by texts, shape (n,).

    Of two texts of one class the cosine should be one, else zero, and the loss is the squared
    difference, as in SetFit (Tunstall et al., 2022). Here every text is paired with all others of
    its batch, so n texts are read for n (n - 1) / 2 pairs, none of them with itself. For each text
    pairs of one class and pairs of two weigh the same, whatever their numbers, as SetFit does by
    oversampling. Soft labels agree with a probability, and the loss is the one to be expected.

    Args:
        vectors: Shape (n, d), of length one.
        targets: Shape (n, C): shares of classes.
    """
    others = 1 - torch.eye(len(vectors), device=vectors.device)
    cosines, same = vectors @ vectors.T, (targets @ targets.T) * others
    losses = torch.zeros(len(vectors), device=vectors.device)
    for share, wanted in ((same, 1.0), (others - same, 0.0)):
        total = share.sum(dim=1)
        # A text without a pair of this kind has no loss of it.
        mean = (share * (cosines - wanted) ** 2).sum(dim=1) / total.clamp(min=1e-6)
        losses = losses + mean / 2
    return losses


@contextmanager
def _dropped(embedding: torch.nn.Module, share: float) -> Iterator[None]:
    """Drop a share of the entries that a layer gives, inside the block."""
    if not share:
        yield
        return
    hook = embedding.register_forward_hook(
        lambda module, given, output: torch.nn.functional.dropout(output, share)
    )
    try:
        yield
    finally:
        hook.remove()
