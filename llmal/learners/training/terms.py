"""What can be added to the training of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmal.learners.networks.protocol import Network, Output, Reading


@dataclass
class Course:
    """The training that is under way, as its terms see it.

    Attributes:
        network: What is trained.
        texts: The n texts that it is trained on.
        readings: The same as the network reads them.
        targets: Shape (n, C): shares of classes; terms may change them between passes.
        weights: Shape (n,): weights of the items; terms may change them between passes.
        epochs: Passes that were planned.
        generator: Draws whatever a term draws, on the CPU.
        epoch: The pass that is under way, from 0 on.
    """

    network: Network
    texts: Sequence[str]
    readings: Sequence[Reading]
    targets: Tensor
    weights: Tensor
    epochs: int
    generator: torch.Generator
    epoch: int = field(default=0)


@dataclass(frozen=True)
class Batch:
    """One step.

    Attributes:
        rows: Shape (b,): which items it has.
        output: What the network says of them.
        targets: Shape (b, C).
        weights: Shape (b,).
    """

    rows: NDArray[np.int64]
    output: Output
    targets: Tensor
    weights: Tensor


class Term:
    """A part of training beside the loss on labels; each does what it overrides."""

    def begin(self, course: Course) -> None:
        """Before the first pass."""

    def begin_epoch(self, course: Course) -> None:
        """Before each pass."""

    def weigh(self, course: Course, batch: Batch) -> Tensor | None:
        """Weights of a step's items, shape (b,), in place of the batch's; None changes none."""
        return None

    def loss(self, course: Course, batch: Batch) -> Tensor | None:
        """What is added to the loss of a step; None adds nothing."""
        return None
