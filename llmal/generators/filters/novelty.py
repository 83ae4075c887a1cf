"""Refuses texts that are no nearer, or no farther, than the pool's own are from one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import SyntheticItem
from llmal.embed.neighbours import Neighbours
from llmal.embed.protocol import Embedder
from llmal.errors import ConfigError, DataError
from llmal.generators.filters.texts import Texts, named, sources_of, text_chunks

_MEASURED = 2_000
_FEWEST_TEXTS = 20


class Novelty:
    """Keeps texts that fill a gap of the pool: not on top of an item, and not far from all.

    What is near and far the pool says itself: the distances of its texts to the nearest other one.
    A text whose distance to the nearest text of the pool, or labelled item, is below a low quantile
    of these adds nothing, one above a high quantile is about something else.

    Args:
        embedder: Gives unit vectors.
        pool: The pool.
        labelled: Labelled items that are not of the pool.
        pool_embeddings: Shape (N, d), by the same embedder; without them the pool is embedded here.
        low: Quantile below which a text is too near.
        high: Quantile above which it is too far.
        seed: For the up to 2,000 texts of the pool whose distances are measured.

    Raises:
        ConfigError: The quantiles are crossed or out of range, or the pool has under 20 texts.
        DataError: Embeddings and pool differ in number.
    """

    name = "novelty"

    def __init__(
        self,
        embedder: Embedder,
        pool: Texts,
        *,
        labelled: Texts | None = None,
        pool_embeddings: NDArray[np.float32] | None = None,
        low: float = 0.01,
        high: float = 0.99,
        seed: int = 0,
    ) -> None:
        if not 0 <= low < high <= 1:
            raise ConfigError(
                f"low is {low} and high is {high}",
                fix="they must be from 0 to 1, and low below high",
            )
        if len(pool) < _FEWEST_TEXTS:
            raise ConfigError(
                f"the filter novelty learns from the pool, which has {len(pool)} texts",
                fix=f"give at least {_FEWEST_TEXTS}, or leave the filter out",
            )
        if pool_embeddings is not None and len(pool_embeddings) != len(pool):
            raise DataError(
                f"there are {len(pool_embeddings)} embeddings for a pool of {len(pool)} texts",
                fix="give one for each text, in the order of the pool",
            )
        self.low = low
        self.high = high
        self._embedder = embedder
        self._sources = sources_of(pool, labelled, None)
        self._given = pool_embeddings
        self._seed = seed
        self._neighbours: list[Neighbours] = []
        self._limits = (0.0, 2.0)

    def check(self, items: Sequence[SyntheticItem]) -> list[str | None]:
        """For each item its distance, and the limit that it breaks."""
        if not items:
            return []
        if not self._neighbours:
            self._measure()
        vectors = self._embedder.embed([item.text for item in items])
        found = [one.search(vectors, 1) for one in self._neighbours]
        distances = np.stack([distance[:, 0] for distance, _ in found], axis=1)
        nearest = distances.argmin(axis=1)
        return [
            self._reason(
                float(distances[place, source]),
                int(found[source][1][place, 0]),
                self._sources[source],
            )
            for place, source in enumerate(nearest.tolist())
        ]

    def _measure(self) -> None:
        for number, (_, texts) in enumerate(self._sources):
            vectors = self._given if number == 0 else None
            if vectors is None:
                vectors = np.concatenate([self._embedder.embed(one) for one in text_chunks(texts)])
            self._neighbours.append(Neighbours(vectors, seed=self._seed))
            if number == 0:
                rng = np.random.default_rng([self._seed, _MEASURED])
                rows = rng.choice(len(vectors), min(len(vectors), _MEASURED), replace=False)
                own, found = self._neighbours[0].search(vectors, 2, np.sort(rows))
                # The nearest is the text itself, unless there is a copy.
                itself = found[:, 0] == np.sort(rows)
                distances = np.where(itself, own[:, 1], own[:, 0])
                low, high = np.quantile(distances, [self.low, self.high])
                self._limits = (float(low), float(high))

    def _reason(self, distance: float, row: int, source: tuple[str, Texts]) -> str | None:
        low, high = self._limits
        if low <= distance <= high:
            return None
        side, limit = ("below", low) if distance < low else ("above", high)
        quantile = self.low if distance < low else self.high
        return (
            f"its distance to {named(source[1], row, source[0])}, the nearest, is "
            f"{distance:.3f}, {side} {limit:.3f}, the {quantile:g} quantile of the pool's own"
        )
