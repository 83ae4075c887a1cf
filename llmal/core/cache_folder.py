"""Where llmal keeps what can be made or fetched again: imports, embeddings, models."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """The folder that LLMAL_CACHE names, or else ~/.cache/llmal."""
    return Path(os.environ.get("LLMAL_CACHE") or "~/.cache/llmal").expanduser().absolute()


@contextmanager
def hold_lock(file: Path, log: logging.Logger, waiting: str, *, seconds: float) -> Iterator[None]:
    """Hold a lock that one process has at a time; the folder of its file is made.

    Args:
        file: The lock file.
        log: Says that another process has it.
        waiting: What is said.
        seconds: How long it is waited for in silence.

    Raises:
        OSError: The file cannot be written.
    """
    from filelock import FileLock, Timeout

    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        log.warning(waiting)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
