"""Learning from pairs of items that are mixed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmal.errors import ConfigError
from llmal.learners.networks.protocol import Output
from llmal.learners.noisy.checks import check_least, check_positive, ramped
from llmal.learners.training.terms import Batch, Course, Term


@dataclass
class Mixup(Term):
    """Each item of a batch is mixed with another one, and so are their labels (Zhang et al., 2018).

    λ of a batch is drawn from Beta(α, α), and the larger of λ and 1 − λ is taken. Added is the
    batch's mean of λ w_i CE(mixed, y_i) + (1 − λ) w_j CE(mixed, y_j), with the weights w that other
    terms leave to the items: an item that a split has put aside teaches nothing here either.

    Args:
        mix: The input "embeddings", token by token from the front (FreeAL; where one text is
            shorter, its padding is mixed in), or the "states" that the scores are read from, for
            networks with a head on them.
        alpha: Of the Beta distribution.
        weight: Of the term.
        ramp: Passes over which the weight rises from 0; 0 for the whole weight from the start.
    """

    registered_as: ClassVar[str] = "mixup"

    mix: Literal["embeddings", "states"] = "embeddings"
    alpha: float = 4.0
    weight: float = 1.0
    ramp: int = 10
    _random: np.random.Generator | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.mix not in ("embeddings", "states"):
            raise ConfigError(f"mix is {self.mix!r}", fix='use "embeddings" or "states"')
        check_positive("alpha", self.alpha)
        check_least("weight", self.weight)
        check_least("ramp", self.ramp)

    def begin(self, course: Course) -> None:
        """Draws are its own.

        Raises:
            UnsupportedError: States are to be mixed, and scores are read from more than these.
        """
        self._random = course.numpy_generator()
        if self.mix == "states":
            with torch.no_grad():
                course.network.scores_of(course.network.forward(course.readings[:1]).states)

    def loss(self, course: Course, batch: Batch) -> Tensor | None:
        """The loss on mixed items."""
        weight = ramped(self.weight, self.ramp, course.epoch)
        if not weight or len(batch.rows) < 2:
            return None
        assert self._random is not None
        share = float(self._random.beta(self.alpha, self.alpha))
        share = max(share, 1 - share)
        partners = self._random.permutation(len(batch.rows))
        return weight * self.mixed_loss(course, batch, share, partners)

    def mixed_loss(
        self, course: Course, batch: Batch, share: float, partners: NDArray[np.int64]
    ) -> Tensor:
        """The loss, unweighted, for a λ and the partner of each item, shape (b,)."""
        network = course.network
        others = torch.from_numpy(partners).to(network.device)
        if self.mix == "states":
            states = share * batch.output.states + (1 - share) * batch.output.states[others]
            output = Output(network.scores_of(states), states)
        else:
            with _mixed(network.embedding(), share, others):
                output = network.forward([course.readings[row] for row in batch.rows])
        own = network.losses(output, batch.targets) * batch.weights
        theirs = network.losses(output, batch.targets[others]) * batch.weights[others]
        return (share * own + (1 - share) * theirs).mean()


@contextmanager
def _mixed(embedding: torch.nn.Module, share: float, others: Tensor) -> Iterator[None]:
    """Inside the block the vectors of a batch's tokens are mixed with those of others."""

    def mix(module: torch.nn.Module, given: Any, vectors: Tensor) -> Tensor:
        # What the network embeds besides, such as candidates, is the same for all texts.
        if len(vectors) != len(others):
            return vectors
        return share * vectors + (1 - share) * vectors[others]

    handle = embedding.register_forward_hook(mix)
    try:
        yield
    finally:
        handle.remove()
