"""One demonstration for each cluster of the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from llmal.core.records import Item
from llmal.demonstrations.candidates import usable
from llmal.embed.clustering import k_means
from llmal.embed.protocol import Embedder
from llmal.prompting.protocol import Need

_STARTS = 4


@dataclass(frozen=True)
class Diverse:
    """The candidate nearest to the centre of each of k clusters, the largest cluster first.

    k-means over the embeddings, seeded by k-means++, the tightest of four starts. Where the texts
    have fewer than k distinct embeddings, some clusters are empty, and the rest is drawn at random.

    Args:
        embedder: Embeds the candidates.
    """

    requires: ClassVar[tuple[Need, ...]] = ("embedder",)
    per_query: ClassVar[bool] = False

    embedder: Embedder

    def choose(
        self,
        candidates: Sequence[Item],
        k: int,
        rng: np.random.Generator,
        query: Item | None = None,
    ) -> list[Item]:
        """The items nearest to k centres."""
        ordered = usable(candidates, k)
        # A random order makes ties random, for the centres' nearest and for the sizes alike.
        items = [ordered[i] for i in rng.permutation(len(ordered))]
        k = min(k, len(items))
        if not k:
            return []
        vectors = self.embedder.embed([item.text for item in items])
        rows = np.arange(len(items))
        tried = [k_means(vectors, rows, k, rng) for _ in range(_STARTS)]
        clusters = min(tried, key=lambda one: float(one.squared.sum()))
        of, squared = clusters.of, clusters.squared
        by_distance = np.argsort(squared, kind="stable")
        filled, first = np.unique(of[by_distance], return_index=True)
        central = by_distance[first]
        sizes = np.bincount(of, minlength=k)[filled]
        chosen = central[np.lexsort((central, -sizes))].tolist()
        taken = set(chosen)
        rest = [row for row in range(len(items)) if row not in taken]
        return [items[row] for row in [*chosen, *rest][:k]]
