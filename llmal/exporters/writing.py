"""Writing a table of a run with an exporter."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmal.core.files import write_whole
from llmal.core.spreadsheets import is_changed
from llmal.core.tables import check_place, write_in_place
from llmal.core.words import counted
from llmal.errors import ConfigError, LlmalError
from llmal.exporters import REGISTRY, SUFFIXES
from llmal.exporters.protocol import Companion, Exporter, Table, TakenForNumbers, WritesLines

STDOUT = Path("-")


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        rows: How many rows.
        counts: How many of each sort, in words.
        notes: What somebody who opens the file would stumble over.
    """

    rows: int
    counts: str
    notes: tuple[str, ...]


def name_of_exporter(path: Path) -> str | None:
    """The exporter whose files end as a path does; None if there is none, or no such end."""
    suffix = path.suffix.lower()
    if not suffix or suffix in SUFFIXES:
        return SUFFIXES.get(suffix)
    others = (one for one in REGISTRY.names() if one not in SUFFIXES.values())
    return next((one for one in others if REGISTRY.get(one).suffix == suffix), None)


def check_export(exporter: Exporter, path: Path, *, name: str, force: bool) -> None:
    """See that an export can be put at a path, before work is spent on it.

    Args:
        exporter: The format.
        path: The file or directory, or `STDOUT`.
        name: What the exporter is called.
        force: Whether to replace what is there.

    Raises:
        ConfigError: Something is there already, there is no such directory, or the format cannot be
            written to standard output.
    """
    if path == STDOUT:
        if not isinstance(exporter, WritesLines):
            raise ConfigError(
                f"{name} cannot be written to standard output",
                fix="use jsonl or csv, or name a file",
            )
        return
    check_place(path, force=force)
    if path.is_dir() and exporter.suffix:
        raise ConfigError("the output is a directory", where=str(path), fix="name a file")


def write_export(exporter: Exporter, path: Path, table: Table) -> Written:
    """Write a table, and put it in its place when it is whole.

    Args:
        exporter: The format.
        path: The file or directory, or `STDOUT`.
        table: The rows.

    Raises:
        LlmalError: The output cannot be written.
    """
    looked_at = _LookedAt(table) if isinstance(exporter, TakenForNumbers) else None
    written: list[Path] = []
    shown = table if looked_at is None else looked_at
    if path == STDOUT:
        assert isinstance(exporter, WritesLines), "see `check_export`"
        rows = exporter.write_lines(sys.stdout, shown)
    else:
        rows = write_in_place(path, lambda part: _write_whole(exporter, part, shown))
        if exporter.suffix:
            written = write_beside(path, table.companions())
    return Written(
        rows, _in_words(table.counts), tuple(_notes(table, exporter, looked_at, written))
    )


def _write_whole(exporter: Exporter, part: Path, table: Table) -> int:
    """Write a table; a directory with the files that go along with it."""
    rows = exporter.write(part, table)
    if not exporter.suffix and part.is_dir():
        for one in table.companions():
            if one.content is not None:
                (part / one.name).write_text(one.content, encoding="utf-8")
    return rows


def write_beside(path: Path, companions: Sequence[Companion]) -> list[Path]:
    """Write the files that go along with a file, and remove those that would be out of date.

    Returns:
        The files that were written.

    Raises:
        LlmalError: One cannot be written.
    """
    written = []
    try:
        for one in companions:
            place = companion_of(path, one.name)
            if not one.beside:
                continue
            if one.content is None:
                place.unlink(missing_ok=True)
                continue
            write_whole(place, one.content)
            written.append(place)
    except OSError as error:
        raise LlmalError(
            f"a file that goes along with the output cannot be written ({error.strerror or error})",
            where=str(path),
            fix="check the rights and the free space there",
        ) from error
    return written


def companion_of(path: Path, name: str) -> Path:
    """Where a file stands that goes along with a file."""
    return path.with_name(f"{path.stem}.{name}")


def _in_words(counts: Counter[str]) -> str:
    """The first count, and the others that are not 0; one of something is named without its s."""
    first, *others = counts.items()
    told = [first, *((name, number) for name, number in others if number)]
    return ", ".join(
        counted(number, re.sub(r"s\b", "", name, count=1), name) for name, number in told
    )


def _notes(
    table: Table, exporter: Exporter, looked_at: _LookedAt | None, written: Sequence[Path]
) -> Iterator[str]:
    yield from table.notes()
    for file in written:
        yield f"beside it: {file.name}"
    for name, called in table.renamed.items():
        yield f"the input has a column {name!r} of its own, so that of llmal is called {called!r}"
    if looked_at is not None and looked_at.example is not None:
        assert isinstance(exporter, TakenForNumbers)
        yield (
            f"a spreadsheet that opens this file would change {looked_at.changed:,} of its cells, "
            f"such as {looked_at.example!r}; --format {exporter.keeps_texts} keeps them as they are"
        )


class _LookedAt(Table):
    """A table that counts the texts that a spreadsheet would make something else of."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.columns = table.columns
        self.renamed = table.renamed
        self.counts = table.counts
        self.changed = 0
        self.example: str | None = None

    def rows(self) -> Iterator[dict[str, Any]]:
        names = [one.name for one in self.columns if one.kind == "text"]
        for row in self._table.rows():
            for name in names:
                cell = row.get(name)
                if isinstance(cell, str) and is_changed(cell):
                    self.changed += 1
                    self.example = self.example or cell[:40]
            yield row
