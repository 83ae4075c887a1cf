"""A causal language model with low-rank updates that answers with the words of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from llmal.errors import ConfigError
from llmal.learners.exporting.form import Form, words_form
from llmal.learners.networks.adaptations import (
    ADAPTER,
    LowRank,
    adapted,
    load_adapter,
    merged,
    write_adapter,
)
from llmal.learners.networks.backbone import Backbone
from llmal.learners.networks.context import LongTexts
from llmal.learners.networks.label_tree import Tree, label_trie, score_labels
from llmal.learners.networks.protocol import (
    Group,
    Loss,
    Output,
    Reading,
    no_scores_of_states,
    trainable,
    word_losses,
)
from llmal.learners.networks.template import Template, fill_in, room_in
from llmal.lm.padding import padded


class CausalLoRA:
    """A causal language model with low-rank updates goes on with the word of a class.

    The probability of a label is that of all its tokens, by one pass (`score_labels`).

    Args:
        backbone: The model; PEFT puts its updates into it.
        template: What it reads of a text.
        words: The classes' words.
        updates: Of which layers, and how large.
        loss: Over the whole vocabulary, or among the classes.
        max_length: Most tokens kept of a text.
        device: Where to run.

    Raises:
        ConfigError: It is no causal model, lacks a layer, or the template leaves no room.
    """

    def __init__(
        self,
        backbone: Backbone,
        template: Template,
        words: Sequence[str],
        *,
        updates: LowRank,
        loss: Loss,
        max_length: int,
        device: torch.device,
    ) -> None:
        if backbone.kind != "causal":
            raise ConfigError(
                f"a {backbone.kind} model does not go on with the words of labels",
                fix='use a causal language model, or answer="head"',
            )
        self.backbone, self.template, self.device, self._loss = backbone, template, device, loss
        self.trie = label_trie(words, backbone.encoder)
        self.candidates = self.trie.candidates
        self.tree = Tree(self.trie, device)
        self.max_length = room_in(
            template,
            backbone,
            self.tree.size,
            max_length,
            what="template and labels",
            fix="shorten the instruction",
        )
        self._long = LongTexts(self.max_length)
        self.peft = adapted(backbone.model, updates.config())
        self.peft.to(device).eval()

    @property
    def module(self) -> torch.nn.Module:
        """The model with what PEFT put into it."""
        module: torch.nn.Module = self.peft
        return module

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """Token ids of the filled template."""
        _, ids = fill_in(texts, self.template, self.backbone, self._long)
        return [Reading(one) for one in ids]

    def forward(self, readings: Sequence[Reading], dropout: float = 0.0) -> Output:
        """Log-probabilities of the classes' whole words, and the states they are read from."""
        tokens, mask = padded([one.ids for one in readings], self.device, left=True)
        inputs = self.backbone.embed(tokens)
        if dropout:
            inputs = torch.nn.functional.dropout(inputs, dropout)
        return Output(*score_labels(self.backbone, inputs, mask, self.tree))

    def losses(self, output: Output, targets: Tensor) -> Tensor:
        """Cross-entropy of each text, over the vocabulary or among the classes."""
        return word_losses(self._loss, output.scores, targets)

    def scores_of(self, states: Tensor) -> Tensor:
        """Refused: the words of the classes are read from the model itself."""
        raise no_scores_of_states()

    def embedding(self) -> torch.nn.Module:
        """The model's input embeddings."""
        module: torch.nn.Module = self.backbone.model.get_input_embeddings()
        return module

    def groups(self, learning_rate: float) -> list[Group]:
        """The updates, at one rate."""
        return [{"params": trainable(self.peft), "lr": learning_rate}]

    def save(self, directory: Path) -> None:
        """Write a PEFT adapter."""
        write_adapter(self.peft, directory / ADAPTER)

    def export(self, directory: Path, names: Sequence[str], *, merge: bool) -> Form:
        """Write the model with its updates in it, or the updates as a PEFT adapter."""
        if merge:
            merged(self.peft).save_pretrained(str(directory))
            self.backbone.encoder.tokenizer.save_pretrained(str(directory))
        else:
            write_adapter(self.peft, directory)
        return words_form(
            dict(zip(names, self.trie.paths, strict=True)),
            self.template.before,
            self.template.around,
            self.max_length,
            adapter=not merge,
        )

    def load(self, directory: Path) -> None:
        """Take over what `save` wrote.

        Raises:
            DataError: It is missing, damaged, or of a model of another shape.
        """
        load_adapter(self.peft, directory)
