"""Token ids of several texts as one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def padded(
    ids: Sequence[Sequence[int]], device: torch.device, *, left: bool = False
) -> tuple[Tensor, Tensor]:
    """Ids padded with zeros to the longest, and a mask of what is no padding, both (n, L).

    Args:
        ids: Of n texts.
        device: Where they go.
        left: Whether padding stands before the texts.
    """
    longest = max(len(one) for one in ids)
    tokens = torch.zeros((len(ids), longest), dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, one in enumerate(ids):
        place = slice(longest - len(one), longest) if left else slice(0, len(one))
        tokens[row, place] = torch.tensor(one, dtype=torch.long)
        mask[row, place] = 1
    return tokens.to(device), mask.to(device)
