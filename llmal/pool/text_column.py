"""One of the text columns of a pool."""

from __future__ import annotations

from llmal.pool.pool_rows import Indices, PoolRows


class TextColumn:
    """The texts of one column, at the same positions as the items.

    Args:
        rows: The pool.
        name: Of one of its text columns.
    """

    def __init__(self, rows: PoolRows, name: str) -> None:
        self._rows = rows
        self._name = name

    @property
    def fingerprint(self) -> str:
        """What tells it from another column, and from that of another pool."""
        return f"{self._rows.fingerprint} {self._name}"

    def __len__(self) -> int:
        return len(self._rows)

    def texts(self, indices: Indices) -> list[str]:
        """The texts at these positions."""
        return self._rows.texts(indices, column=self._name)
