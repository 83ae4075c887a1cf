"""The files that tables are written to: one class for each format."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, TextIO

from llmal.core.tables import Format, write_lines, write_rows
from llmal.exporters.protocol import Table


class _RowFile:
    """A format of `llmal.core.tables`."""

    format: ClassVar[Format]

    def write(self, path: Path, table: Table) -> int:
        """Write the rows."""
        return write_rows(path, self.format, table.columns, table.rows())


class _LineFile(_RowFile):
    def write_lines(self, out: TextIO, table: Table) -> int:
        """Write the rows as they come."""
        return write_lines(out, self.format, table.columns, table.rows())


class JsonLines(_LineFile):
    """An object a line."""

    format = "jsonl"
    suffix = ".jsonl"


class Csv(_LineFile):
    """UTF-8 with a byte-order mark, by which spreadsheets know it."""

    format = "csv"
    suffix = ".csv"
    keeps_texts = "xlsx"


class Excel(_RowFile):
    """A workbook in which every text stays the text that it is."""

    format = "xlsx"
    suffix = ".xlsx"


class Parquet(_RowFile):
    """Columns with types."""

    format = "parquet"
    suffix = ".parquet"


class HuggingFace(_RowFile):
    """A directory that `datasets.load_from_disk` reads."""

    format = "hf"
    suffix = ""
