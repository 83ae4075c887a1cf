"""Keys by which texts are recognised again, whatever their case, white space and Unicode form."""

from __future__ import annotations

import hashlib
import unicodedata


def folded(text: str) -> str:
    """A text in lower case and compatible Unicode form."""
    return unicodedata.normalize("NFKC", text).casefold()


def text_key(text: str) -> int:
    """64 bits of a hash of what counts of a text: not its case, white space or Unicode form."""
    plain = "".join(folded(text).split())
    raw = hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(raw, "big")
