"""How names are spelt: what nobody can see in them, and how cells of a table become text."""

from __future__ import annotations

import math
import unicodedata

MOST_EXACT = 2**53
"""Whole numbers above this may have lost digits when they were read as floats."""

# Letters by class, and blank to look at.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
_MISSING = frozenset({"NAType", "NaTType"})


def as_seen(text: str) -> str:
    """A text as a person sees it: two texts that look the same are the same here.

    Canonically composed (NFC), without characters that cannot be seen, every stretch of white space
    one space, and none around it. Case, and letters that only resemble each other, stay.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", "".join(filter(_is_seen, text)))
    elif not text.isprintable():
        text = "".join(filter(_is_seen, text))
    return " ".join(text.split())


def _is_seen(character: str) -> bool:
    if character.isspace():
        return True
    if character in _BLANK or "\ufe00" <= character <= "\ufe0f":
        return False
    return unicodedata.category(character) not in ("Cf", "Cc")


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing: None, NaN, or the missing values of pandas."""
    if value is None or type(value).__name__ in _MISSING:
        return True
    return isinstance(value, float) and math.isnan(value)


def plain(value: object) -> object:
    """A numpy scalar as the Python value that it stands for; anything else as it is."""
    if type(value).__module__ != "numpy":
        return value
    import numpy as np

    return value.item() if isinstance(value, np.generic) else value


def written(value: object) -> str:
    """A cell as text: a whole number without a point, whatever type it was read as.

    pandas and spreadsheets turn whole numbers into floats as soon as one cell of a column is empty.

    Raises:
        TypeError: It is no text, number or truth value, and so has no one spelling.
        ValueError: It is a float so large that it has lost digits, or infinite.
    """
    value = plain(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        if not value.is_integer() and math.isfinite(value):
            return repr(value)
        if abs(value) >= MOST_EXACT:
            raise ValueError(f"the number {value!r}, which may have lost digits")
        return str(int(value))
    raise TypeError(f"of type {type(value).__name__}, not a string or a whole number")
