"""TypiClust: the most typical item of each cluster that has no label yet."""

from __future__ import annotations

import heapq
import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.words import counted
from llmal.embed.chunks import chunks
from llmal.embed.clustering import k_means
from llmal.selectors.options import check_least
from llmal.selectors.picking import check_request
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

_ZERO_DISTANCE = 1e-5
"""Added to every mean distance, as in the authors' code: copies of a text are not infinitely
typical."""


@dataclass(frozen=True)
class TypiClust:
    """Spread over clusters, typical within each: for small budgets and for the cold start.

    Labelled and unlabelled items are clustered into min(L + k, `max_clusters`) by k-means. Clusters
    of `small_cluster` items or fewer are outliers: they are served only when no other has an
    unlabelled item left. Each pick goes to the cluster with the fewest labelled items, earlier
    picks included, the largest of these first. In the cluster, the pick is the unlabelled item of
    the highest typicality, 1 / mean Euclidean distance to its min(`neighbours`, size // 2) nearest
    unlabelled items there.

    Score: the turn of the cluster, -(labelled and picked before) + size / (N + 1), lowered for
    outlier clusters below all others. It falls from pick to pick; typicalities would not, as they
    can be compared only inside one cluster.

    Source: Hacohen et al., 2022, "Active learning on a budget: opposite strategies suit high and
    low budgets", and the authors' code, from which this differs in two things. That code averages
    squared distances, this plain ones. That code goes round the clusters in the order they had
    before the first pick, this counts each pick. Distances are Euclidean; normalise the
    embeddings for cosine.

    Args:
        max_clusters: Upper limit of the number of clusters.
        small_cluster: Largest size of an outlier cluster.
        neighbours: Number of neighbours that typicality looks at.
        max_cluster_items: A cluster with more unlabelled items is represented by this many, drawn
            at random and logged as a warning, because the search for neighbours takes time with
            the square. None: every item of every cluster.

    Raises:
        ConfigError: An argument is out of range.
    """

    name = "typiclust"
    requires = frozenset[Signal]({"embeddings"})

    max_clusters: int = 500
    small_cluster: int = 5
    neighbours: int = 20
    max_cluster_items: int | None = 10_000

    def __post_init__(self) -> None:
        check_least(self, max_clusters=1, small_cluster=0, neighbours=1, max_cluster_items=1)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the most typical items of the k clusters whose turn it is."""
        k = check_request(state, k, self.name, self.requires)
        n_labelled = len(state.labelled)
        members = np.concatenate([state.labelled, state.unlabelled])
        count = min(n_labelled + k, self.max_clusters)
        clusters = k_means(state.embeddings, members, count, rng)
        sizes = clusters.sizes
        labelled = np.bincount(clusters.of[:n_labelled], minlength=count)

        # The unlabelled rows of `members`, grouped by cluster.
        free = np.argsort(clusters.of[n_labelled:], kind="stable") + n_labelled
        bounds = np.searchsorted(clusters.of[free], np.arange(count + 1))
        left = {
            c: members[free[bounds[c] : bounds[c + 1]]]
            for c in range(count)
            if bounds[c] < bounds[c + 1]
        }
        turns = [
            (bool(sizes[c] <= self.small_cluster), int(labelled[c]), -int(sizes[c]), luck, c)
            for c, luck in zip(left, rng.permutation(len(left)).tolist(), strict=True)
        ]
        heapq.heapify(turns)

        indices = np.empty(k, dtype=np.int64)
        scores = np.empty(k)
        why: list[str] = []
        thinned: set[int] = set()
        for i in range(k):
            small, served, _, luck, c = turns[0]
            rows = left[c]
            if self.max_cluster_items is not None and len(rows) > self.max_cluster_items:
                thinned.add(c)
                rows = np.sort(rng.choice(rows, size=self.max_cluster_items, replace=False))
            typical = _typicality(state.embeddings[rows], self.neighbours)
            indices[i] = rng.choice(rows[typical == typical.max()])
            scores[i] = -served - small * (n_labelled + k + 1) + sizes[c] / (state.size + 1)
            why.append(_reason(c, int(sizes[c]), int(labelled[c]), served))
            left[c] = left[c][left[c] != indices[i]]
            if len(left[c]):
                heapq.heapreplace(turns, (small, served + 1, -int(sizes[c]), luck, c))
            else:
                heapq.heappop(turns)
        if thinned:
            _log.warning(
                "typiclust: %d of %d clusters hold more than %d items; typicality was measured on "
                "that many of each, drawn at random (max_cluster_items)",
                len(thinned),
                count,
                self.max_cluster_items,
            )
        return Selection(indices, scores, why)


def _typicality(rows: NDArray[np.float32], neighbours: int) -> NDArray[np.float64]:
    """1 / mean distance of each row to its min(neighbours, n // 2) nearest others, shape (n,).

    Zero for a row that is alone. Equal rows get equal values, bit for bit.
    """
    import faiss

    n = len(rows)
    if n == 1:
        return np.zeros(1)
    near = min(neighbours, n // 2)
    # Near the origin, the squares that faiss expands lose the least precision.
    rows = rows - rows.mean(axis=0)
    found = faiss.knn(rows, rows, near + 1)[1]
    mean = np.empty(n)
    for part in chunks(n, rows.shape[1] * (near + 1)):
        apart = rows[found[part]] - rows[part, None, :]
        distances = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
        # An item is no neighbour of its own. Among many copies it may not even be found.
        distances[found[part] == np.arange(part.start, part.stop)[:, None]] = np.inf
        distances.sort(axis=1)
        mean[part] = distances[:, :near].mean(axis=1, dtype=np.float64)
    return np.asarray(1 / (mean + _ZERO_DISTANCE))


def _reason(cluster: int, size: int, labelled: int, served: int) -> str:
    picked = f", {served - labelled} picked before" if served > labelled else ""
    return (
        f"most typical of cluster {cluster} ({counted(size, 'item')}, {labelled} labelled{picked})"
    )
