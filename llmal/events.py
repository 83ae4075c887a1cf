"""What a run tells while it goes on, to callbacks, to the ledger and to the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EventKind = Literal[
    "plan",
    "step",
    "progress",
    "round_started",
    "round_finished",
    "calibration",
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
