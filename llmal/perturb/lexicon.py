"""Scores of words, and which words replace others, from the statistics of a corpus."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.perturb.statistics import CorpusStatistics, counts_within
from llmal.perturb.words import Words

_MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)


class Lexicon:
    """Scores the words of texts, and draws words.

    Args:
        statistics: Of V words.
    """

    def __init__(self, statistics: CorpusStatistics) -> None:
        import pyarrow as pa

        words = statistics.words
        # The last is for words that the corpus lacks.
        self._idf = np.append(statistics.idf, np.log(statistics.texts))
        self._words = pa.array(words, pa.string())
        hashes = _hashes(self._words)
        self._by_hash = np.append(np.argsort(hashes, kind="stable"), -1)
        self._hashes = hashes[self._by_hash[:-1]]
        said = statistics.counts * statistics.idf
        spare = said.max(initial=0) - said
        if not spare.any():
            spare = np.ones_like(said)
        self.weights: NDArray[np.float64] = spare / spare.sum()
        """Probability of each word to come in, shape (V,)."""
        self._cumulative = np.cumsum(self.weights)
        self._cumulative /= self._cumulative[-1:]
        # A first guess for each of many cells of [0, 1): the search then is a step or none.
        self._cells = 4 * len(words)
        cells = np.arange(self._cells) / max(self._cells, 1)
        self._guess = np.searchsorted(self._cumulative, cells, "right")
        self._written = pa.array(
            [
                *words,
                *(word[:1].upper() + word[1:] for word in words),
                *(word.upper() for word in words),
            ],
            pa.string(),
        )

    def counted_idf(self, part: Words) -> NDArray[np.float64]:
        """Occurrences in its own text · IDF of each of T words, shape (T,)."""
        coded = part.folded.dictionary_encode()
        ids = coded.indices.to_numpy()
        scores: NDArray[np.float64] = self._idf[self._numbers(coded.dictionary)][ids]
        scores *= counts_within(part.owner * len(coded.dictionary) + ids)
        return scores

    def draw(self, chances: NDArray[np.float64], case: NDArray[np.int64]) -> Any:
        """Words for r numbers in [0, 1): a pyarrow array of strings.

        Args:
            chances: Shape (r,).
            case: Shape (r,): 0 for lower case, 1 for a capital, 2 for capitals.
        """
        import pyarrow as pa

        found = self._guess[(chances * self._cells).astype(np.int64)]
        behind = np.flatnonzero(self._cumulative[found] <= chances)
        while len(behind):
            found[behind] += 1
            behind = behind[self._cumulative[found[behind]] <= chances[behind]]
        return self._written.take(pa.array(found + case * len(self.weights)))

    def _numbers(self, words: Any) -> NDArray[np.int64]:
        """The places of words among those of the corpus, -1 for others."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not len(self._words):
            return np.full(len(words), -1)
        # Python strings and a dict would take longer than all else that is done to the texts.
        at = self._by_hash[np.searchsorted(self._hashes, _hashes(words))]
        same = pc.equal(self._words.take(pa.array(at, mask=at < 0)), words)
        return np.where(same.fill_null(False).to_numpy(zero_copy_only=False), at, -1)


def _hashes(words: Any) -> NDArray[np.uint64]:
    """A hash of each of V words in a pyarrow array, shape (V,)."""
    if not len(words):
        return np.zeros(0, dtype=np.uint64)
    offsets = np.frombuffer(words.buffers()[1], dtype=np.int32)[: len(words) + 1].astype(np.int64)
    raw = np.frombuffer(words.buffers()[2], dtype=np.uint8)[: offsets[-1]]
    place = np.arange(len(raw)) - np.repeat(offsets[:-1], np.diff(offsets))
    powers = np.multiply.accumulate(np.full(int(place.max()) + 1, _MULTIPLIER))
    spread = (raw.astype(np.uint64) + np.uint64(1)) * powers[place]
    # No word is empty.
    hashes: NDArray[np.uint64] = np.add.reduceat(spread, offsets[:-1])
    return hashes ^ (hashes >> np.uint64(32))
