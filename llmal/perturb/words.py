"""The words of many texts at once, as bounds in one array of bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK_CHARACTERS = 1 << 19
_WORD, _UPPER, _ALONE, _JOINER = 1, 2, 4, 8
_JOINERS = ("'", "’")
# Kana and Han: scripts that write no spaces and whose characters stand for something by themselves.
_ALONE_RANGES = (
    (0x3041, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)


@dataclass(frozen=True)
class Words:
    """The words of n texts.

    A word is a run of letters, digits and the marks on them, in any script, and of apostrophes
    inside it; of Han and Kana each character is a word, as BERT's tokeniser has it. What is
    between words (spaces, punctuation, signs, emoji) is no part of any.

    Attributes:
        encoded: The texts in UTF-8.
        raw: Those, each followed by a newline, as one array of bytes.
        bounds: Shape (n + 1,): where each text begins in `raw`.
        starts: Shape (T,): where each word begins in `raw`.
        ends: Shape (T,): where it ends.
        offsets: Shape (n + 1,): the first word of each text.
    """

    encoded: list[bytes]
    raw: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    offsets: NDArray[np.int64]
    _classes: NDArray[np.uint8]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Words of each text, shape (n,)."""
        return np.diff(self.offsets)

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """The text of each word, shape (T,)."""
        return np.repeat(np.arange(len(self.encoded)), self.lengths)

    @cached_property
    def folded(self) -> Any:
        """The words in lower case: a pyarrow array of T strings."""
        import pyarrow as pa
        import pyarrow.compute as pc

        kept = self.raw[(self._classes & _WORD).view(bool)]
        offsets = np.zeros(len(self.starts) + 1, dtype=np.int32)
        np.cumsum(self.ends - self.starts, out=offsets[1:])
        raw = kept.tobytes()
        if raw.isascii():
            raw = raw.lower()
        words = pa.StringArray.from_buffers(
            len(self.starts), pa.py_buffer(offsets), pa.py_buffer(raw)
        )
        return words if raw.isascii() else pc.utf8_lower(words)

    def with_replaced(self, chosen: NDArray[np.int64], by: Any) -> list[str]:
        """The texts with other words in some places.

        Args:
            chosen: Shape (r,), ascending: the words to be replaced.
            by: What comes in: a pyarrow array of r strings.
        """
        import pyarrow as pa

        r = len(chosen)
        gone, after = self.starts[chosen], self.ends[chosen]
        # What stays lies between what goes: every other of 2r + 1 pieces of the texts.
        edges = np.empty(2 * r + 2, dtype=np.int32)
        edges[0], edges[1:-1:2], edges[2:-1:2], edges[-1] = 0, gone, after, len(self.raw)
        pieces = pa.BinaryArray.from_buffers(
            pa.binary(), 2 * r + 1, [None, pa.py_buffer(edges), pa.py_buffer(self.raw)]
        )
        order = np.arange(2 * r + 1)
        order[1::2] = np.arange(2 * r + 1, 3 * r + 1)
        made = pa.concat_arrays([pieces, by.cast(pa.binary())]).take(pa.array(order))
        lengths = np.diff(np.frombuffer(by.buffers()[1], dtype=np.int32, count=r + 1))
        grown = np.zeros(r + 1, dtype=np.int64)
        np.cumsum(lengths - (after - gone), out=grown[1:])
        bounds = self.bounds + grown[np.searchsorted(chosen, self.offsets)]
        return _cut(made.buffers()[2], bounds)

    def case(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """How some words are written: 0 in lower case, 1 with a capital, 2 in capitals."""
        first = self.starts[chosen]
        lead = self.raw[first]
        second = first + 1 + (lead >= 0xC0) + (lead >= 0xE0) + (lead >= 0xF0)
        capital = (self._classes[first] & _UPPER) > 0
        # The byte after a word of one character is no capital of that word.
        more = (self._classes[second] & _UPPER) > 0
        return capital.astype(np.int64) + (capital & more & (second < self.ends[chosen]))


def find_words(texts: Sequence[str]) -> Words:
    """The words of some texts; of many, see `chunks`."""
    # Half a surrogate pair is not valid UTF-8, yet JSON files hold such texts.
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    bounds = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(one) + 1 for one in encoded], out=bounds[1:])
    joined = b"\n".join([*encoded, b""])
    raw = np.frombuffer(joined, dtype=np.uint8)
    classes = np.frombuffer(bytearray(joined.translate(_table_of_bytes())), dtype=np.uint8)
    if not joined.isascii():
        _classify_beyond_ascii(raw, classes)
    _keep_inner_joiners(raw, classes)
    starts, ends = _runs(raw, classes)
    return Words(
        encoded, raw, bounds, starts, ends, np.searchsorted(starts, bounds), _classes=classes
    )


