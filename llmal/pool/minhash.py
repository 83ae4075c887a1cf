"""Texts that share most of their character five-grams, found by min-wise hashing.

Broder, On the resemblance and containment of documents (1997); the banding is that of Leskovec,
Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.pool.text_keys import fold, text_key

Grams = NDArray[np.uint64]
Positions = NDArray[np.int64]

_GRAM = 5
_BANDS = 16
_ROWS = 5
"""Two texts of Jaccard index s share a band with probability 1 - (1 - s^5)^16: 0.9999 at 0.85."""

_PER_BAND = 4
"""Most texts of one bucket that are looked at; of a template's thousand copies some will do."""

_MARGIN = 0.2
_CHARACTERS = 1 << 21
_NO_WORD = re.compile(r"[\W_]+")
_FACTORS = np.random.default_rng(0x5EED).integers(2**62, size=(_BANDS * _ROWS, 2)).astype(
    np.uint64
) * np.uint64(2) + np.uint64(1)
_POWERS = np.uint64(0x100000001B3) ** np.arange(_GRAM, dtype=np.uint64)


def words_of(text: str) -> str:
    """What counts of a text here: its letters and digits, one space for all between them."""
    return _NO_WORD.sub(" ", fold(text)).strip()


def jaccard(one: str, other: str) -> float:
    """How many of the five-grams of two texts they share, of all that either has.

    Texts too short for a five-gram are compared as a whole.
    """
    first, second = words_of(one), words_of(other)
    if not first or not second:
        return float(text_key(one) == text_key(other))
    a, b = ({text[n : n + _GRAM] for n in range(len(text) - _GRAM + 1)} for text in (first, second))
    if not a or not b:
        return float(first == second)
    return len(a & b) / len(a | b)


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
        shaped = self.values.reshape(len(self.values), _BANDS, _ROWS).astype(np.uint64)
        mixed = np.zeros((len(self.values), _BANDS), dtype=np.uint64)
        for row in range(_ROWS):
            mixed = _mixed(mixed ^ shaped[:, :, row]) + np.uint64(row)
        return np.ascontiguousarray(mixed.T)


def sign(texts: Sequence[str]) -> Signatures:
    """The signatures of texts; about 64 MiB at a time, and 320 bytes a text in the result."""
    # A shorter text is one five-gram.
    words = [words.ljust(_GRAM) if (words := words_of(text)) else "" for text in texts]
    rows = np.array([n for n, one in enumerate(words) if one], dtype=np.int64)
    values = np.empty((len(rows), _BANDS * _ROWS), dtype=np.uint32)
    start = 0
    for part in _parts([words[row] for row in rows]):
        grams, offsets = _grams(part)
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


def _grams(words: Sequence[str]) -> tuple[Grams, Positions]:
    """The hashed five-grams of texts, one text after the other, and where each text begins."""
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(one) for one in words], dtype=np.int64)
    windows = np.zeros(len(codes) - _GRAM + 1, dtype=np.uint64)
    for place, power in enumerate(_POWERS):
        windows += codes[place : place + len(windows)].astype(np.uint64) * power
    ends = np.cumsum(lengths)
    whole = np.ones(len(windows), dtype=bool)
    for back in range(1, _GRAM):
        across = ends[:-1] - back
        whole[across[across < len(whole)]] = False
    counts = lengths - _GRAM + 1
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
