"""Word statistics of a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.fingerprint import GrowingFingerprint
from llmal.errors import DataError
from llmal.perturb.checks import check_texts
from llmal.perturb.words import chunks

_Counted = tuple[Any, NDArray[np.int64], NDArray[np.int64]]
"""Words (a pyarrow array of strings), their occurrences, and the texts that have them."""
_MERGE_AT = 1 << 21
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class CorpusStatistics:
    """How often words occur, and in how many texts.

    Attributes:
        texts: Texts of the corpus.
        words: Its words in lower case, sorted; V of them.
        counts: Shape (V,): occurrences in the whole corpus.
        containing: Shape (V,): texts that have the word.
    """

    texts: int
    words: tuple[str, ...]
    counts: NDArray[np.int64]
    containing: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> CorpusStatistics:
        """Count the words of a corpus.

        Raises:
            DataError: There is no text, or something among them is not a string.
        """
        check_texts(texts)
        if not len(texts):
            raise DataError("there is no text to learn word statistics from", fix="fit on a corpus")
        kept: list[_Counted] = []
        waiting = 0
        for _, part in chunks(texts):
            coded = part.folded.dictionary_encode()
            ids, width = coded.indices.to_numpy(), len(coded.dictionary)
            # The occurrences of a word in one text make 1 in all.
            shares = 1 / counts_within(part.owner * width + ids)
            counts = np.bincount(ids, minlength=width)
            containing = np.rint(np.bincount(ids, shares, minlength=width)).astype(np.int64)
            kept.append((coded.dictionary, counts, containing))
            waiting += width
            if waiting > max(_MERGE_AT, 2 * len(kept[0][0])):
                kept, waiting = [_merge(kept)], 0
        merged, counts, containing = _merge(kept)
        words = merged.to_pylist()
        order = sorted(range(len(words)), key=words.__getitem__)
        return cls(len(texts), tuple(words[i] for i in order), counts[order], containing[order])

    @cached_property
    def idf(self) -> NDArray[np.float64]:
        """Shape (V,): ln(texts / texts that have the word), as UDA's code has it."""
        return np.log(self.texts / self.containing)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that was counted."""
        growing = GrowingFingerprint("word statistics")
        growing.add(self.texts.to_bytes(8, "little"))
        growing.add("\0".join(self.words).encode())
        for column in (self.counts, self.containing):
            growing.add(column.astype("<i8").tobytes())
        return growing.value

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for a JSON file."""
        return {
            "texts": self.texts,
            "words": list(self.words),
            "counts": self.counts.tolist(),
            "containing": self.containing.tolist(),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> CorpusStatistics:
        """From what `to_dict` gave.

        Raises:
            DataError: The content is not that of word statistics.
        """
        try:
            words = tuple(str(word) for word in content["words"])
            counts = np.array(content["counts"], dtype=np.int64)
            containing = np.array(content["containing"], dtype=np.int64)
            made = cls(int(content["texts"]), words, counts, containing)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"these are no word statistics ({type(error).__name__}: {error})",
                fix="give what to_dict wrote, or fit anew",
            ) from error
        if (
            not counts.shape == containing.shape == (len(words),)
            or any(a >= b for a, b in pairwise(words))
            or (containing < 1).any()
            or (containing > made.texts).any()
            or (counts < containing).any()
        ):
            raise DataError(
                "these word statistics contradict themselves",
                fix="give what to_dict wrote, or fit anew",
            )
        return made


def counts_within(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each of T keys occurs among them, shape (T,).

    Keys meet in the slots of a hash table, where the last to come stays. All whose slot holds
    their like are counted there; the few that lost their slot to another are sorted.
    """
    size = max(len(keys), 1).bit_length() + 2
    slots = (keys.view(np.uint64) * _MULTIPLIER) >> np.uint64(64 - size)
    table = np.empty(1 << size, dtype=np.int32)
    table[slots] = np.arange(len(keys), dtype=np.int32)
    like = table[slots]
    lost = np.flatnonzero(keys[like] != keys)
    like[lost] = lost
    counts: NDArray[np.int64] = np.bincount(like, minlength=len(keys))[like]
    if len(lost):
        _, place, found = np.unique(keys[lost], return_inverse=True, return_counts=True)
        counts[lost] = found[place]
    return counts


def _merge(kept: list[_Counted]) -> _Counted:
    """The words of several lists once each, with their figures added up."""
    import pyarrow as pa

    coded = pa.concat_arrays([words for words, _, _ in kept]).dictionary_encode()
    ids, width = coded.indices.to_numpy(), len(coded.dictionary)
    counts, containing = (
        np.rint(np.bincount(ids, np.concatenate(column), minlength=width)).astype(np.int64)
        for column in ([one[1] for one in kept], [one[2] for one in kept])
    )
    return coded.dictionary, counts, containing
