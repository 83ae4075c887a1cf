"""One demonstration for each cluster of the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from llmal.embed.protocol import Embedder
from llmal.icl.demonstrations.candidates import usable
from llmal.icl.protocol import Need
from llmal.records import Item

_ITERATIONS = 25


@dataclass(frozen=True)
class Diverse:
    """The candidate nearest to the centre of each of k clusters, the largest cluster first.

    k-means over the embeddings, seeded by k-means++. Where the texts have fewer than k distinct
    embeddings, some clusters are empty, and the rest is drawn at random.

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
        of, squared = _k_means(vectors, k, rng)
        by_distance = np.argsort(squared, kind="stable")
        filled, first = np.unique(of[by_distance], return_index=True)
        central = by_distance[first]
        sizes = np.bincount(of, minlength=k)[filled]
        rows = central[np.lexsort((central, -sizes))].tolist()
        taken = set(rows)
        rest = [row for row in range(len(items)) if row not in taken]
        return [items[row] for row in [*rows, *rest][:k]]


def _k_means(
    vectors: NDArray[np.float32], k: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The cluster of each row, and its squared distance to the centre; shape (n,) each."""
    import faiss
    from sklearn.cluster import kmeans_plusplus

    seed = int(rng.integers(2**31 - 1))
    # Random seeds merge clusters that are plainly apart; scikit-learn has greedy k-means++.
    seeds, _ = kmeans_plusplus(vectors, n_clusters=k, random_state=seed)
    trained = faiss.Kmeans(
        vectors.shape[1],
        k,
        niter=_ITERATIONS,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=2**31 - 1,
    )
    trained.train(vectors, init_centroids=np.ascontiguousarray(seeds, dtype=np.float32))
    centres = cast(NDArray[np.float32], trained.centroids)
    _, found = faiss.knn(vectors, centres, 1)
    of = np.asarray(found[:, 0], dtype=np.int64)
    # From the differences: faiss's expansion of the square would order equal items by noise.
    apart = vectors - centres[of]
    return of, np.einsum("ij,ij->i", apart, apart)
