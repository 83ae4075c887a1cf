"""Keys by which texts are recognised again, whatever their case, white space and Unicode form."""

from __future__ import annotations

import unicodedata

from llmal.core.fingerprint import digest


def fold(text: str) -> str:
    """A text in lower case and compatible Unicode form."""
    return unicodedata.normalize("NFKC", text).casefold()


def text_key(text: str) -> int:
    """64 bits of a hash of what counts of a text: not its case, white space or Unicode form."""
    plain = "".join(fold(text).split())
    return int.from_bytes(digest(plain, 8), "big")
