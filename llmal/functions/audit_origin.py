"""What a file of drawn rows says of its draw, so that the draw can be checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmal.core.spelling import is_missing
from llmal.errors import ConfigError, DataError
from llmal.functions.columns import columns_of
from llmal.functions.rows import InputRows

DRAW, DRAWS, GROUPS, SEED, ROW = "draw", "draws", "groups", "seed", "row"
"""Columns of drawn rows: the number of the draw, how many rows were drawn, how many groups these
are (only where groups were drawn), the seed, and the place in the data."""


@dataclass(frozen=True)
class AuditOrigin:
    """How rows were drawn, by the file that `draw_audit` wrote.

    Attributes:
        seed: The seed of the draw.
        rows: How many rows were drawn; None in a file of an earlier version.
        groups: How many groups, where groups were drawn; None of rows, or in such a file.
        source: The file, for messages.
    """

    seed: int
    rows: int | None
    groups: int | None
    source: str

    def check(self, seed: int | None, group: str | None) -> None:
        """See that seed and groups are those of the draw.

        Raises:
            ConfigError: They are not.
        """
        if seed is not None and seed != self.seed:
            raise ConfigError(
                f"the audit was drawn with seed {self.seed}, and the seed {seed} is given",
                where=self.source,
                fix="leave the seed out, and it is taken from the file",
            )
        if group is None and self.groups is not None:
            raise ConfigError(
                "the audit was drawn by groups of near-duplicates, and their column is not named",
                where=self.source,
                fix="name the column that it was drawn with: --group, or group= in Python",
            )
        if group is not None and self.rows is not None and self.groups is None:
            raise ConfigError(
                f"the audit was drawn row by row, and the groups of {group!r} are named",
                where=self.source,
                fix="leave them out (--group, or group= in Python), or draw an audit with them",
            )


def origin_of(table: InputRows, data: InputRows) -> AuditOrigin | None:
    """How the rows of a file were drawn; None where it does not come from `draw_audit`.

    Args:
        table: The file that people filled in.
        data: What it was drawn from.

    Raises:
        DataError: It does not say one seed.
    """
    seed = _called(SEED, table, data)
    if seed is None:
        return None
    rows, groups = (_called(name, table, data) for name in (DRAWS, GROUPS))
    found = _the_number(table, seed)
    return AuditOrigin(
        found,
        None if rows is None else _the_number(table, rows),
        None if groups is None or rows is None else _the_number(table, groups),
        table.name,
    )


def _called(name: str, table: InputRows, data: InputRows) -> str | None:
    """What a column of llmal's is called in a file of drawn rows; None where it is not there.

    A column of the data's own by that name is none, and llmal's has "llmal_" before it then.
    """
    if f"llmal_{name}" in table.names:
        return f"llmal_{name}"
    if name not in table.names:
        return None
    # Where the data got a column "seed" since, the number of the draw is the sign of llmal's.
    is_drawn = name == SEED and DRAW in table.names and DRAW not in data.names
    return name if name not in data.names or is_drawn else None


def _the_number(table: InputRows, column: str) -> int:
    """The whole number that stands in each row of a column.

    Raises:
        DataError: There is none, or another in another row.
    """
    cells = columns_of(table, [(column, column)])[column]
    first: int | None = None
    for place, value in enumerate(cells.values):
        number = _whole(value)
        if number is None or first not in (None, number):
            said = "nothing" if is_missing(value) else repr(value)
            raise DataError(
                f"llmal wrote one whole number into all rows of this column, and {said} stands here"
                + ("" if first is None else f" after {first}"),
                where=cells.where(place),
                fix="keep what llmal wrote; of rows that llmal did not draw, leave the column out",
            )
        first = number
    if first is None:
        raise DataError("it has no row", where=table.name, fix="give the rows that were drawn")
    return first


def _whole(value: Any) -> int | None:
    """A cell as a whole number from 0, as spreadsheets write these too."""
    text = str(value).strip().removesuffix(".0")
    return int(text) if text.isascii() and text.isdecimal() else None
