"""ALLSH's loss on the pool: few changes of a text may change what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from llmal.errors import ConfigError
from llmal.learners.networks.protocol import Reading
from llmal.learners.noisy.checks import check_least
from llmal.learners.noisy.copies import Copies, Given
from llmal.learners.training.terms import Batch, Course, Term
from llmal.perturb import REGISTRY as PERTURBATIONS
from llmal.perturb import Perturbation


@dataclass
class CurriculumLoss(Term):
    """α times the mean of KL(p(·|x) ‖ p(·|x')) over texts of the pool (ALLSH, 2022, equation 5).

    p(·|x) is taken as it is, only what is said of the copy x' is trained. In each step as many
    texts of the pool are drawn as the batch has items. These need no labels.

    Args:
        pool: Texts; by default those that are trained on.
        copies: By text its copy, or its copies, which take turns pass by pass. Made by the
            perturbation where there are none.
        perturbation: One of `llmal.perturb`, or a name of one; fitted on the pool.
        made: Copies that are made of each text.
        alpha: Weight of the term.
    """

    registered_as: ClassVar[str] = "curriculum_loss"
    parts: ClassVar[Mapping[str, Any]] = {"perturbation": PERTURBATIONS}

    pool: Sequence[str] | None = None
    copies: Given | None = None
    perturbation: Perturbation | str | Mapping[str, object] = "tf-idf"
    made: int = 1
    alpha: float = 0.01
    _random: np.random.Generator | None = field(default=None, init=False, repr=False, compare=False)
    _readings: Sequence[Reading] = field(default=(), init=False, repr=False, compare=False)
    _copies: Copies | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_least("alpha", self.alpha)
        check_least("made", self.made, 1)
        if self.pool is not None and (isinstance(self.pool, str) or not len(self.pool)):
            raise ConfigError("pool holds no texts", fix="give a list of texts, or leave it out")

    def begin(self, course: Course) -> None:
        """Read the pool and its copies.

        Raises:
            DataError: A text has no copy.
        """
        self._random = course.numpy_generator()
        texts = course.texts if self.pool is None else list(self.pool)
        self._readings = course.readings if self.pool is None else course.network.read(texts)
        self._copies = Copies(course, texts, self.copies, self.perturbation, self.made)

    def loss(self, course: Course, batch: Batch) -> Tensor | None:
        """α times the mean divergence of some texts of the pool."""
        assert self._random is not None
        assert self._copies is not None
        size = min(len(batch.rows), len(self._readings))
        rows = self._random.choice(len(self._readings), size, replace=False)
        with torch.no_grad():
            kept = course.network.forward([self._readings[row] for row in rows])
        view = course.network.forward(self._copies.of(rows.tolist(), course.epoch))
        return self.alpha * divergence(kept.scores, view.scores).mean()


def divergence(first: Tensor, second: Tensor) -> Tensor:
    """KL(p ‖ q) of the answers behind two tables of scores, shape (n,)."""
    p, q = torch.log_softmax(first.float(), dim=1), torch.log_softmax(second.float(), dim=1)
    return (p.exp() * (p - q)).sum(dim=1)
