"""Refuses texts that say the same again and again."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence

from llmal.core.records import SyntheticItem
from llmal.errors import ConfigError
from llmal.pool.minhash import words_of

_RUN = re.compile(r"(\S)\1{7,}")
_SIZE = 3
_LEAST_BYTES = 100
"""Of shorter texts, what zlib writes around the text counts for too much."""


class Repetition:
    """Refuses by repeated runs of words, words said over and over, and compression.

    Args:
        repeated: Of the runs of three words of a text, the share that stood in it before, above
            which it is refused.
        in_a_row: A word that stands so often one after the other has the text refused.
        compression: Bytes of a text of at least 100 over those that zlib makes of it, above which
            it is refused. Plain prose has from 1 to 2, and longer texts more.

    Raises:
        ConfigError: A limit is out of range.
    """

    name = "repetition"

    def __init__(self, repeated: float = 0.2, in_a_row: int = 4, compression: float = 2.5) -> None:
        if not 0 <= repeated <= 1:
            raise ConfigError(f"repeated is {repeated}", fix="it must be from 0 to 1")
        if in_a_row < 2:
            raise ConfigError(f"in_a_row is {in_a_row}", fix="it must be at least 2")
        if compression <= 1:
            raise ConfigError(f"compression is {compression}", fix="it must be above 1")
        self.repeated = repeated
        self.in_a_row = in_a_row
        self.compression = compression

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item what it repeats, and how often."""
        return [self._reason(item.text) for item in items]

    def _reason(self, text: str) -> str | None:
        run = _RUN.search(text)
        if run is not None and run.group(1).isalnum():
            return f"it has {len(run.group())} times {run.group(1)!r} in a row"
        words = words_of(text).split()
        count = 1
        for word, before in zip(words[1:], words[:-1], strict=True):
            count = count + 1 if word == before else 1
            if count == self.in_a_row:
                return f"it says {word!r} {count} times in a row"
        runs = Counter(zip(*(words[start:] for start in range(_SIZE)), strict=False))
        total = runs.total()
        share = 1 - len(runs) / total if total else 0.0
        if share > self.repeated:
            most, often = runs.most_common(1)[0]
            return (
                f"{share:.2f} of its runs of {_SIZE} words stood in it before, such as "
                f"{' '.join(most)!r} ({often} times), the limit is {self.repeated:g}"
            )
        raw = text.encode("utf-8", "surrogatepass")
        if len(raw) >= _LEAST_BYTES:
            ratio = len(raw) / len(zlib.compress(raw, 9))
            if ratio > self.compression:
                return f"it compresses {ratio:.1f} times, the limit is {self.compression:g}"
        return None
