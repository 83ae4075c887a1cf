"""Refuses texts that give away an item by which something is judged."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Item, SyntheticItem
from llmal.errors import ConfigError
from llmal.generators.filters.texts import Texts, named, text_chunks, text_of
from llmal.pool.minhash import words_of
from llmal.pool.near_texts import Near, NearTexts

_RUNNING = "the audit of this run"


class Leakage:
    """Refuses texts near an item of the test set or of an audit, even where some words differ.

    Two measures, both exact for what they compare. *Containment*: of the words and pairs of
    neighbouring words of the protected item, the share that the text has too, each weighed by how
    rare it is in the pool (its inverse document frequency), so that "what is the" counts for little
    and a rare name for much. It also finds an item inside a longer text. *Jaccard index* of
    character five-grams (`llmal.pool.near_texts`), for changes inside words.

    With few words, a copy with some of them changed and another text of the same pattern are much
    alike: most items of under nine words are not found, nor some of under twelve (docs/results.md).

    Args:
        test: The test set.
        audit: Items set aside for an audit.
        pool: What is rare is counted here; without it, in the protected items themselves.
        containment: Weighted share of an item from which it counts as given away.
        jaccard: Jaccard index from which it does.

    Raises:
        ConfigError: A limit is not above 0 and at most 1.
    """

    name = "leakage"

    def __init__(
        self,
        test: Texts | None = None,
        *,
        audit: Texts | None = None,
        pool: Texts | None = None,
        containment: float = 0.48,
        jaccard: float = 0.75,
    ) -> None:
        for what, value in (("containment", containment), ("jaccard", jaccard)):
            if not 0 < value <= 1:
                raise ConfigError(f"{what} is {value}", fix="it must be above 0 and at most 1")
        self.containment = containment
        self.jaccard = jaccard
        self._pool = pool
        self._sources = [
            (name, texts)
            for name, texts in (("the test set", test), ("the audit", audit))
            if texts is not None and len(texts)
        ]
        self._told: tuple[str, ...] = ()
        self._protected: list[tuple[_Contained, NearTexts]] | None = None

    def protect(self, items: Sequence[Item]) -> None:
        """Keep away from the items of an audit too: these, in place of those told before."""
        ids = tuple(one.id for one in items)
        if ids == self._told:
            return
        self._told, self._protected = ids, None
        self._sources = [one for one in self._sources if one[0] != _RUNNING]
        if items:
            self._sources.append((_RUNNING, items))

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item what it gives away, and how much of it."""
        reasons: list[str | None] = [None] * len(items)
        if not items:
            return reasons
        if self._protected is None:
            self._protected = [self._read(texts) for _, texts in self._sources]
        texts = [item.text for item in items]
        for (source, known), (contained, near) in zip(self._sources, self._protected, strict=True):
            shares, rows = contained.most(texts)
            alike = near.find(texts)
            for place, reason in enumerate(reasons):
                if reason is None:
                    reasons[place] = self._reason(
                        float(shares[place]), int(rows[place]), alike[place], known, source
                    )
        return reasons

    def _read(self, texts: Texts) -> tuple[_Contained, NearTexts]:
        near = NearTexts(lambda row: text_of(texts[row]), self.jaccard)
        for chunk in text_chunks(texts):
            near.add(chunk)
        return _Contained(texts, self._pool), near

    def _reason(
        self, share: float, row: int, near: Near | None, known: Texts, source: str
    ) -> str | None:
        if near is not None and near.jaccard == 1:
            return f"the same text as {named(known, near.row, source)}"
        if share >= self.containment:
            return (
                f"it holds {share:.2f} of the wording of {named(known, row, source)}, "
                f"the limit is {self.containment:g}"
            )
        if near is None:
            return None
        return (
            f"it shares {near.jaccard:.3f} of its characters with "
            f"{named(known, near.row, source)}, the limit is {self.jaccard:g}"
        )


class _Contained:
    """How much of the wording of each protected text another one has.

    Args:
        texts: The protected ones.
        pool: Where it is counted how rare a word is.
    """

    def __init__(self, texts: Texts, pool: Texts | None) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        self._counter: Any = CountVectorizer(
            analyzer=_words_and_pairs, binary=True, dtype=np.float64
        )
        self._weighted: Any = None
        rows = [text for chunk in text_chunks(texts) for text in chunk]
        if not any(map(words_of, rows)):
            return  # there is no wording to be contained
        own = self._counter.fit_transform(rows)
        counted, total = np.zeros(own.shape[1]), 0
        for chunk in [rows] if pool is None or not len(pool) else text_chunks(pool):
            counted += np.asarray(self._counter.transform(chunk).sum(axis=0)).ravel()
            total += len(chunk)
        weights = np.log((2 + total) / (1 + counted))
        weighted = own.multiply(weights).tocsr()
        sums = np.asarray(weighted.sum(axis=1)).ravel()
        shares = 1 / np.where(sums > 0, sums, np.inf)
        self._weighted = weighted.multiply(shares[:, None]).tocsr().T

    def most(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """For each text the largest share of a protected one that it has, and the row of that."""
        if self._weighted is None:
            return np.zeros(len(texts)), np.zeros(len(texts), dtype=np.int64)
        shares = self._counter.transform(texts) @ self._weighted
        rows = np.asarray(shares.argmax(axis=1)).ravel()
        return np.asarray(shares.max(axis=1).todense()).ravel(), rows.astype(np.int64)


def _words_and_pairs(text: str) -> list[str]:
    words = words_of(text).split()
    return [*words, *map(" ".join, pairwise(words))]
