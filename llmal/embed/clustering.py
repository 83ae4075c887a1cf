"""k-means over rows of the embeddings, for the selectors that spread their picks over clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks

_TRAIN_PER_CLUSTER = 256
_SEED_PER_CLUSTER = 64
_ITERATIONS = 25


@dataclass(frozen=True)
class Clusters:
    """A partition of n items.

    Attributes:
        of: Shape (n,): the cluster of each item. Some clusters may be empty.
        squared: Shape (n,): squared Euclidean distance of each item to its centre.
        count: Number of clusters, empty ones included.
    """

    of: NDArray[np.int64]
    squared: NDArray[np.float32]
    count: int

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Shape (count,): number of items in each cluster."""
        return np.bincount(self.of, minlength=self.count)


def k_means(
    embeddings: NDArray[np.float32],
    positions: NDArray[np.int64],
    count: int,
    rng: np.random.Generator,
) -> Clusters:
    """Cluster the rows at `positions`: greedy k-means++ seeding, then Lloyd's iterations.

    Seeds are spread, because random ones merge clusters that are plainly apart. The iterations are
    faiss's (25 at most), because they give the same centres for the same seed and number of
    threads, where scikit-learn adds up its threads' sums in the order they finish. Centres come
    from at most 256 items a cluster, drawn at random, and their seeds from 64 of these, as more
    changes little; then every item goes to its nearest centre, in chunks, so that a memory-mapped
    matrix is never held whole.

    Args:
        embeddings: Shape (N, d), finite.
        positions: Shape (n,): the rows to cluster.
        count: Number of clusters, at most n.
        rng: Draws the training items and the seeds.
    """
    import faiss

    n, d = len(positions), embeddings.shape[1]
    # Shuffled also when all are used: the head of it is a fair draw for the seeding.
    train = embeddings[positions[rng.permutation(n)[: _TRAIN_PER_CLUSTER * count]]]
    seed = int(rng.integers(2**31 - 1))
    head = train[: _SEED_PER_CLUSTER * count]
    seeds = head[_spread(head, count, np.random.default_rng(seed))]
    trained = faiss.Kmeans(
        d,
        count,
        niter=_ITERATIONS,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=_TRAIN_PER_CLUSTER,
    )
    trained.train(train, init_centroids=np.ascontiguousarray(seeds))
    centres = cast(NDArray[np.float32], trained.centroids)
    nearest = faiss.IndexFlatL2(d)
    nearest.add(centres)

    of = np.empty(n, dtype=np.int64)
    squared = np.empty(n, dtype=np.float32)
    for part in chunks(n, d):
        rows = embeddings[positions[part]]
        of[part] = nearest.search(rows, 1)[1][:, 0]
        # From the differences: faiss's expansion of the square would order equal items by noise.
        rows -= centres[of[part]]
        squared[part] = np.einsum("ij,ij->i", rows, rows)
    return Clusters(of, squared, count)


def _spread(rows: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Greedy k-means++ (Arthur and Vassilvitskii, 2007): rows to start from, shape (count,).

    Each is the best of 2 + ln(count) drawn in proportion to the squared distance from those
    before it, as in scikit-learn, whose float64 takes several times as long.
    """
    # Near the origin, the squares that are expanded lose the least precision.
    rows = rows - rows.mean(axis=0)
    squares = np.einsum("ij,ij->i", rows, rows)
    chosen = np.empty(count, dtype=np.int64)
    chosen[0] = rng.integers(len(rows))
    closest = np.full(len(rows), np.inf, dtype=np.float32)
    drawn = chosen[:1]
    for place in range(count):
        if place:
            mass = np.cumsum(closest, dtype=np.float64)
            at = np.searchsorted(mass, rng.random(2 + int(np.log(count))) * mass[-1], "right")
            drawn = np.minimum(at, len(rows) - 1)
        squared = -2 * rows[drawn] @ rows.T
        squared += squares
        squared += squares[drawn, None]
        np.clip(squared, 0, closest, out=squared)
        best = int(squared.sum(axis=1).argmin())
        chosen[place], closest = drawn[best], squared[best]
    return chosen
