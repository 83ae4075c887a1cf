"""Vectors of texts, none of them made twice."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.embed.cache import EmbeddingCache, text_keys
from llmal.embed.protocol import Progress

BATCHES_PER_BLOCK = 16


def embed_once(
    texts: Sequence[str],
    *,
    fingerprint: str,
    cache: EmbeddingCache | None,
    batch_size: int,
    dimensions: Callable[[], int],
    compute: Callable[[list[str]], NDArray[np.float32]],
    on_progress: Progress | None = None,
) -> NDArray[np.float32]:
    """One vector for each text, shape (n, d): those that are kept, and the others computed.

    Args:
        texts: n texts; equal ones are computed once.
        fingerprint: What tells these vectors from another model's.
        cache: Where they are kept, block by block; None for nowhere.
        batch_size: Texts in one forward pass.
        dimensions: Gives d.
        compute: From texts to vectors; texts of like length come together, the longest first.
        on_progress: Told of every block.

    Raises:
        DataError: Something among the texts is not a string.
    """
    keys, first, inverse = np.unique(text_keys(texts), return_index=True, return_inverse=True)
    if not len(keys):
        return np.empty((0, dimensions()), dtype=np.float32)
    if cache is not None:
        kept, known = cache.lookup(fingerprint, keys)
    else:
        kept, known = np.zeros(len(keys), dtype=bool), np.empty((0, 0), dtype=np.float32)
    missing = np.flatnonzero(~kept)
    if not len(missing):
        if on_progress is not None:
            on_progress(len(keys), len(keys))
        return known[inverse]

    vectors = np.empty((len(keys), dimensions()), dtype=np.float32)
    if len(known):
        vectors[kept] = known
    # Texts of like length share a batch, so little is spent on padding.
    lengths = np.array([len(texts[first[i]]) for i in missing])
    missing = missing[np.argsort(-lengths, kind="stable")]
    block = batch_size * BATCHES_PER_BLOCK
    for start in range(0, len(missing), block):
        chosen = missing[start : start + block]
        vectors[chosen] = compute([texts[first[i]] for i in chosen])
        if cache is not None:
            cache.append(fingerprint, keys[chosen], vectors[chosen])
        if on_progress is not None:
            on_progress(int(kept.sum()) + start + len(chosen), len(keys))
    return vectors[inverse]


class CachedEmbedder(ABC):
    """An embedder that makes no vector twice. A subclass makes those that are not kept.

    Attributes:
        cache: Where vectors are kept; None for nowhere.
        batch_size: Texts that are embedded at once.
    """

    cache: EmbeddingCache | None
    batch_size: int

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """What tells its vectors from another model's."""

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Length of a vector."""

    @abstractmethod
    def _compute(self, texts: list[str]) -> NDArray[np.float32]:
        """The unit vectors of texts, shape (n, d)."""

    def embed(
        self, texts: Sequence[str], on_progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """One L2-normalised vector for each text, shape (n, d); equal texts are embedded once.

        Args:
            texts: n texts.
            on_progress: Told of every block.

        Raises:
            DataError: Something among the texts is not a string.
            LanguageModelError: The model cannot be found, loaded or used.
        """
        return embed_once(
            texts,
            fingerprint=self.fingerprint,
            cache=self.cache,
            batch_size=self.batch_size,
            dimensions=lambda: self.dimensions,
            compute=self._compute,
            on_progress=on_progress,
        )
