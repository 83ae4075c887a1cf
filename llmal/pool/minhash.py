"""Texts that share most of their shingles, such as character five-grams, by min-wise hashing.

Broder, On the resemblance and containment of documents (1997); the banding is that of Leskovec,
Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError
from llmal.pool.text_keys import fold, text_key

Grams = NDArray[np.uint64]
Positions = NDArray[np.int64]

_ROWS = 5
_VALUES = 80
"""Two texts of Jaccard index s share a band with probability 1 - (1 - s^5)^16: 0.9999 at 0.85."""

_MISSED = 1e-3

_PER_BAND = 4
"""Most texts of one bucket that are looked at; of a template's thousand copies some will do."""

_MARGIN = 0.2
_CHARACTERS = 1 << 17
_NO_WORD = re.compile(r"[\W_]+")
_FACTORS = np.random.default_rng(0x5EED).integers(2**62, size=(_VALUES, 2)).astype(
    np.uint64
) * np.uint64(2) + np.uint64(1)
_BASE = np.uint64(0x100000001B3)


def words_of(text: str) -> str:
    """What counts of a text here: its letters and digits, one space for all between them."""
    return _NO_WORD.sub(" ", fold(text)).strip()


@dataclass(frozen=True)
class Shingles:
    """What texts are compared by: their runs of so many characters, or of so many words.

    Letters and digits alone count, in lower case and compatible Unicode form. A text too short for
    a shingle is one as a whole.

    Attributes:
        unit: Of what a shingle is a run.
        size: Of how many.

    Raises:
        ConfigError: The unit is unknown, or the size below one.
    """

    unit: Literal["characters", "words"] = "characters"
    size: int = 5

    def __post_init__(self) -> None:
        if self.unit not in ("characters", "words"):
            raise ConfigError(f"unit is {self.unit!r}", fix="it is characters or words")
        if self.size < 1:
            raise ConfigError(f"size is {self.size}", fix="it must be at least 1")

    def of(self, text: str) -> frozenset[Hashable]:
        """The shingles of a text; none if it has neither letter nor digit."""
        words = words_of(text)
        if not words:
            return frozenset()
        units: str | list[str] = words if self.unit == "characters" else words.split(" ")
        runs = [units[n : n + self.size] for n in range(max(1, len(units) - self.size + 1))]
        return frozenset(one if isinstance(one, str) else tuple(one) for one in runs)

    def hashed(self, words: Sequence[str]) -> tuple[Grams, Positions]:
        """The hashed shingles of texts, one text after the other, and where each text begins.

        Args:
            words: What counts of each text (`words_of`), none of them empty.
        """
        if self.unit == "characters":
            padded = [one.ljust(self.size) for one in words]
            joined = "".join(padded).encode("utf-32-le", "surrogatepass")
            codes = np.frombuffer(joined, dtype=np.uint32).astype(np.uint64)
            lengths = [len(one) for one in padded]
        else:
            split = [one.split(" ") for one in words]
            split = [[*one, *[""] * (self.size - len(one))] for one in split]
            known = {one: text_key(one) for one in {one for text in split for one in text}}
            codes = np.array([known[one] for text in split for one in text], dtype=np.uint64)
            lengths = [len(one) for one in split]
        return _runs(codes, np.array(lengths, dtype=np.int64), self.size)


FIVE_GRAMS = Shingles()


def jaccard(one: str, other: str, shingles: Shingles = FIVE_GRAMS) -> float:
    """How many of the shingles of two texts they share, of all that either has.

    Texts without letters and digits are the same if nothing but white space and case differs.
    """
    a, b = shingles.of(one), shingles.of(other)
    if not a or not b:
        return float(text_key(one) == text_key(other))
    return len(a & b) / len(a | b)