def chunks(texts: Sequence[str]) -> Iterator[tuple[int, Words]]:
    """The words of many texts, some megabytes at once, so that memory does not grow with the pool.

    Yields:
        The position of the first text of a piece, and the words of the piece.
    """
    start = size = 0
    for position, text in enumerate(texts):
        if size + len(text) >= _CHUNK_CHARACTERS and position > start:
            yield start, find_words(texts[start:position])
            start, size = position, 0
        size += len(text) + 1
    if start < len(texts):
        yield start, find_words(texts[start:])


def _cut(raw: Any, bounds: NDArray[np.int64]) -> list[str]:
    """Texts from the bytes of all, each followed by a newline."""
    whole = str(memoryview(raw), "utf-8", "surrogatepass")
    if not whole.isascii():
        # Bounds count bytes, all but the first of a character too many.
        later = np.flatnonzero(np.frombuffer(raw, dtype=np.uint8) & 0xC0 == 0x80)
        bounds = bounds - np.searchsorted(later, bounds)
    edges = bounds.tolist()
    return [whole[start : end - 1] for start, end in pairwise(edges)]


def _runs(
    raw: NDArray[np.uint8], classes: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # The last byte is a newline, so every word has a byte after it.
    word = (classes & _WORD).view(bool)
    edges = np.flatnonzero(word[1:] != word[:-1]) + 1
    if len(word) and word[0]:
        edges = np.append(0, edges)
    starts, ends = edges[::2], edges[1::2]
    alone = np.flatnonzero(((classes & _ALONE) > 0) & (raw >= 0xC0))
    if len(alone):
        # Such a character begins a word, and another begins after it if the run goes on.
        after = alone + 3 + (raw[alone] >= 0xF0)
        cuts = np.append(alone[word[alone - 1] & (alone > 0)], after[word[after]])
        starts, ends = _merge(starts, cuts, len(raw)), _merge(ends, cuts, len(raw))
    return starts, ends


def _merge(places: NDArray[np.int64], more: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    marked = np.zeros(size, dtype=bool)
    marked[places] = marked[more] = True
    return np.flatnonzero(marked)


def _keep_inner_joiners(raw: NDArray[np.uint8], classes: NDArray[np.uint8]) -> None:
    """An apostrophe between letters is part of their word, any other is not."""
    at = np.flatnonzero(classes == _JOINER)
    # All bytes of a longer one are marked; what counts is its first.
    lead = at[(raw[at] < 0x80) | (raw[at] >= 0xC0)]
    length = np.where(raw[lead] >= 0xC0, 3, 1)
    inner = (lead > 0) & (classes[lead - 1] & _WORD > 0) & (classes[lead + length] & _WORD > 0)
    classes[at] = 0
    for step in range(3):
        classes[(lead + step)[inner & (step < length)]] = _WORD


def _classify_beyond_ascii(raw: NDArray[np.uint8], classes: NDArray[np.uint8]) -> None:
    """Give each byte of a longer character the class of that character."""
    lead = np.flatnonzero(raw >= 0xC0)
    wide = raw[lead]
    length = 2 + (wide >= 0xE0) + (wide >= 0xF0)
    code = (wide & np.array([0, 0, 0x1F, 0x0F, 0x07], np.uint8)[length]).astype(np.int64)
    for step in range(1, 4):
        here = step < length
        code[here] = code[here] << 6 | raw[lead[here] + step] & 0x3F
    found = _table_of_characters()[code]
    for step in range(4):
        here = step < length
        classes[lead[here] + step] = found[here]


def _class_of(character: str) -> int:
    if character in _JOINERS:
        return _JOINER
    code, category = ord(character), unicodedata.category(character)
    if any(first <= code <= last for first, last in _ALONE_RANGES):
        return _WORD | _ALONE
    if category in ("Lu", "Lt"):
        return _WORD | _UPPER
    # Variation selectors are marks too, but they stand after emoji.
    selector = 0xFE00 <= code <= 0xFE0F or code >= 0xE0100
    return _WORD if category[0] in "LN" or (category in ("Mn", "Mc") and not selector) else 0


@cache
def _table_of_bytes() -> bytes:
    return bytes(_class_of(chr(code)) if code < 0x80 else 0 for code in range(256))


@cache
def _table_of_characters() -> NDArray[np.uint8]:
    table = np.zeros(0x110000, dtype=np.uint8)
    # Of what is left, there is nothing beyond the second plane but selectors and private use.
    for code in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xD7A4, 0x20000)):
        table[code] = _class_of(chr(code))
    table[0xAC00:0xD7A4] = _WORD  # Hangul
    for first, last in _ALONE_RANGES:
        table[first : last + 1] = _WORD | _ALONE
    return table
