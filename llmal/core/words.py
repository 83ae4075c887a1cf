"""Numbers and what they count, in words."""

from __future__ import annotations


def counted(number: int, one: str, several: str | None = None) -> str:
    """A number and what it counts: 1 label, 2,000 labels.

    Args:
        number: How many.
        one: What they are called where there is one.
        several: And where there are more or none; by default with an s.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