def rows_for(threshold: float) -> int:
    """The longest bands of which texts at a Jaccard index share one, but for one pair in 1,000.

    Longer bands are shared by fewer texts that are not alike, and so make less to look at.
    """
    chances = {rows: 1 - (1 - threshold**rows) ** (_VALUES // rows) for rows in range(1, 11)}
    return max((rows for rows, chance in chances.items() if chance >= 1 - _MISSED), default=1)


@dataclass(frozen=True)
class Signatures:
    """Min-hashes of n texts.

    Attributes:
        rows: Shape (m,): those of them that have a letter or a digit.
        values: Shape (m, 80): for each of 80 hash functions the least hash of a text's five-grams.
    """

    rows: Positions
    values: NDArray[np.uint32]

    @property
    def bands(self) -> NDArray[np.uint64]:
        """Shape (16, m): a hash of every five values."""
        return self.banded(_ROWS)

    def banded(self, rows: int) -> NDArray[np.uint64]:
        """Shape (80 // rows, m): a hash of every so many values."""
        count = _VALUES // rows
        shaped = self.values[:, : count * rows].reshape(len(self.values), count, rows)
        mixed = np.zeros((len(self.values), count), dtype=np.uint64)
        for row in range(rows):
            mixed = _mixed(mixed ^ shaped[:, :, row].astype(np.uint64)) + np.uint64(row)
        return np.ascontiguousarray(mixed.T)


def sign(texts: Sequence[str], shingles: Shingles = FIVE_GRAMS) -> Signatures:
    """The signatures of texts; a few MiB at a time, and 320 bytes a text in the result."""
    words = [words_of(text) for text in texts]
    rows = np.array([n for n, one in enumerate(words) if one], dtype=np.int64)
    values = np.empty((len(rows), _VALUES), dtype=np.uint32)
    start = 0
    for part in _parts([words[row] for row in rows]):
        grams, offsets = shingles.hashed(part)
        for column, (factor, shift) in enumerate(_FACTORS):
            hashed = (grams * factor + shift) >> np.uint64(32)
            least = np.minimum.reduceat(hashed, offsets)
            values[start : start + len(part), column] = least.astype(np.uint32)
        start += len(part)
    return Signatures(rows, values)


def _parts(words: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for one in words:
        if part and size + len(one) > _CHARACTERS:
            yield part
            part, size = [], 0
        part.append(one)
        size += len(one)
    if part:
        yield part


def _runs(codes: Grams, lengths: Positions, size: int) -> tuple[Grams, Positions]:
    """The hashed runs within texts of such lengths, and where each text begins among them."""
    windows = np.zeros(len(codes) - size + 1, dtype=np.uint64)
    for place, power in enumerate(_BASE ** np.arange(size, dtype=np.uint64)):
        windows += codes[place : place + len(windows)] * power
    ends = np.cumsum(lengths)
    whole = np.ones(len(windows), dtype=bool)
    for back in range(1, size):
        across = ends[:-1] - back
        whole[across[across < len(whole)]] = False
    counts = lengths - size + 1
    return _mixed(windows[whole]), np.concatenate([[0], np.cumsum(counts)[:-1]])


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Well-mixed bits (the finaliser of MurmurHash3)."""
    mixed = values ^ (values >> np.uint64(33))
    mixed = mixed * np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed


class LikelyPairs:
    """Finds, among texts that were signed, those that are likely to be nearly another text.

    Args:
        signatures: Of the texts to be found.
    """

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures
        bands = signatures.bands
        self._order = np.argsort(bands, axis=1, kind="stable")
        self._sorted = np.take_along_axis(bands, self._order, axis=1)

    def of(self, asked: Signatures, threshold: float) -> Iterator[tuple[int, list[int]]]:
        """For rows of `asked`, the rows that may reach a Jaccard index, the likeliest first."""
        if not len(self._signatures.rows) or not len(asked.rows):
            return
        pairs: list[NDArray[np.int64]] = []
        for band, hashes in enumerate(asked.bands):
            left = np.searchsorted(self._sorted[band], hashes, side="left")
            right = np.searchsorted(self._sorted[band], hashes, side="right")
            for step in range(_PER_BAND):
                hits = np.flatnonzero(left + step < right)
                pairs.append(np.stack([hits, self._order[band, left[hits] + step]], axis=1))
        unique = np.unique(np.concatenate(pairs), axis=0)
        known = self._signatures.values
        agree = np.array([(asked.values[a] == known[b]).mean() for a, b in unique])
        likely = agree >= threshold - _MARGIN if len(agree) else np.zeros(0, dtype=bool)
        best = np.lexsort((-agree[likely], unique[likely][:, 0])) if likely.any() else []
        found: dict[int, list[int]] = {}
        for a, b in unique[likely][best]:
            found.setdefault(int(a), []).append(int(b))
        for a, others in found.items():
            yield int(asked.rows[a]), [int(self._signatures.rows[b]) for b in others]
