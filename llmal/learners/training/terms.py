"""What can be added to the training of a network."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

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
        classes: Shape (C,): what the columns of the targets stand for.
        epochs: Passes that were planned.
        batch_size: Items in one step.
        generator: Draws whatever a term draws, on the CPU.
        epoch: The pass that is under way, from 0 on.
        clean: Shape (n,): which labels a term takes for right; None where none has judged.
    """

    network: Network
    texts: Sequence[str]
    readings: Sequence[Reading]
    targets: Tensor
    weights: Tensor
    classes: NDArray[Any]
    epochs: int
    batch_size: int
    generator: torch.Generator
    epoch: int = field(default=0)
    clean: Tensor | None = field(default=None)

    def numpy_generator(self) -> np.random.Generator:
        """One for a term's own draws, seeded by the course's."""
        return np.random.default_rng(int(torch.randint(2**62, (1,), generator=self.generator)))


@dataclass(frozen=True)
class Batch:
    """One step.

    Attributes:
        rows: Shape (b,): which items it has.
        output: What the network says of them.
        targets: Shape (b, C).
        weights: Shape (b,): as the terms have changed them so far.
    """

    rows: NDArray[np.int64]
    output: Output
    targets: Tensor
    weights: Tensor


@dataclass(eq=False)
class Term:
    """A part of training beside the loss on labels; each does what it overrides.

    What a term is made with are its options; a training works on a copy (`fresh`), so that a
    learner's parameters never change. Terms that are dataclasses are compared by their options, and
    are saved by the name that they have in the registry.
    """

    registered_as: ClassVar[str] = ""

    def fresh(self) -> Self:
        """A copy for one training; what an option holds, such as a model, is shared."""
        return copy.copy(self)

    def __sklearn_clone__(self) -> Self:
        return self.fresh()

    def begin(self, course: Course) -> None:
        """Before the first pass."""

    def begin_epoch(self, course: Course) -> None:
        """Before each pass."""

    def weigh(self, course: Course, batch: Batch) -> Tensor | None:
        """Weights of a step's items, shape (b,), in place of the batch's; None changes none.

        Terms follow each other: each sees what the one before it has made of the weights.
        """
        return None

    def loss(self, course: Course, batch: Batch) -> Tensor | None:
        """What is added to the loss of a step; None adds nothing."""
        return None
