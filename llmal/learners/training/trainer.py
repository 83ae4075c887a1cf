"""The one loop that trains every network."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from llmal.errors import ConfigError
from llmal.learners.networks.devices import in_use, mixed_precision
from llmal.learners.networks.protocol import Network, Reading
from llmal.learners.training.batches import batches_to_read, batches_to_train
from llmal.learners.training.settings import Settings
from llmal.learners.training.terms import Batch, Course, Term

logger = logging.getLogger("llmal.learners")

OnStep = Callable[[int, int], None]
"""Called with the number of steps done and of all steps that were planned."""


@dataclass(frozen=True)
class History:
    """How training went.

    Attributes:
        losses: Mean training loss of each pass.
        held_out: Held-out loss after each pass; empty where nothing was held out.
        best: The pass, from 0 on, whose weights were kept.
    """

    losses: tuple[float, ...]
    held_out: tuple[float, ...]
    best: int


def train(
    network: Network,
    texts: Sequence[str],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    settings: Settings,
    generator: torch.Generator,
    *,
    classes: NDArray[Any] | None = None,
    terms: Sequence[Term] = (),
    on_step: OnStep | None = None,
) -> History:
    """Train a network by AdamW.

    Where items are held out, training ends when their loss has not fallen for `patience` passes,
    and the weights of the best pass are kept. Where a loss is no number, training ends too: with
    the best weights so far, or with an error where no pass was better than chance.

    Args:
        network: Starts as it is.
        texts: n texts.
        targets: Shape (n, C): shares of classes, rows sum to one.
        weights: Shape (n,): above 0; scaled to a mean of one.
        settings: How.
        generator: Draws held-out items and the order, on the CPU.
        classes: What the columns of the targets stand for; by default 0 to C - 1.
        terms: What is added to the loss on labels, and changes the weights of items.
        on_step: Told of every step.

    Raises:
        ConfigError: Training diverged before any pass was better than chance.
    """
    readings = network.read(texts)
    kept, held = _hold_out(targets, settings, generator)
    course = Course(
        network,
        [texts[row] for row in kept],
        [readings[row] for row in kept],
        torch.as_tensor(targets[kept], dtype=torch.float32, device=network.device),
        torch.as_tensor(
            weights[kept] / weights[kept].mean(), dtype=torch.float32, device=network.device
        ),
        np.arange(targets.shape[1]) if classes is None else classes,
        settings.epochs,
        settings.batch_size,
        generator,
    )
    return _Training(network, course, settings, terms, on_step).run(
        [readings[row] for row in held],
        torch.as_tensor(targets[held], dtype=torch.float32, device=network.device),
    )


class _Diverged(Exception):
    """A loss is no number."""


class _Training:
    """The state of one training."""

    def __init__(
        self,
        network: Network,
        course: Course,
        settings: Settings,
        terms: Sequence[Term],
        on_step: OnStep | None,
    ) -> None:
        self._network, self._course, self._settings = network, course, settings
        self._terms, self._on_step = terms, on_step
        self._groups = network.groups(settings.learning_rate)
        self._parameters = [one for group in self._groups for one in group["params"]]
        self._steps = settings.epochs * -(-len(course.readings) // settings.batch_size)
        self._step = 0
        # Fused: on a CPU the plain one takes a third of the time of a small encoder's step.
        self._optimizer = torch.optim.AdamW(
            [dict(group) for group in self._groups],
            weight_decay=settings.weight_decay,
            fused=True,
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda step: settings.rate(step, self._steps)
        )

    def run(self, held: Sequence[Reading], held_targets: Tensor) -> History:
        losses: list[float] = []
        held_out: list[float] = []
        best, kept = -1, None
        for term in self._terms:
            term.begin(self._course)
        for epoch in range(self._settings.epochs):
            self._course.epoch = epoch
            for term in self._terms:
                term.begin_epoch(self._course)
            try:
                losses.append(self._pass())
                if held:
                    held_out.append(self._held_out_loss(held, held_targets))
            except _Diverged:
                best_loss = (held_out or losses)[best] if best >= 0 else math.inf
                self._stop_diverged(epoch, best_loss)
                break
            if not held or best < 0 or held_out[-1] < held_out[best]:
                # After the last pass there is nothing that could be worse.
                last = epoch == self._settings.epochs - 1
                best, kept = epoch, None if last else self._keep(kept)
            elif epoch - best >= self._settings.patience:
                break
        self._restore(kept)
        self._network.module.eval()
        if self._on_step is not None:
            self._on_step(self._steps, self._steps)
        return History(tuple(losses), tuple(held_out), best)

    def _pass(self) -> float:
        course = self._course
        self._network.module.train()
        total, count = 0.0, 0
        for rows in batches_to_train(course.readings, self._settings.batch_size, course.generator):
            loss = self._loss(rows)
            if not torch.isfinite(loss):
                raise _Diverged
            if loss.requires_grad:
                self._descend(loss)
            self._schedule.step()
            total, count = total + float(loss.detach()) * len(rows), count + len(rows)
            self._step += 1
            if self._on_step is not None:
                self._on_step(self._step, self._steps)
        return total / count

    def _descend(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, self._settings.largest_gradient)
        self._optimizer.step()
        # Now, so that no gradient lies in memory beside the next step's activations.
        self._optimizer.zero_grad()

    def _loss(self, rows: NDArray[np.int64]) -> Tensor:
        """The loss of a step; without a gradient, where no item has a weight and no term a loss."""
        course, network = self._course, self._network
        with mixed_precision(network.device):
            output = network.forward([course.readings[row] for row in rows])
            places = torch.from_numpy(rows).to(network.device)
            batch = Batch(rows, output, course.targets[places], course.weights[places])
            for term in self._terms:
                changed = term.weigh(course, batch)
                batch = batch if changed is None else replace(batch, weights=changed)
            loss = (network.losses(output, batch.targets) * batch.weights).mean()
            if not batch.weights.any():
                # Momentum and decay would move the weights of the network all the same.
                loss = loss.detach()
            for term in self._terms:
                more = term.loss(course, batch)
                loss = loss if more is None else loss + more
        return loss

    def _held_out_loss(self, held: Sequence[Reading], targets: Tensor) -> float:
        losses = losses_of(self._network, held, targets, self._settings.batch_size)
        mean = float(losses.mean())
        if not np.isfinite(mean):
            raise _Diverged
        return mean

    def _stop_diverged(self, epoch: int, best_loss: float) -> None:
        rate = self._settings.learning_rate
        # Weights that are no better than chance are about to diverge themselves.
        if not best_loss < math.log(self._course.targets.shape[1]):
            raise ConfigError(
                f"the training diverged in pass {epoch + 1}: its loss is no number",
                fix=f"lower learning_rate (now {rate:g})",
            )
        logger.warning(
            "the training diverged in pass %d; the weights of the best pass before it are kept. "
            "Lower learning_rate (now %g)",
            epoch + 1,
            rate,
        )

    def _keep(self, kept: list[Tensor] | None) -> list[Tensor]:
        """A copy of the weights in the machine's own memory, in the place of an earlier one."""
        if kept is None:
            return [one.detach().to("cpu", copy=True) for one in self._parameters]
        with torch.no_grad():
            for copy, parameter in zip(kept, self._parameters, strict=True):
                copy.copy_(parameter)
        return kept

    def _restore(self, kept: list[Tensor] | None) -> None:
        if kept is not None:
            with torch.no_grad():
                for parameter, value in zip(self._parameters, kept, strict=True):
                    parameter.copy_(value)


