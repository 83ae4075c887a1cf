"""Whole labels behind texts, scored in one pass of a causal language model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from llmal.learners.networks.backbone import Backbone
from llmal.lm.encoder import Encoder
from llmal.lm.trie import Trie


def label_trie(words: Sequence[str], encoder: Encoder) -> Trie:
    """The tokens of labels as they stand behind a prompt.

    Args:
        words: The word of each class; its `candidates` are these with a space in front.
        encoder: The model's tokenizer.
    """
    candidates = [f" {word}" for word in words]
    return Trie(encoder.candidates(candidates), candidates, end=encoder.end)


def score_labels(
    backbone: Backbone,
    inputs: Tensor,
    mask: Tensor,
    tree: Tree,
    *,
    skipped: int = 0,
    cache: Any = None,
) -> tuple[Tensor, Tensor]:
    """Log-probabilities of whole candidates behind texts, and the states that they start from.

    Behind each text stand the inner nodes of the candidates' trie, and each of them sees the text
    and the nodes above it alone.

    Args:
        backbone: A causal language model.
        inputs: Input embeddings of b texts, shape (b, L, d), padded in front.
        mask: Shape (b, L): 1 where there is no padding.
        tree: The candidates.
        skipped: Tokens in front of all texts that the cache holds.
        cache: Their keys and values.

    Returns:
        Shapes (b, C) and (b, d), float32.
    """
    count, width = mask.shape
    nodes = tree.size
    if nodes:
        tail = backbone.embed(tree.tokens).expand(count, nodes, -1)
        inputs = torch.cat([inputs, tail], dim=1)
    positions = skipped + (mask.cumsum(dim=1) - 1).clamp(min=0)
    ends = skipped + mask.sum(dim=1, keepdim=True)
    positions = torch.cat([positions, ends + tree.depths[None] - 1], dim=1)
    dtype = backbone.model.get_input_embeddings().weight.dtype
    with backbone.seen() as states:
        logits = backbone.model(
            inputs_embeds=inputs.to(dtype),
            attention_mask=tree.mask(mask, skipped, dtype),
            position_ids=positions,
            past_key_values=cache,
            use_cache=cache is not None,
            logits_to_keep=nodes + 1,
        ).logits
    return tree.log_probabilities(logits), states[0][:, width - 1].float()


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
