"""Soft prompts over a causal language model, which scores whole labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from llmal.errors import ConfigError
from llmal.learners.networks.backbone import Backbone
from llmal.learners.networks.devices import in_use
from llmal.learners.networks.dynamic_prompt import DynamicPrompt
from llmal.learners.networks.protocol import Reading
from llmal.learners.networks.template import Template
from llmal.lm.padding import padded
from llmal.lm.trie import Trie

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
        self.candidates = [f" {word}" for word in words]
        paths = backbone.encoder.candidates(self.candidates)
        self.trie = Trie(paths, self.candidates, end=backbone.encoder.end)
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
        nodes = tree.size
        if nodes:
            tail = self.backbone.embed(tree.tokens).expand(count, nodes, -1)
            inputs = torch.cat([inputs, tail], dim=1)
        positions = skipped + (mask.cumsum(dim=1) - 1).clamp(min=0)
        ends = skipped + mask.sum(dim=1, keepdim=True)
        positions = torch.cat([positions, ends + tree.depths[None] - 1], dim=1)
        dtype = self.model.get_input_embeddings().weight.dtype
        with self.backbone.seen() as states:
            logits = self.model(
                inputs_embeds=inputs.to(dtype),
                attention_mask=tree.mask(mask, skipped, dtype),
                position_ids=positions,
                past_key_values=self._cache(memory, count),
                use_cache=memory is not None,
                logits_to_keep=nodes + 1,
            ).logits
        return tree.log_probabilities(logits), states[0][:, width - 1].float()

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


class Tree:
    """The inner nodes of a trie behind texts, on a device.

    Args:
        trie: The candidates' tokens.
        device: Where it is used.
    """

    def __init__(self, trie: Trie, device: torch.device) -> None:
        self.trie, self._device = trie, device
        inner = trie.nodes[1:]
        self.size = len(inner)
        self.tokens = torch.tensor(
            [[node.prefix[-1] for node in inner]], dtype=torch.long, device=device
        )
        self.depths = torch.tensor(
            [len(node.prefix) for node in inner], dtype=torch.long, device=device
        )
        above = [
            [node.prefix[: len(other.prefix)] == other.prefix for other in inner] for node in inner
        ]
        self._above = torch.tensor(above, dtype=torch.bool, device=device).view(
            self.size, self.size
        )
        steps = np.zeros((trie.width, len(trie.paths)), dtype=np.float32)
        for column, places in enumerate(trie.steps):
            steps[places, column] = 1
        self._steps = torch.from_numpy(steps).to(device)
        self._children = [
            torch.tensor(node.children, dtype=torch.long, device=device) for node in trie.nodes
        ]

    def mask(self, texts: Tensor, before: int, dtype: torch.dtype) -> Tensor:
        """What is added to attention, shape (b, 1, q, k): texts are causal, nodes see the text and
        the nodes above them.

        Args:
            texts: Shape (b, L): 1 where there is no padding, which stands in front.
            before: Keys that stand in front of all texts and are seen by all.
            dtype: Of the model.
        """
        count, length = texts.shape
        total = length + self.size
        seen = torch.zeros((total, total), dtype=torch.bool, device=self._device)
        seen[:length, :length] = torch.ones(
            (length, length), dtype=torch.bool, device=self._device
        ).tril()
        seen[length:, :length] = True
        seen[length:, length:] = self._above
        real = torch.cat([texts.bool(), texts.new_ones((count, self.size)).bool()], dim=1)
        allowed = seen[None] & real[:, None]
        if before:
            allowed = torch.cat([allowed.new_ones((count, total, before)), allowed], dim=2)
        added = torch.zeros(allowed.shape, dtype=dtype, device=self._device)
        return added.masked_fill(~allowed, torch.finfo(dtype).min)[:, None]

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Log-probabilities of whole candidates, shape (b, C), float32.

        Args:
            logits: Shape (b, nodes, vocabulary): after the text, and after each node.
        """
        logs = torch.log_softmax(logits.float(), dim=-1)
        parts = [logs[:, node, tokens] for node, tokens in enumerate(self._children)]
        row = torch.cat(parts, dim=1)
        # Minus infinity times zero would be no number.
        row = row.clamp(min=-math.sqrt(torch.finfo(torch.float32).max))
        return row @ self._steps
