"""A bar for the steps of a training."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from llmal.learners.training.trainer import OnStep


@contextmanager
def training_bar(what: str, shown: bool) -> Iterator[OnStep | None]:
    """A bar on a terminal, or None where none is to be shown.

    Args:
        what: What is trained.
        shown: Whether it is asked for.
    """
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn(f"training {what}"), BarColumn(), MofNCompleteColumn(),
               TextColumn("steps"), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
