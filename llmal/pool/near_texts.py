"""A growing set of texts, in which those that are near another one are found."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.errors import ConfigError
from llmal.pool.minhash import FIVE_GRAMS, Shingles, rows_for, sign
from llmal.pool.text_keys import text_key

Bands = NDArray[np.uint32]

_PER_BUCKET = 32
_LOOKED_AT = 64
"""Of a template's thousand copies some will do."""


@dataclass(frozen=True)
class Near:
    """A text that was found.

    Attributes:
        row: Its number, in the order of adding.
        jaccard: What share of the shingles of both texts they have in common; 1 where the texts
            are the same but for case, white space and Unicode form.
    """

    row: int
    jaccard: float


class NearTexts:
    """Finds texts whose shingles have at least a Jaccard index with those of another text.

    Candidates share a band of min-hashes (locality-sensitive hashing), and are then compared
    exactly, the likeliest first: what is found does reach the threshold. Of pairs that just reach
    it one in a thousand is missed, and fewer of those above; more where over 64 texts share bands
    with one. Takes up to 650 bytes a text (136 at a threshold of 0.85), and not the texts.

    Args:
        text_at: Gives the text of a number.
        threshold: The least Jaccard index, above 0 and at most 1.
        shingles: What of texts is compared.

    Raises:
        ConfigError: The threshold is out of range.
    """

    def __init__(
        self,
        text_at: Callable[[int], str],
        threshold: float,
        shingles: Shingles = FIVE_GRAMS,
    ) -> None:
        if not 0 < threshold <= 1:
            raise ConfigError(f"threshold is {threshold}", fix="it must be above 0 and at most 1")
        self.threshold = threshold
        self.shingles = shingles
        self._text_at = text_at
        self._rows = rows_for(threshold)
        self._segments: list[_Segment] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def bands(self, texts: Sequence[str]) -> Bands:
        """Shape (1 + bands, n): the key of each text, and hashes of the bands of its min-hashes.

        The same for all of a threshold and shingles; half of the work, for callers that look in
        several.
        """
        signatures = sign(texts, self.shingles)
        banded = signatures.banded(self._rows)
        keys = np.array([text_key(text) for text in texts], dtype=np.uint64)
        bands = np.tile((keys >> np.uint64(32)).astype(np.uint32), (1 + len(banded), 1))
        bands[1:, signatures.rows] = (banded >> np.uint64(32)).astype(np.uint32)
        return bands

    def add(self, texts: Sequence[str], bands: Bands | None = None) -> None:
        """Add texts; `text_at` must know them when they are looked for.

        Args:
            texts: To add.
            bands: Of these texts, if they are known.
        """
        if not texts:
            return
        added = _Segment.of(self.bands(texts) if bands is None else bands, self._count)
        self._count += len(texts)
        while self._segments and len(self._segments[-1]) <= 2 * len(added):
            added = self._segments.pop().with_later(added)
        self._segments.append(added)

    def find(
        self, texts: Sequence[str], bands: Bands | None = None, *, each_other: bool = False
    ) -> list[Near | None]:
        """For each text one that it is near to, if there is one. Adds nothing.

        Args:
            texts: To look for.
            bands: Of these texts, if they are known.
            each_other: Compare a text also with those before it that nothing was found for; they
                have the numbers that they would get if all were added now.
        """
        if not texts:
            return []
        bands = self.bands(texts) if bands is None else bands
        candidates = self._candidates(bands)
        shingles: dict[int, frozenset[Hashable]] = {}
        found: list[Near | None] = []
        buckets: list[dict[int, list[int]]] = [{} for _ in bands] if each_other else []
        for place, text in enumerate(texts):
            rows = candidates.get(place, [])
            keys = bands[:, place].tolist() if each_other else []
            if each_other:
                shared: dict[int, int] = {}
                for bucket, key in zip(buckets, keys, strict=True):
                    for other in bucket.get(key, ())[:_PER_BUCKET]:
                        shared[other] = shared.get(other, 0) + 1
                likeliest = sorted(shared, key=lambda one: (-shared[one], one))
                rows = [*rows, *(self._count + one for one in likeliest[:_LOOKED_AT])]
            near = self._compared(text, rows, texts, shingles) if rows else None
            found.append(near)
            if near is None:
                for bucket, key in zip(buckets, keys, strict=True):
                    bucket.setdefault(key, []).append(place)
        return found

    def _compared(
        self,
        text: str,
        rows: Sequence[int],
        batch: Sequence[str],
        known: dict[int, frozenset[Hashable]],
    ) -> Near | None:
        """The first of these rows that reaches the threshold."""
        key, own = text_key(text), self.shingles.of(text)
        for row in rows:
            other = batch[row - self._count] if row >= self._count else self._text_at(row)
            if text_key(other) == key:
                return Near(row, 1.0)
            if row not in known:
                known[row] = self.shingles.of(other)
            both = len(own & known[row])
            if both and both >= self.threshold * (len(own) + len(known[row]) - both):
                return Near(row, both / (len(own) + len(known[row]) - both))
        return None

    def _candidates(self, bands: Bands) -> dict[int, list[int]]:
        """For places in a batch the rows that share bands, those that share most first."""
        pairs = [pair for one in self._segments for pair in one.sharing(bands)]
        joined = np.concatenate(pairs) if pairs else np.empty((0, 2), dtype=np.int64)
        if not len(joined):
            return {}
        unique, shared = np.unique(joined[:, 0] * self._count + joined[:, 1], return_counts=True)
        places, rows = np.divmod(unique, self._count)
        order = np.lexsort((rows, -shared, places))
        places, rows = places[order], rows[order]
        found, starts = np.unique(places, return_index=True)
        return {
            place: some[:_LOOKED_AT].tolist()
            for place, some in zip(found.tolist(), np.split(rows, starts[1:]), strict=True)
        }


@dataclass(frozen=True)
class _Segment:
    """Some of the texts, found by their bands.

    Attributes:
        keys: Shape (bands, m): hashes, ascending in each band.
        rows: Shape (bands, m): the text of each.
    """

    keys: Bands
    rows: NDArray[np.int32]

    def __len__(self) -> int:
        return int(self.keys.shape[1])

    @staticmethod
    def of(bands: Bands, first: int) -> _Segment:
        numbers = np.arange(first, first + bands.shape[1], dtype=np.int32)
        return _Segment._sorted(bands, np.broadcast_to(numbers, bands.shape))

    def with_later(self, other: _Segment) -> _Segment:
        """Both as one; the rows of the other come later."""
        keys = np.concatenate([self.keys, other.keys], axis=1)
        return self._sorted(keys, np.concatenate([self.rows, other.rows], axis=1))

    @staticmethod
    def _sorted(keys: Bands, rows: NDArray[np.int32]) -> _Segment:
        order = np.argsort(keys, axis=1, kind="stable")
        return _Segment(
            np.take_along_axis(keys, order, axis=1), np.take_along_axis(rows, order, axis=1)
        )

    def sharing(self, bands: Bands) -> list[NDArray[np.int64]]:
        """Pairs of a place in the batch and a row, for each band; the first 32 of a bucket."""
        pairs = []
        for keys, rows, asked in zip(self.keys, self.rows, bands, strict=True):
            left = np.searchsorted(keys, asked, side="left")
            counts = np.searchsorted(keys, asked, side="right") - left
            counts = np.minimum(counts, _PER_BUCKET)
            places = np.repeat(np.arange(len(asked)), counts)
            within = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
            found = rows[left[places] + within]
            pairs.append(np.stack([places, found.astype(np.int64)], axis=1))
        return pairs
