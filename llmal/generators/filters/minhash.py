"""Refuses texts that share most of their wording with another one; needs no embedding model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from llmal.core.records import SyntheticItem
from llmal.generators.filters.texts import Texts, named, sources_of, text_chunks, text_of
from llmal.pool.minhash import Shingles
from llmal.pool.near_texts import Bands, Near, NearTexts


class MinHash:
    """Refuses what is nearly the same text as one of the pool, labelled, of the test set or before.

    Two texts are compared by the Jaccard index of their shingles, in lower case and compatible
    Unicode form, letters and digits alone. Candidates are found by min-wise hashing and then
    compared exactly (`llmal.pool.near_texts`), so hundreds of thousands of texts take seconds.
    Pool, labelled items and test set are read once, at the first check.

    Args:
        pool: The pool.
        test: The test set.
        labelled: Labelled items that are not of the pool.
        threshold: The Jaccard index from which two texts are nearly the same. Of a hundred
            characters one word changed leaves about 0.85, of thirty characters about 0.6.
        unit: Shingles are runs of "characters" or of "words".
        size: Of so many.

    Raises:
        ConfigError: An option is out of range.
    """

    name = "minhash"

    def __init__(
        self,
        pool: Texts | None = None,
        test: Texts | None = None,
        *,
        labelled: Texts | None = None,
        threshold: float = 0.7,
        unit: Literal["characters", "words"] = "characters",
        size: int = 5,
    ) -> None:
        self.threshold = threshold
        self._shingles = Shingles(unit, size)
        self._sources = sources_of(pool, labelled, test)
        self._references: list[NearTexts] | None = None
        self._accepted: list[SyntheticItem] = []
        self._near_accepted = NearTexts(
            lambda row: self._accepted[row].text, threshold, self._shingles
        )
        self._checked: tuple[list[str], Bands] = ([], self._near_accepted.bands([]))

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item what it is nearly the same as, and how nearly."""
        if not items:
            return []
        if self._references is None:
            self._references = [self._read(texts) for _, texts in self._sources]
        texts = [item.text for item in items]
        bands = self._near_accepted.bands(texts)
        self._checked = (texts, bands)
        reasons: list[str | None] = [None] * len(items)
        for (source, known), reference in zip(self._sources, self._references, strict=True):
            rows = [row for row, reason in enumerate(reasons) if reason is None]
            found = reference.find([texts[row] for row in rows], bands[:, rows])
            for row, near in zip(rows, found, strict=True):
                if near is not None:
                    reasons[row] = self._reason(near, named(known, near.row, source))
        rest = [row for row, reason in enumerate(reasons) if reason is None]
        before = [*self._accepted, *(items[row] for row in rest)]
        found = self._near_accepted.find(
            [texts[row] for row in rest], bands[:, rest], each_other=True
        )
        for row, near in zip(rest, found, strict=True):
            if near is not None:
                reasons[row] = self._reason(near, repr(before[near.row].id))
        return reasons

    def remember(self, items: Sequence[SyntheticItem]) -> None:
        """Compare later items with these too: accepted by every filter, or from an earlier run."""
        texts = [item.text for item in items]
        checked, bands = self._checked
        columns = dict(zip(checked, range(len(checked)), strict=True))
        known = bands[:, [columns[text] for text in texts]] if columns.keys() >= {*texts} else None
        self._accepted += items
        self._near_accepted.add(texts, known)

    def _read(self, texts: Texts) -> NearTexts:
        near = NearTexts(lambda row: text_of(texts[row]), self.threshold, self._shingles)
        for chunk in text_chunks(texts):
            near.add(chunk)
        return near

    def _reason(self, near: Near, other: str) -> str:
        if near.jaccard == 1:
            return f"the same text as {other}"
        return (
            f"it shares {near.jaccard:.3f} of its {self._shingles.unit} with {other}, "
            f"the limit is {self.threshold:g}"
        )
