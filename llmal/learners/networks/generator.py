"""Soft prompts that depend on the text: sample vectors, and how they join the task's vectors."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from llmal.errors import ConfigError

Fusing = Literal["attention", "hadamard", "addition", "task", "sample"]
FUSIONS: tuple[Fusing, ...] = ("attention", "hadamard", "addition", "task", "sample")
_SPREAD = 0.02
_HIDDEN = 256


class SampleVectors(nn.Module):
    """n vectors of a text from what an encoder says of it (PromptAL: two layers with GELU).

    Args:
        features: Width of what the encoder says.
        count: n.
        width: d, of the model's input embeddings.
        normalise: Bring what the encoder says to mean zero and variance one first.
    """

    def __init__(self, features: int, count: int, width: int, *, normalise: bool) -> None:
        super().__init__()
        self.count, self.width = count, width
        self.normalise = nn.LayerNorm(features, elementwise_affine=False) if normalise else None
        into, out = nn.Linear(features, _HIDDEN), nn.Linear(_HIDDEN, count * width)
        self.layers = nn.Sequential(into, nn.GELU(), out, nn.GELU())
        for layer in (into, out):
            nn.init.normal_(layer.weight, std=_SPREAD)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (b, n, d) from shape (b, features)."""
        if self.normalise is not None:
            features = self.normalise(features)
        made: Tensor = self.layers(features)
        return made.view(len(features), self.count, self.width)


class Fusion(nn.Module):
    """Puts the task's m vectors and a text's n vectors together.

    Args:
        how: "attention": self-attention over both, of which the task's places are kept (PromptAL).
            "hadamard" and "addition": with the sigmoid of the text's vector. "task" and "sample":
            one of them alone.
        width: d.
        heads: Of the attention.
        dropout: Of the attention.
        residual: Add the task's vectors to what the attention gives, which is zero at the start;
            so training begins with the task's vectors as they are.
    """

    def __init__(
        self, how: Fusing, width: int, *, heads: int, dropout: float, residual: bool
    ) -> None:
        super().__init__()
        self.how, self.residual = how, residual
        self.attention: nn.MultiheadAttention | None = None
        if how == "attention":
            if width % heads:
                raise ConfigError(
                    f"{heads} heads do not divide the model's width of {width}",
                    fix="give another number of heads",
                )
            self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
            if residual:
                nn.init.zeros_(self.attention.out_proj.weight)
                nn.init.zeros_(self.attention.out_proj.bias)

    def forward(self, task: Tensor, sample: Tensor | None, count: int) -> Tensor:
        """The soft prompts of `count` texts.

        Args:
            task: Shape (m, d).
            sample: Shape (count, n, d); None where the texts do not matter.
            count: Number of texts.
        """
        shared = task.expand(count, *task.shape)
        if self.how == "task" or sample is None:
            return shared
        if self.how == "sample":
            return sample
        if self.how == "hadamard":
            return shared * torch.sigmoid(sample)
        if self.how == "addition":
            return shared + torch.sigmoid(sample)
        both = torch.cat([shared, sample], dim=1)
        assert self.attention is not None
        mixed: Tensor = self.attention(both, both, both, need_weights=False)[0][:, : len(task)]
        return shared + mixed if self.residual else mixed


def check_fusion(how: str, m: int, n: int) -> None:
    """Refuse numbers of vectors that a fusion cannot put together.

    Raises:
        ConfigError: It cannot, or there is no such fusion.
    """
    if how not in FUSIONS:
        raise ConfigError(f"there is no fusion {how!r}", fix=f"use one of {', '.join(FUSIONS)}")
    if m < 1 or n < 0:
        raise ConfigError(f"m is {m} and n is {n}", fix="m must be above 0, n at least 0")
    if how == "sample" and n == 0:
        raise ConfigError("there are no sample vectors to use alone", fix="give n above 0")
    if how in ("hadamard", "addition") and n not in (0, 1, m):
        raise ConfigError(
            f"{n} sample vectors cannot be joined to {m} task vectors one by one",
            fix=f"give n = 1 or n = {m}, or use attention",
        )
