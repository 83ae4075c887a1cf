"""Weights of items by whether what they teach helps on labels that are right."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from llmal.errors import ConfigError, DataError
from llmal.learners.networks.devices import in_use
from llmal.learners.networks.protocol import Network, Reading
from llmal.learners.noisy.checks import check_least
from llmal.learners.training.terms import Batch, Course, Term

logger = logging.getLogger("llmal.learners")


@dataclass
class Reweighting(Term):
    """Items are weighted by what they do for a small set of right labels (LLMaAA, 2023).

    The weights ε of a batch's items are 0, a virtual step is taken on Σ ε_i l_i, and
    w = max(0, −∂L_gold/∂ε) / Σ (Ren et al., 2018). At ε = 0 the step goes nowhere, so
    −∂L_gold/∂ε_i is, up to the learning rate, the product of the gradients of L_gold and of l_i:
    the derivative of l_i along the gradient of L_gold, which forward differentiation gives for all
    items at once (`torch.func.jvp`), over the trained parameters only, without dropout. Where all
    weights are 0 the batch teaches nothing.

    Do not stop early on the gold items too, nor show them as demonstrations and then believe what
    they say: LLMaAA's released code does both.

    Args:
        texts: Texts whose labels are right; they are not trained on by this.
        labels: Their labels as they stand in y, which in a run are places among the task's labels.
        batch_size: Gold items that are drawn for a step; 0 for all.
    """

    registered_as: ClassVar[str] = "reweighting"

    texts: Sequence[str]
    labels: Sequence[str | int]
    batch_size: int = 16
    _gold: Sequence[Reading] = field(default=(), init=False, repr=False, compare=False)
    _targets: Tensor | None = field(default=None, init=False, repr=False, compare=False)
    _random: np.random.Generator | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.texts, str) or not len(self.texts):
            raise ConfigError(
                "reweighting needs items whose labels are right",
                fix="give their texts and labels, some of every class",
            )
        if len(self.texts) != len(self.labels):
            raise ConfigError(
                f"reweighting has {len(self.texts)} texts but {len(self.labels)} labels",
                fix="give one label for each text",
            )
        check_least("batch_size", self.batch_size)
        self.texts, self.labels = list(self.texts), np.asarray(self.labels).tolist()

    def begin(self, course: Course) -> None:
        """Read the gold items.

        Raises:
            DataError: A gold label is none of the classes trained on.
        """
        place = {label: column for column, label in enumerate(course.classes.tolist())}
        strange = [label for label in self.labels if label not in place]
        if strange:
            raise DataError(
                f"the gold label {strange[0]!r} is none of the labels trained on",
                fix=f"use {', '.join(map(repr, place))}",
            )
        lacking = [label for label in place if label not in self.labels]
        if lacking:
            logger.warning(
                "no gold item has the label %s: what teaches it may get no weight. Add right "
                "labels of every class",
                " or ".join(map(repr, lacking)),
            )
        columns = [place[label] for label in self.labels]
        self._random = course.numpy_generator()
        self._gold = course.network.read(list(self.texts))
        self._targets = torch.eye(len(place), device=course.network.device)[columns]

    def weigh(self, course: Course, batch: Batch) -> Tensor | None:
        """Weights in proportion to how far each item lowers the loss on gold; mean one."""
        assert self._random is not None
        assert self._targets is not None
        size = min(self.batch_size or len(self._gold), len(self._gold))
        rows = self._random.choice(len(self._gold), size, replace=False)
        helps = gains(
            course.network,
            [course.readings[row] for row in batch.rows],
            batch.targets,
            [self._gold[row] for row in rows],
            self._targets[torch.from_numpy(rows).to(self._targets.device)],
        )
        weights = helps.clamp(min=0) * batch.weights
        total = weights.sum()
        return weights if total == 0 else weights * (len(weights) / total)


def gains(
    network: Network,
    readings: Sequence[Reading],
    targets: Tensor,
    gold: Sequence[Reading],
    gold_targets: Tensor,
) -> Tensor:
    """−∂L_gold/∂ε of each of b items after a virtual step of rate one, shape (b,).

    Args:
        network: As it is; it is left as it is.
        readings: b items.
        targets: Shape (b, C).
        gold: g items of right labels.
        gold_targets: Shape (g, C).
    """
    trained = {id(one) for group in network.groups(1.0) for one in group["params"]}
    losses = _Losses(network, readings, targets)
    parameters = {name: one for name, one in losses.named_parameters() if id(one) in trained}
    with in_use(network.module), _plain_attention():
        with torch.enable_grad():
            wanted = torch.autograd.grad(
                network.losses(network.forward(gold), gold_targets).mean(),
                list(parameters.values()),
                allow_unused=True,
            )
        direction = {
            name: torch.zeros_like(one) if want is None else want
            for (name, one), want in zip(parameters.items(), wanted, strict=True)
        }
        there = {name: one.detach() for name, one in parameters.items()}
        helps: Tensor = torch.func.jvp(
            lambda values: torch.func.functional_call(losses, values, ()), (there,), (direction,)
        )[1]
    return helps.detach()


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention by kernels that have a derivative along a direction."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


class _Losses(nn.Module):
    """The losses of items as a function of a network's parameters."""

    def __init__(self, network: Network, readings: Sequence[Reading], targets: Tensor) -> None:
        super().__init__()
        self.module = network.module
        # In a tuple, as a network that is a module itself would be a second part of this one.
        self._given = network, readings, targets

    def forward(self) -> Tensor:
        """Shape (b,)."""
        network, readings, targets = self._given
        return network.losses(network.forward(readings), targets)
