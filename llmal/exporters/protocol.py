"""What an exporter writes, and its contract."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TextIO, runtime_checkable

from llmal.core.tables import Column


@dataclass(frozen=True)
class Companion:
    """A file that goes along with a table.

    Attributes:
        name: What it is called in a directory, such as "certificate.json". Beside a file its
            name without the ending, and a dot, come before.
        content: What it holds; None for a file that would be out of date, and is removed.
        beside: Whether it goes along with single files too, and not with directories alone.
    """

    name: str
    content: str | None
    beside: bool = True


class Table(ABC):
    """Rows to be written, and what is to be said of them.

    Attributes:
        columns: The columns, in their order.
        renamed: The columns of llmal's that gave way to columns of the input: what they are called.
        counts: How many rows there are of each sort, by what to call it; complete once all rows
            have been given.
    """

    columns: Sequence[Column]
    renamed: Mapping[str, str] = MappingProxyType({})
    counts: Counter[str]

    @abstractmethod
    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows, once: a value by the name of each column, or none."""

    def notes(self) -> Sequence[str]:
        """What is to be known of the rows, a sentence each, once all have been given."""
        return ()

    def companions(self) -> Sequence[Companion]:
        """Files that go along with it, once all rows have been given."""
        return ()

    def called(self, name: str) -> str:
        """What a column of llmal's, such as "label", is called in this table."""
        return self.renamed.get(name, name)


class Exporter(Protocol):
    """Writes a table of a run in one format."""

    @property
    def suffix(self) -> str:
        """The end of its files' names, such as ".csv"; "" where it writes a directory."""
        ...

    def write(self, path: Path, table: Table) -> int:
        """Write a table to a path where nothing is yet, and return how many rows it has.

        llmal puts what was written in its place when it is whole. Rows come one at a time, and
        there may be more of them than fit in memory. The columns of a table and their names depend
        on the pool; `table.called("label")` is where the answers are.

        Raises:
            LlmalError: The table has not what this format needs.
            OSError: It cannot be written.
        """
        ...


@runtime_checkable
class WritesLines(Protocol):
    """An exporter whose rows can go to standard output as they come."""

    def write_lines(self, out: TextIO, table: Table) -> int:
        """Write the rows, and return how many there are."""
        ...


@runtime_checkable
class TakenForNumbers(Protocol):
    """An exporter of plain text in which a spreadsheet takes texts for numbers and dates."""

    @property
    def keeps_texts(self) -> str:
        """The exporter that keeps them as they are."""
        ...
