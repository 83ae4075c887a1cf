"""The progress of a call of a language model, told while its answers arrive."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

from llmal.core.records import Usage

Progress = Callable[[int, int], None]
"""Told how many of the prompts of a call are answered, and how many there are. What was answered
is in the response cache by then, if there is one."""


@runtime_checkable
class Reporting(Protocol):
    """A language model that reports the progress of a call."""

    on_progress: Progress | None
    """Told while answers arrive; may be set at any time."""


class Asked(Protocol):
    """A part that counts what it has asked of a language model."""

    @property
    def usage(self) -> Usage:
        """What was asked so far."""
        ...


class Meter:
    """What language models were asked since the last booking: what a progress line adds to what is
    booked, so that it moves while a batch is under way.

    Args:
        models: The models.
    """

    def __init__(self, models: Iterable[Asked]) -> None:
        self._models = tuple(models)
        self._before = self._now()

    def since(self) -> Usage:
        """What was asked since the last booking."""
        return self._now() - self._before

    def restart(self) -> None:
        """What was asked before is booked."""
        self._before = self._now()

    def _now(self) -> Usage:
        return sum((model.usage for model in self._models), Usage())


@contextlib.contextmanager
def reporting(models: Iterable[object], on_progress: Progress) -> Iterator[None]:
    """Have the models report their progress inside a `with` block, if they can."""
    telling = [model for model in models if isinstance(model, Reporting)]
    before = [one.on_progress for one in telling]
    for one in telling:
        one.on_progress = on_progress
    try:
        yield
    finally:
        for one, old in zip(telling, before, strict=True):
            one.on_progress = old