def losses_of(
    network: Network, readings: Sequence[Reading], targets: Tensor, batch_size: int
) -> Tensor:
    """The loss of each item without dropout, shape (n,).

    Args:
        network: In use or in training; it is left in the mode that it was in.
        readings: n texts.
        targets: Shape (n, C).
        batch_size: Items at once.
    """
    losses = torch.empty(len(readings), device=network.device)
    with in_use(network.module), torch.inference_mode(), mixed_precision(network.device):
        for rows in batches_to_read(readings, batch_size):
            places = torch.from_numpy(rows).to(network.device)
            output = network.forward([readings[row] for row in rows])
            losses[places] = network.losses(output, targets[places]).float()
    return losses


def _hold_out(
    targets: NDArray[np.float64], settings: Settings, generator: torch.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to train on and rows to hold out, the same share of each most probable class."""
    everything = np.arange(len(targets))
    if not settings.validation or len(targets) < settings.fewest_to_hold_out:
        return everything, everything[:0]
    columns = targets.argmax(axis=1)
    held: list[int] = []
    for column in np.unique(columns):
        rows = np.flatnonzero(columns == column)
        size = min(round(settings.validation * len(rows)), len(rows) - 1)
        held += rows[torch.randperm(len(rows), generator=generator)[:size].numpy()].tolist()
    out = np.zeros(len(targets), dtype=np.bool_)
    out[held] = True
    return everything[~out], everything[out]
