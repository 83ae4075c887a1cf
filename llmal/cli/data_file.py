"""A file with labels, as options of a command name it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from llmal.cli.annotate import label_names
from llmal.pool.readers import Reading
from llmal.task import TaskKind


@dataclass(frozen=True)
class DataFile:
    """A file, how it is read, and of which task its labels are.

    Attributes:
        path: Where it is.
        reading: How it is read.
        labels: All labels of the task; None for those that occur.
        kind: What an answer is.
    """

    path: Path
    reading: Reading
    labels: list[str] | None
    kind: TaskKind


def data_file(
    path: Path,
    labels: str | None,
    kind: str | None,
    encoding: str | None,
    delimiter: str | None,
    sheet: str | None,
) -> DataFile:
    """The file that options name: `--data`, `--labels`, `--kind`, `--encoding` and the like.

    Raises:
        ConfigError: A label has no name.
    """
    return DataFile(
        path,
        Reading(encoding, delimiter, sheet),
        None if labels is None else label_names(labels),
        kind or "single",
    )
