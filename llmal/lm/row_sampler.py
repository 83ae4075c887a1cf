"""Sampling that draws each row of a batch by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class RowSampler:
    """A logits processor of transformers that picks the next token of each row.

    transformers draws all rows of a batch from one generator, so that what a text gets depends on
    those beside it. Here the token is where the row's own number falls in the cumulated
    probabilities; all others are ruled out, and the greedy search takes it.

    Args:
        numbers: Shape (n, steps): in [0, 1), one for each row and each token to come.
        temperature: Above 0.
        top_p: Nucleus size.
    """

    def __init__(self, numbers: NDArray[np.float64], temperature: float, top_p: float) -> None:
        from transformers import TemperatureLogitsWarper, TopPLogitsWarper

        self._numbers = numbers
        self._step = 0
        self._warpers: list[Any] = [TemperatureLogitsWarper(float(temperature))]
        if top_p < 1:
            self._warpers.append(TopPLogitsWarper(top_p))

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores with all but the drawn token ruled out; tensors of shape (n, tokens)."""
        import torch

        # Not in double precision on a device that has none (mps).
        warped = scores.float()
        for warper in self._warpers:
            warped = warper(input_ids, warped)
        cumulated = warped.softmax(-1).cumsum(-1)
        numbers = torch.from_numpy(self._numbers[:, self._step]).to(cumulated)
        self._step += 1
        # Rounded to single precision, a number may reach 1.
        drawn = numbers.clamp(max=1 - 2**-24)[:, None] * cumulated[:, -1:]
        token = torch.searchsorted(cumulated, drawn, right=True)
        last = (cumulated < cumulated[:, -1:]).sum(-1, keepdim=True)
        return torch.full_like(scores, -torch.inf).scatter(1, torch.minimum(token, last), 0.0)
