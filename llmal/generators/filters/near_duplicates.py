"""Refuses texts that are already in the pool, labelled, in the test set, or accepted before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import SyntheticItem
from llmal.embed.neighbours import nearest
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError, DataError
from llmal.generators.filters.texts import Texts, named, text_chunks
from llmal.pool.text_keys import text_key


class NearDuplicates:
    """Refuses what adds nothing to the pool, or would leak the test set into training.

    Two texts are the same if they differ in case, white space and Unicode form alone. With an
    embedder, texts whose cosine reaches the threshold are near duplicates too, found exactly
    (faiss); without one only equal texts are found. A text is compared with the pool, the
    labelled items, the test set, the texts before it in the batch, and those that `remember` was
    told of.

    They are read once, at the first check, in chunks. What is kept of them is 16
    bytes a text, and their embeddings where there is an embedder.

    Args:
        pool: The pool.
        test: The test set.
        labelled: Labelled items that are not of the pool.
        embedder: Gives unit vectors.
        pool_embeddings: Shape (N, d), by the same embedder, for the N texts of the pool; a
            memory-map will do. Without them the pool is embedded here.
        threshold: Cosine from which two texts are near duplicates.

    Raises:
        ConfigError: The threshold is not above 0 and at most 1, or there are embeddings of the
            pool but no embedder.
        DataError: Embeddings and pool differ in number.
    """

    name = "near_duplicates"

    def __init__(
        self,
        pool: Texts | None = None,
        test: Texts | None = None,
        *,
        labelled: Texts | None = None,
        embedder: Embedder | None = None,
        pool_embeddings: NDArray[np.float32] | None = None,
        threshold: float = 0.95,
    ) -> None:
        if not 0 < threshold <= 1:
            raise ConfigError(f"threshold is {threshold}", fix="it must be above 0 and at most 1")
        if pool_embeddings is not None and embedder is None:
            raise ConfigError(
                "embeddings of the pool were given without an embedder for new texts",
                fix="give the embedder that made them",
            )
        size = 0 if pool is None else len(pool)
        if pool_embeddings is not None and len(pool_embeddings) != size:
            raise DataError(
                f"there are {len(pool_embeddings)} embeddings for a pool of {size} texts",
                fix="give one for each text, in the order of the pool",
            )
        self.threshold = threshold
        self._embedder = embedder
        self._sources = (
            ("the pool", pool, pool_embeddings),
            ("the labelled items", labelled, None),
            ("the test set", test, None),
        )
        self._references: list[_Reference] | None = None
        self._accepted = _Accepted()

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item what it is a duplicate of, and its cosine."""
        if not items:
            return []
        if self._references is None:
            self._references = [
                _Reference(name, texts, self._embedder, vectors)
                for name, texts, vectors in self._sources
                if texts is not None
            ]
        texts = [item.text for item in items]
        keys = [text_key(text) for text in texts]
        vectors = None if self._embedder is None else self._embedder.embed(texts)
        reasons: list[str | None] = [None] * len(items)
        for reference in self._references:
            found = reference.reasons(keys, vectors, self.threshold)
            reasons = [old or new for old, new in zip(reasons, found, strict=True)]
        batch = self._accepted.copy()
        for row, item in enumerate(items):
            vector = None if vectors is None else vectors[row]
            if reasons[row] is None:
                reasons[row] = batch.reason(keys[row], vector, self.threshold)
            if reasons[row] is None:
                batch.add(item.id, keys[row], vector)
        return reasons

    def remember(self, items: Sequence[SyntheticItem]) -> None:
        """Compare later items with these too: accepted by every filter, or from an earlier run."""
        if not items:
            return
        texts = [item.text for item in items]
        vectors = None if self._embedder is None else self._embedder.embed(texts)
        for row, item in enumerate(items):
            self._accepted.add(
                item.id, text_key(item.text), None if vectors is None else vectors[row]
            )


class _Reference:
    """Texts that are not to be repeated, found by key and by vector."""

    def __init__(
        self,
        name: str,
        texts: Texts,
        embedder: Embedder | None,
        vectors: NDArray[np.float32] | None,
    ) -> None:
        self._name = name
        self._texts = texts
        self._vectors = vectors
        parts: list[NDArray[np.float32]] = []
        keys = np.empty(len(texts), dtype=np.uint64)
        start = 0
        for chunk in text_chunks(texts):
            keys[start : start + len(chunk)] = [text_key(text) for text in chunk]
            start += len(chunk)
            if embedder is not None and vectors is None:
                parts.append(embedder.embed(chunk))
        if parts:
            self._vectors = np.concatenate(parts)
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def reasons(
        self, keys: Sequence[int], vectors: NDArray[np.float32] | None, threshold: float
    ) -> list[str | None]:
        if not len(self._keys):
            return [None] * len(keys)
        asked = np.asarray(keys, dtype=np.uint64)
        place = np.searchsorted(self._keys, asked).clip(max=len(self._keys) - 1)
        same = self._keys[place] == asked
        result: list[str | None] = [
            f"the same text as {named(self._texts, int(self._order[p]), self._name)}"
            if equal
            else None
            for p, equal in zip(place, same, strict=True)
        ]
        if vectors is not None and self._vectors is not None:
            distances, rows = nearest(vectors, self._vectors, 1)
            cosines = 1 - distances[:, 0] ** 2 / 2
            for i in np.flatnonzero(~same & (cosines >= threshold)):
                other = named(self._texts, int(rows[i, 0]), self._name)
                result[i] = f"cosine {cosines[i]:.3f} with {other}, the limit is {threshold:g}"
        return result


class _Accepted:
    """Synthetic items that others must differ from."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._by_key: dict[int, str] = {}
        self._vectors = np.empty((0, 0), dtype=np.float32)

    def copy(self) -> _Accepted:
        made = _Accepted()
        made._ids, made._by_key = list(self._ids), dict(self._by_key)
        made._vectors = self._vectors.copy()
        return made

    def add(self, id: str, key: int, vector: NDArray[np.float32] | None) -> None:
        self._by_key.setdefault(key, id)
        if vector is None:
            return
        count = len(self._ids)
        if count == len(self._vectors):
            grown = np.zeros((max(64, 2 * count), len(vector)), dtype=np.float32)
            if count:
                grown[:count] = self._vectors
            self._vectors = grown
        self._vectors[count] = vector
        self._ids.append(id)

    def reason(self, key: int, vector: NDArray[np.float32] | None, threshold: float) -> str | None:
        if key in self._by_key:
            return f"the same text as {self._by_key[key]!r}"
        if vector is None or not self._ids:
            return None
        cosines = self._vectors[: len(self._ids)] @ vector
        best = int(cosines.argmax())
        if cosines[best] < threshold:
            return None
        return f"cosine {cosines[best]:.3f} with {self._ids[best]!r}, the limit is {threshold:g}"
