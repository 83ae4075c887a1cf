"""How far the fetching of a model is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

OnProgress: TypeAlias = Callable[[str, int, int], None]
"""Called with what is under way, how much of it is done, and of how much."""

_SECONDS_BETWEEN_LOOKS = 0.2


@contextmanager
def own_bar() -> Iterator[OnProgress]:
    """A bar on stderr, for a terminal or a notebook; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    shown = console.is_terminal or console.is_jupyter
    with Progress(*columns, console=console, transient=True, disable=not shown) as bars:
        bar = bars.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            bars.update(bar, description=what, completed=done, total=total)

        yield show


@contextmanager
def watch(folder: Path, what: str, megabytes: int, on_progress: OnProgress) -> Iterator[None]:
    """Show how a folder grows to a size, in megabytes, while something else writes it."""
    done = threading.Event()

    def look() -> None:
        most = 0
        while not done.wait(_SECONDS_BETWEEN_LOOKS):
            # Less than before is there when a file has been moved away at the end.
            most = max(most, min(_bytes_in(folder) // 1_000_000, megabytes - 1))
            on_progress(what, most, megabytes)

    on_progress(what, 0, megabytes)
    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    on_progress(what, megabytes, megabytes)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size if path.is_file() else 0
        except FileNotFoundError:  # renamed meanwhile
            continue
    return total
