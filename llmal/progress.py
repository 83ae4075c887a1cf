"""Progress on stderr: bars on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from llmal.core.records import Usage
from llmal.run.events import Event

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SECONDS_BETWEEN_LINES = 5.0
_STDERR = 2


def say(text: str) -> None:
    """Write a line to stderr."""
    print(text, file=sys.stderr, flush=True)


class ProgressDisplay:
    """Shows the events of a run: what is under way, its rate, the cost so far, the time left.

    An event callback, to be entered as a context. Warnings are left to whoever shows those of the
    loggers.

    Args:
        quiet: Show nothing but that an interruption was heard.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bars: Progress | None = None
        self._bar: TaskID | None = None
        self._what = ""
        self._began = (0.0, 0)
        self._last_line = 0.0
        self._cost = ""

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._bars = _bars()
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if event.kind == "interrupting":
            # Heard in a signal handler, where buffered writing may be half-way through a line.
            os.write(_STDERR, f"\r{event.message}\n".encode())
        elif self._quiet or event.kind in ("warning", "stopped", "waiting"):
            return
        elif event.kind == "progress":
            self._show(**event.data)
        elif event.kind == "plan":
            say(f"before the first round: {event.message}")
        else:
            say(event.message)

    def step(self, what: str, done: int, total: int, usage: Usage | None = None) -> None:
        """Show how far something is, outside a run."""
        if not self._quiet:
            self._show(what, done, total, **({} if usage is None else usage.as_dict()))

    def _show(self, what: str, done: int, total: int, **cost: Any) -> None:
        if cost:
            self._cost = cost_in_words(cost)
        if what != self._what:
            self._clear()
            self._what, self._began = what, (time.monotonic(), done)
            self._last_line = time.monotonic()
            if self._bars is not None:
                self._bar = self._bars.add_task(what, total=total, completed=done, cost=self._cost)
        if self._bars is not None and self._bar is not None:
            self._bars.update(self._bar, completed=done, total=total, cost=self._cost)
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            say(self._line(done, total))
        if done >= total:
            self._clear()

    def _clear(self) -> None:
        if self._bars is not None and self._bar is not None:
            self._bars.remove_task(self._bar)
        self._bar, self._what = None, ""

    def _line(self, done: int, total: int) -> str:
        since, before = self._began
        rate = (done - before) / max(time.monotonic() - since, 1e-9)
        parts = [f"{rate:,.1f}/s", self._cost]
        if rate > 0:
            parts.append(f"{(total - done) / rate:,.0f} s left")
        return f"{self._what}: {done:,}/{total:,} ({', '.join(part for part in parts if part)})"


def cost_in_words(usage: dict[str, Any]) -> str:
    """Tokens, money and people's labels, as far as there are any."""
    tokens = usage.get("tokens", usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0))
    parts = []
    if tokens:
        parts.append(f"{tokens:,.0f} tokens")
    if usage.get("money"):
        parts.append(f"{usage['money']:,.2f} money")
    if usage.get("human_labels"):
        parts.append(f"{usage['human_labels']:,.0f} human labels")
    return ", ".join(parts)


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Task as Bar
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Bar) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f}/s")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TextColumn("{task.fields[cost]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
