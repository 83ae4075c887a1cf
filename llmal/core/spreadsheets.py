"""What spreadsheets make of cells when they open a CSV file, and how cells are kept from that."""

from __future__ import annotations

import re

LONGEST_CELL = 32_767
"""Characters that a cell of Excel holds."""

MOST_ROWS = 1_048_576
"""Rows of a sheet of Excel, its header included."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_MONTH = r"(?:jan|feb|mar|mär|mrz|apr|mai|may|jun|jul|aug|sep|okt|oct|nov|dez|dec)[a-zä]*"
_CHANGED = re.compile(
    rf"""'*(?:
        \s*0\d+                              # 007 loses its zeros
      | \s*\d{{12,}}                         # 1234567890123456 loses digits
      | \s+\d+ | \d+\s+                      # space around a number goes
      | \s*\d+(?:\.\d+)?e[+-]?\d+            # 12e4 is a number
      | \s*\d+(?:[-/.:,]\d+)+                # 3-4 is a date, 1.50 and 1,234 are numbers
      | \s*\d+(?:[.,]\d+)?\s*[%€$£] | [€$£]\s*\d+(?:[.,]\d+)*
      | (?:\d{{1,2}}[-/.\s]*)?{_MONTH}[-/.\s]*\d{{1,4}} | \d{{1,2}}[-/.\s]*{_MONTH}
      | true | false | wahr | falsch
    )\Z""",
    re.IGNORECASE | re.VERBOSE,
)


def is_changed(cell: str) -> bool:
    """Whether a spreadsheet that opens a CSV file makes something else of a cell.

    It would run a formula, or take a number, a date or a truth value for what was a text.
    """
    return bool(_FORMULA.match(cell) or _CHANGED.match(cell))


def guard(cell: str) -> str:
    """A cell that a spreadsheet leaves alone: behind an apostrophe, if it needs one."""
    return f"'{cell}" if is_changed(cell) else cell


def unguard(cell: str) -> str:
    """A cell without the apostrophe of `guard`."""
    return cell[1:] if cell.startswith("'") and is_changed(cell[1:]) else cell
