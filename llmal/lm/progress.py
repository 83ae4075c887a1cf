"""How far a call of a language model is: told while its answers arrive."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

Progress = Callable[[int, int], None]
"""Told how many of the prompts of a call are answered, and how many there are. What was answered
is in the response cache by then, if there is one."""


@runtime_checkable
class Reporting(Protocol):
    """A language model that tells how far a call is."""

    on_progress: Progress | None
    """Told while answers arrive; may be set at any time."""


@contextlib.contextmanager
def reporting(models: Iterable[object], on_progress: Progress) -> Iterator[None]:
    """Have those of the models that can tell how far they are, for a while."""
    telling = [one for one in models if isinstance(one, Reporting)]
    before = [one.on_progress for one in telling]
    for one in telling:
        one.on_progress = on_progress
    try:
        yield
    finally:
        for one, old in zip(telling, before, strict=True):
            one.on_progress = old
