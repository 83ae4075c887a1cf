"""What a network says of many texts, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from llmal.learners.networks.devices import mixed_precision
from llmal.learners.networks.protocol import Network, Output
from llmal.learners.training.batches import batches_to_read


def outputs(
    network: Network, texts: list[str], batch_size: int, dropout: float = 0.0
) -> Iterator[tuple[NDArray[np.int64], Output]]:
    """Rows and output of one batch after the other, of texts alike in length.

    Args:
        network: In the mode that it is in.
        texts: n texts; of none nothing is said.
        batch_size: Texts at once.
        dropout: Share of the entries of the input embeddings that is dropped.
    """
    if not texts:
        return
    readings = network.read(texts)
    with torch.inference_mode(), mixed_precision(network.device):
        for rows in batches_to_read(readings, batch_size):
            yield rows, network.forward([readings[row] for row in rows], dropout)


def states(network: Network, texts: list[str], batch_size: int) -> NDArray[np.float32]:
    """The hidden states that scores are read from, shape (n, hidden size)."""
    # The width is known from a text alone.
    parts = [(rows, output.states.float().cpu().numpy()) for rows, output in
             outputs(network, texts or ["."], batch_size)]  # fmt: skip
    result = np.empty((len(texts), parts[0][1].shape[1]), np.float32)
    for rows, found in parts if texts else ():
        result[rows] = found
    return result
