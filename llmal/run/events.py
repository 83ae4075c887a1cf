"""What a run tells while it goes on, to callbacks, to the ledger and to the report."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from llmal.core.records import Usage
from llmal.lm.progress import Meter

EventKind = Literal[
    "plan",
    "step",
    "progress",
    "round_started",
    "round_finished",
    "calibration",
    "changed",
    "known_labels",
    "promise",
    "synthetic",
    "waiting",
    "interrupting",
    "stopped",
    "warning",
]


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        kind: What sort of thing. "progress" has `what`, `done`, `total` and `cost` in its data.
        message: For people.
        data: For programs.
    """

    kind: EventKind
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


Callback = Callable[[Event], None]


class Announcer:
    """Tells callbacks what a run does, and how far the language model is with it.

    Args:
        callbacks: Told of every event.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = list(callbacks)
        """Told of every event; more may be appended."""
        self.activity = "asking the language model"
        """What the language model is asked for, outside a batch of items."""
        self._batch: tuple[str, int, int, int] | None = None
        self._furthest = 0
        self._meter = Meter(())
        self._booked = Usage()

    def count(self, meter: Meter, booked: Usage) -> None:
        """Tell with the progress of the language models what was spent.

        Args:
            meter: Reads what they are asked.
            booked: What the ledger has.
        """
        self._meter, self._booked = meter, booked

    def tell(self, kind: EventKind, message: str, **data: Any) -> None:
        """Tell of an event. One that says what was spent says what the ledger has."""
        if kind == "step":
            self.activity = message
        if "tokens" in data and kind != "plan":
            self._booked = Usage(
                prompt_tokens=data["tokens"],
                money=data["money"],
                human_labels=data["human_labels"],
            )
            self._meter.restart()
        self._send(kind, message, data)

    def _send(self, kind: EventKind, message: str, data: Mapping[str, Any]) -> None:
        for callback in self.callbacks:
            callback(Event(kind, message, data))

    @contextlib.contextmanager
    def batch(self, what: str, done: int, items: int, total: int) -> Iterator[None]:
        """While items are asked about: what is answered of them counts as progress of the whole.

        Args:
            what: The whole.
            done: Items of it that are done.
            items: Items of the batch.
            total: Items of the whole.
        """
        self._batch, self._furthest = (what, done, items, total), done
        try:
            yield
        finally:
            self._batch = None

    def asking(self, answered: int, prompts: int) -> None:
        """Tell how far a call of the language model is."""
        what, total = self.activity, prompts
        if self._batch is not None:
            what, done, items, total = self._batch
            # An item may take several calls: what was told is not taken back.
            self._furthest = max(self._furthest, done + items * answered // max(prompts, 1))
            answered = self._furthest
        spent = self._booked + self._meter.since()
        data = {
            "what": what,
            "done": answered,
            "total": total,
            "tokens": spent.tokens,
            "money": spent.money,
            "human_labels": spent.human_labels,
        }
        self._send("progress", what, data)


class WarningCollector(logging.Handler):
    """Keeps the warnings of llmal's loggers until the run writes them to its ledger.

    They may come from threads that send requests, which must not touch the ledger. A message is
    kept once, however often it comes.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen: set[str] = set()
        self._waiting: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a new message."""
        message = record.getMessage()
        if message not in self._seen:
            self._seen.add(message)
            self._waiting.append(message)

    def take(self) -> list[str]:
        """The messages since the last call."""
        self.acquire()
        try:
            taken, self._waiting = self._waiting, []
        finally:
            self.release()
        return taken
