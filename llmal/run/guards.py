"""What stands around a run: one process at a time, a good end at Ctrl-C, warnings kept."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from llmal.errors import LedgerError
from llmal.run.events import WarningCollector


class Interrupted(Exception):
    """Ctrl-C was pressed once, and the work in hand is done."""


class Interruption:
    """Whether the work is to end at the next point at which nothing is lost by it."""

    def __init__(self) -> None:
        self.wanted = False

    def check(self) -> None:
        """End here if that is wanted.

        Raises:
            Interrupted: It is.
        """
        if self.wanted:
            raise Interrupted


class Hold:
    """A hold of a run directory: no other process runs there.

    Args:
        directory: The run directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()

    def of(self, directory: Path) -> bool:
        """Whether it is this directory that is held."""
        return directory.resolve() == self._directory


@contextlib.contextmanager
def only_one(directory: Path) -> Iterator[Hold]:
    """Hold a run directory, made if it is not there, against other processes.

    Raises:
        LedgerError: Another process holds it, or it cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / "run.lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise LedgerError(
            "another process is running here",
            where=str(directory),
            fix="wait for it to end, or choose another directory",
        ) from None
    except OSError as error:
        raise _unwritable(directory, error) from error
    try:
        yield Hold(directory)
    finally:
        lock.release()


def _unwritable(directory: Path, error: OSError) -> LedgerError:
    return LedgerError(
        f"the run directory cannot be written ({error.strerror})",
        where=str(directory),
        fix="check its rights and the free space",
    )


@contextlib.contextmanager
def in_turn(directory: Path) -> Iterator[None]:
    """Wait until no other process is between two rounds of a run directory, and keep it out.

    Raises:
        LedgerError: The directory cannot be written.
    """
    from filelock import FileLock

    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / "rounds.lock")
        lock.acquire()
    except OSError as error:
        raise _unwritable(directory, error) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def collected_warnings() -> Iterator[WarningCollector]:
    """Collect what llmal's loggers warn of."""
    collector = WarningCollector()
    logger = logging.getLogger("llmal")
    logger.addHandler(collector)
    try:
        yield collector
    finally:
        logger.removeHandler(collector)


@contextlib.contextmanager
def on_interrupt(first: Callable[[], None]) -> Iterator[None]:
    """Call `first` at the first Ctrl-C; the second one interrupts as usual.

    Outside the main thread, where no signals arrive, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = 0

    def handle(number: int, frame: Any) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            raise KeyboardInterrupt
        first()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
