"""What an imported pool looks like on disk."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from llmal.pool.columns import Kind

FORMAT = 4
"""Version of the layout; part of the name of every imported pool."""

ROWS = "rows.arrow"
"""Strings in an Arrow stream: "text:<column>" for each text column, "gold", "id", "extra" (the
other columns of a row as a JSON object, so that any mixture of types comes back as it was)."""

_DESCRIPTION = "pool.json"


@dataclass(frozen=True)
class Layout:
    """The description beside the rows.

    The arrays, each a .npy file: "lines" (the line of each row), "id_hashes" and "id_order" (see
    `IdIndex`), "copies" (positions of repeated texts; positions of their first occurrence) and,
    where ids are made from content, "content" (hash of each text) and "suffixes" (positions of
    repeated hashes; number of each).

    Attributes:
        name: What the source is called in messages.
        unit: What its rows are counted in: "line" or "row".
        text: The text columns.
        gold: The gold column, or several.
        gold_lists: Whether a gold answer is a list in JSON.
        id: The column of the ids; None where they are made from content.
        columns: Every column of the rows, in the order in which they were first seen, with the kind
            of its values.
        content_ids: Whether ids are made from content.
        rows: Number of rows.
        fingerprint: Hash of the content.
        copies: Rows whose text occurred before.
        first_copy: Lines of the first such text, earlier and later.
        empty: Rows without text.
        first_empty: Line of the first one.
    """

    name: str
    unit: str
    text: tuple[str, ...]
    gold: tuple[str, ...]
    gold_lists: bool
    id: str | None
    columns: tuple[tuple[str, Kind], ...]
    content_ids: bool
    rows: int
    fingerprint: str
    copies: int
    first_copy: tuple[int, int] | None
    empty: int
    first_empty: int | None

    def write(self, folder: Path) -> None:
        """Write the description, with the sizes of the files that stand in the folder already."""
        sizes = {one.name: one.stat().st_size for one in sorted(folder.iterdir())}
        record = {**asdict(self), "sizes": sizes}
        (folder / _DESCRIPTION).write_text(json.dumps(record, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Layout | None:
        """The description, or None if a file of the folder is missing or cut short."""
        try:
            record: dict[str, Any] = json.loads((folder / _DESCRIPTION).read_text("utf-8"))
            sizes = record.pop("sizes")
            if any((folder / name).stat().st_size != size for name, size in sizes.items()):
                return None
        except (OSError, ValueError, KeyError):
            return None
        record["text"], record["gold"] = tuple(record["text"]), tuple(record["gold"])
        record["columns"] = tuple((name, kind) for name, kind in record["columns"])
        record["first_copy"] = tuple(record["first_copy"]) if record["first_copy"] else None
        return cls(**record)

    def warnings(self) -> list[str]:
        """What a person should know about the texts, one sentence each."""
        found = []
        if self.first_copy is not None:
            earlier, later = self.first_copy
            found.append(
                f"{self.name}: {self.copies} of {self.rows} texts repeat an earlier one, first at "
                f"{self.unit}s {earlier} and {later}"
            )
        if self.empty:
            found.append(
                f"{self.name}: {self.empty} of {self.rows} texts are empty, first at "
                f"{self.unit} {self.first_empty}"
            )
        return found
