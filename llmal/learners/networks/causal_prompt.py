"""Soft prompts over a causal language model, which scores whole labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from llmal.errors import ConfigError
from llmal.learners.exporting.form import Form, words_form
from llmal.learners.networks.backbone import Backbone
from llmal.learners.networks.devices import in_use
from llmal.learners.networks.dynamic_prompt import DynamicPrompt
from llmal.learners.networks.label_tree import Tree, label_trie, score_labels
from llmal.learners.networks.protocol import Reading
from llmal.learners.networks.template import Template
from llmal.lm.padding import padded

Place = Literal["front", "before text"]


class CausalPrompt(DynamicPrompt):
    """A causal language model goes on with the word of a class.

    The probability of a label is that of all its tokens, by one pass: behind the text stand the
    inner nodes of the trie of the labels' tokens, each of which sees the text and the nodes above
    it alone. Where the model is not trained and the soft prompt stands behind the fixed words, the
    keys and values of these words are computed once.

    Args:
        backbone: The model.
        template: What it reads of a text.
        words: The classes' words.
        place: Where the soft prompt stands: in front of everything, as in PEFT, or behind the
            template's fixed words, so that a server keeps what it has read of them.
        options: As for `DynamicPrompt`.
    """

    def __init__(
        self,
        backbone: Backbone,
        template: Template,
        words: Sequence[str],
        *,
        place: Place,
        **options: Any,
    ) -> None:
        self.trie = label_trie(words, backbone.encoder)
        self.candidates = self.trie.candidates
        super().__init__(backbone, template, options.pop("shape"), **options)
        if place not in ("front", "before text"):
            raise ConfigError(f"place is {place!r}", fix='use "front" or "before text"')
        self.fixed = self._fixed() if place == "before text" else ()
        self._memory: list[tuple[Tensor, Tensor]] | None = None
        self._tree = Tree(self.trie, self.device)

    @property
    def answer_length(self) -> int:
        """Inner nodes of the trie behind the root."""
        return len(self.trie.nodes) - 1

    def start_of(self, ids: Sequence[int]) -> int:
        """How many tokens of a text stand in front of its soft prompt: those that it has in common
        with the fixed words.
        """
        same = 0
        for mine, fixed in zip(ids, self.fixed, strict=False):
            if mine != fixed:
                break
            same += 1
        return same

    def encode(self, ids: Sequence[tuple[int, ...]], model: Any) -> Tensor:
        """The state of the last token."""
        tokens, mask = padded(ids, self.device, left=True)
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        base = getattr(model, model.base_model_prefix, model)
        states: Tensor = base(
            input_ids=tokens, attention_mask=mask, position_ids=positions, use_cache=False
        ).last_hidden_state[:, -1]
        return states

    def answer(
        self, readings: Sequence[Reading], prompts: Tensor, dropout: float
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the classes' whole words."""
        return self.score(readings, prompts, self._tree, dropout)

    def score(
        self,
        readings: Sequence[Reading],
        prompts: Tensor,
        tree: Tree,
        dropout: float = 0.0,
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities of whole candidates behind texts, and the states that they start from.

        Args:
            readings: b texts.
            prompts: Their soft prompts, shape (b, v, d).
            tree: The candidates.
            dropout: Share of the entries of the input embeddings that is dropped.

        Returns:
            Shapes (b, C) and (b, d).
        """
        starts = [self.start_of(one.ids) for one in readings]
        memory = self._fixed_memory() if min(starts) == len(self.fixed) > 0 else None
        skipped = len(self.fixed) if memory else 0
        length, count = prompts.shape[1], len(readings)
        before = [one.ids[skipped:start] for one, start in zip(readings, starts, strict=True)]
        behind = [one.ids[start:] for one, start in zip(readings, starts, strict=True)]
        tokens, mask = padded(
            [(*a, *[0] * length, *b) for a, b in zip(before, behind, strict=True)],
            self.device,
            left=True,
        )
        inputs = self.backbone.embed(tokens)
        width = tokens.shape[1]
        first = torch.tensor(
            [width - length - len(b) for b in behind], device=self.device
        )[:, None]  # fmt: skip
        steps = torch.arange(width, device=self.device)[None]
        inside = (steps >= first) & (steps < first + length)
        inputs = inputs.masked_scatter(inside[..., None], prompts.float())
        if dropout:
            inputs = nn.functional.dropout(inputs, dropout)
        return score_labels(
            self.backbone, inputs, mask, tree, skipped=skipped, cache=self._cache(memory, count)
        )

    @property
    def is_peft(self) -> bool:
        """Whether it is what PEFT calls prompt tuning: fixed, in front, of a model left alone."""
        return super().is_peft and not self.fixed

    def export(self, directory: Path, names: Sequence[str], *, merge: bool) -> Form:
        """Write a fixed soft prompt in front of a model that was left alone as a PEFT adapter.

        Raises:
            UnsupportedError: It depends on the text, stands elsewhere, or the model was trained.
        """
        if not self.is_peft or not self.backbone.frozen:
            return super().export(directory, names, merge=merge)
        self.write_peft(directory)
        return words_form(
            dict(zip(names, self.trie.paths, strict=True)),
            self.template.before,
            self.template.around,
            self.max_length,
            adapter=True,
        )

    def _fixed(self) -> tuple[int, ...]:
        """The tokens that all filled templates begin with."""
        one, other = self.backbone.encoder.encode(
            [self.template.fill("a"), self.template.fill("7")]
        )
        same: list[int] = []
        for mine, theirs in zip(one, other, strict=False):
            if mine != theirs:
                break
            same.append(int(mine))
        return tuple(same)

    def _fixed_memory(self) -> list[tuple[Tensor, Tensor]] | None:
        """Keys and values of the fixed words, layer by layer; None where they change."""
        if not self.backbone.frozen:
            return None
        if self._memory is None:
            tokens = torch.tensor([self.fixed], device=self.device)
            with torch.no_grad(), in_use(self.model):
                kept = self.model(
                    input_ids=tokens, use_cache=True, logits_to_keep=1
                ).past_key_values
            self._memory = [(layer.keys, layer.values) for layer in kept.layers]
        return self._memory

    @staticmethod
    def _cache(memory: list[tuple[Tensor, Tensor]] | None, count: int) -> Any:
        if memory is None:
            return None
        from transformers import DynamicCache

        cache = DynamicCache()
        for number, (keys, values) in enumerate(memory):
            cache.update(keys.expand(count, -1, -1, -1), values.expand(count, -1, -1, -1), number)
        return cache
