"""Replacing the words that say little."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError, DataError
from llmal.perturb.checks import check_copies, check_texts
from llmal.perturb.draws import (
    UNIFORM_BITS,
    bits,
    move_streams,
    steps,
    streams,
    text_hashes,
    uniforms,
)
from llmal.perturb.lexicon import Lexicon
from llmal.perturb.statistics import CorpusStatistics
from llmal.perturb.words import Words, chunks, find_words

log = logging.getLogger("llmal.perturb")


class TfIdfReplacement:
    """Replaces words of little TF-IDF by others that say little (UDA; ALLSH's default).

    Word i of a text is replaced with probability min(rate · (C − t_i) / Z, 1), where
    t_i = TF · IDF, TF the share of the text's words that are this word, IDF = ln(texts / texts with
    the word), C the largest t of the text and Z the mean of C − t_i over its words. So about
    `rate` of a text's words are replaced, and never the one that says most. Where all words of a
    text say alike much, Z is 0 and nothing is replaced.

    What comes in is word w with probability proportional to max S − S(w), S(w) = occurrences in the
    corpus · IDF(w); where S is the same for all words, all are alike likely. As published, this
    keeps out the words that are typical of the corpus; rare ones come in readily. It may be the
    word that was there.

    Words (see `Words`) are compared in lower case. What comes in is written as what was there: in
    lower case, with a capital, or in capitals. Everything between words stays. A word that the
    corpus lacks counts as one of a single text.

    Args:
        rate: Share of words to replace; UDA's and ALLSH's p.
        statistics: Word statistics of a corpus; `fit` learns them.

    Raises:
        ConfigError: The rate is not a probability.

    Source: Xie et al. 2020 (UDA), appendix; Zhang et al. 2022 (ALLSH), appendix A.
    """

    name = "tf-idf"

    def __init__(self, rate: float = 0.3, statistics: CorpusStatistics | None = None) -> None:
        if not 0 <= rate <= 1:
            raise ConfigError(f"rate is {rate}", fix="it must be between 0 and 1")
        self.rate = rate
        self._statistics = statistics

    @property
    def fingerprint(self) -> str:
        """Rate and a hash of the word statistics."""
        learned = "unfitted" if self._statistics is None else self._statistics.fingerprint
        return f"{self.name}(rate={self.rate:g})#{learned}"

    @property
    def statistics(self) -> CorpusStatistics:
        """What the corpus says of its words.

        Raises:
            DataError: It has not been fitted.
        """
        if self._statistics is None:
            raise DataError(
                "TF-IDF replacement knows no corpus yet", fix="call fit(texts), best with the pool"
            )
        return self._statistics

    def fit(self, texts: Sequence[str]) -> TfIdfReplacement:
        """Learn the word statistics of a corpus, best the pool; returns itself.

        Raises:
            DataError: There is no text, or something among them is not a string.
        """
        fresh = CorpusStatistics.of(texts)
        if not fresh.words:
            log.warning("no text of the corpus has a word: nothing will be replaced")
        vars(self).pop("_lexicon", None)
        self._statistics = fresh
        return self

    @property
    def weights(self) -> NDArray[np.float64]:
        """Probability of each word of `statistics.words` to come in, shape (V,).

        Raises:
            DataError: It has not been fitted.
        """
        return self._lexicon.weights

    def words(self, text: str) -> list[str]:
        """The words of a text as they are written in it."""
        found = find_words([text])
        return [
            found.encoded[0][start:end].decode()
            for start, end in zip(found.starts, found.ends, strict=True)
        ]

    def scores(self, text: str) -> NDArray[np.float64]:
        """t_i = TF · IDF of each word of a text, shape (words,).

        Raises:
            DataError: It has not been fitted.
        """
        found = find_words([text])
        return self._lexicon.counted_idf(found) / max(len(found.starts), 1)

    def probabilities(self, text: str) -> NDArray[np.float64]:
        """The probability of each word of a text to be replaced, shape (words,).

        Raises:
            DataError: It has not been fitted.
        """
        return self._chances(find_words([text]))

    def perturb(self, texts: Sequence[str], copies: int, seed: int) -> list[list[str]]:
        """`copies` changed copies of each text.

        Raises:
            DataError: `copies` is below one, it has not been fitted, or something among the texts
                is not a string.
        """
        check_copies(copies)
        check_texts(texts)
        lexicon = self._lexicon
        changed: list[list[str]] = []
        for _, part in chunks(texts):
            changed += map(list, zip(*self._copies(lexicon, part, copies, seed), strict=True))
        return changed

    def to_dict(self) -> dict[str, Any]:
        """Rate and word statistics as plain data, for a JSON file.

        Raises:
            DataError: It has not been fitted.
        """
        return {"rate": self.rate, "statistics": self.statistics.to_dict()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TfIdfReplacement:
        """From what `to_dict` gave.

        Raises:
            ConfigError: The rate is not a probability.
            DataError: The content is something else.
        """
        try:
            rate, statistics = float(content["rate"]), content["statistics"]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"this is no TF-IDF replacement ({type(error).__name__}: {error})",
                fix="give what to_dict wrote, or fit anew",
            ) from error
        return cls(rate, CorpusStatistics.from_dict(statistics))

    @cached_property
    def _lexicon(self) -> Lexicon:
        return Lexicon(self.statistics)

    def _chances(self, part: Words) -> NDArray[np.float64]:
        """Of each of T words to be replaced, shape (T,)."""
        if not len(part.starts) or not len(self.weights):
            return np.zeros(len(part.starts))
        # TF's division by the length of the text cancels.
        scores = self._lexicon.counted_idf(part)
        some = part.lengths > 0
        first, lengths = part.offsets[:-1][some], part.lengths[some]
        below = np.repeat(np.maximum.reduceat(scores, first), lengths) - scores
        total = np.add.reduceat(below, first)
        # Where the sum is 0, so is every C - t.
        total[total == 0] = 1
        return np.asarray(np.minimum(below * np.repeat(self.rate * lengths / total, lengths), 1))

    def _copies(self, lexicon: Lexicon, part: Words, copies: int, seed: int) -> Iterator[list[str]]:
        thresholds = np.ceil(self._chances(part) * 2.0**UNIFORM_BITS).astype(np.uint64)
        hashes, far = text_hashes(part.encoded), steps(np.arange(len(thresholds)))
        for copy in range(copies):
            begin = move_streams(streams(hashes, seed, copy, "whether"), part.offsets[:-1])
            hit = np.flatnonzero(bits(begin[part.owner] + far) < thresholds)
            begin = move_streams(streams(hashes, seed, copy, "which"), part.offsets[:-1])
            which = uniforms(begin[part.owner[hit]] + far[hit])
            yield part.with_replaced(hit, lexicon.draw(which, part.case(hit)))
