"""Saying the same of a text and of its perturbed copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from llmal.learners.noisy.checks import check_least, check_positive, ramped
from llmal.learners.noisy.copies import Copies, Given
from llmal.learners.training.terms import Batch, Course, Term
from llmal.perturb import REGISTRY as PERTURBATIONS
from llmal.perturb import Perturbation


@dataclass
class Consistency(Term):
    """The network is to say the same of a text and of its perturbed copy (FreeAL, 2023).

    Added is, for an item whose label a split takes for right, the loss of its copy on that label,
    and for all others the symmetrised KL divergence of the two answers, in which the logarithm is
    of an answer at temperature T: ½ KL(p ‖ q_T) + ½ KL(q ‖ p_T).

    Args:
        copies: By text its copy, or its copies, which take turns pass by pass. Made by the
            perturbation where there are none.
        perturbation: One of `llmal.perturb`, or a name of one; fitted on the texts trained on.
        made: Copies that are made of each text.
        temperature: T.
        weight: Of the term.
        ramp: Passes over which the weight rises from 0; 0 for the whole weight from the start.
    """

    registered_as: ClassVar[str] = "consistency"
    parts: ClassVar[Mapping[str, Any]] = {"perturbation": PERTURBATIONS}

    copies: Given | None = None
    perturbation: Perturbation | str | Mapping[str, object] = "tf-idf"
    made: int = 1
    temperature: float = 0.85
    weight: float = 1.0
    ramp: int = 10
    _copies: Copies | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_positive("temperature", self.temperature)
        check_least("weight", self.weight)
        check_least("ramp", self.ramp)
        check_least("made", self.made, 1)

    def begin(self, course: Course) -> None:
        """Read the copies.

        Raises:
            DataError: A text has none.
        """
        self._copies = Copies(course, course.texts, self.copies, self.perturbation, self.made)

    def loss(self, course: Course, batch: Batch) -> Tensor | None:
        """How far text and copy are apart."""
        weight = ramped(self.weight, self.ramp, course.epoch)
        if not weight:
            return None
        assert self._copies is not None
        rows = torch.from_numpy(batch.rows).to(course.network.device)
        view = course.network.forward(self._copies.of(batch.rows.tolist(), course.epoch))
        apart = symmetric_divergence(batch.output.scores, view.scores, self.temperature)
        if course.clean is not None:
            on_labels = course.network.losses(view, batch.targets)
            apart = torch.where(course.clean[rows], on_labels, apart)
        return weight * apart.mean()


def symmetric_divergence(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """½ KL(p ‖ q_T) + ½ KL(q ‖ p_T) of the answers behind two tables of scores, shape (n,).

    The temperature is in the logarithm of the second argument only, as in FreeAL's code; with
    another one than 1 it is not 0 where the answers are the same.
    """
    p, q = torch.log_softmax(first.float(), dim=1), torch.log_softmax(second.float(), dim=1)
    p_t = torch.log_softmax(first.float() / temperature, dim=1)
    q_t = torch.log_softmax(second.float() / temperature, dim=1)
    there = (p.exp() * (p - q_t)).sum(dim=1)
    back = (q.exp() * (q - p_t)).sum(dim=1)
    return (there + back) / 2
