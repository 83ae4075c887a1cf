"""Cluster-Margin: of the items with the smallest margins, some from each cluster."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.embed.clustering import k_means
from llmal.errors import ConfigError
from llmal.selectors.options import check_least
from llmal.selectors.picking import check_request, highest
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.uncertainty.measures import Margin
from llmal.task.spaces import KINDS

_log = logging.getLogger("llmal.selectors")

Among = Literal["pool", "candidates"]


@dataclass(frozen=True)
class ClusterMargin:
    """Uncertain items, but not all of one kind: margin sampling for large batches.

    The unlabelled items are clustered by their features, with average linkage. The `factor`·k
    items of the smallest margins are candidates. Clusters that hold candidates are visited in turn,
    those with the fewest candidates first, and each visit takes one candidate of the cluster at
    random, until there are k.

    Score: the turn of the cluster, -(candidates taken from it before) + 1 / (1 + candidates in it).

    Average linkage takes memory and time with the square of the items. With more than `max_items`
    to cluster, k-means takes its place, and a warning says so; `among="candidates"` clusters only
    the candidates, which seldom are as many.

    Source: Citovsky et al., 2021, "Batch active learning at scale", from its description, as the
    authors published no code. Clusters there are made once, of the pool before the first round, and
    cut at a distance; here they are made in each round, of what is unlabelled then, and cut into k
    unless `threshold` says otherwise. That a cluster's size is its number of candidates, and not
    of items, is our reading. Distances are Euclidean; normalise the features for cosine.

    Args:
        factor: Candidates for each pick.
        clusters: How many to make; k by default. Equal distances can leave fewer.
        threshold: Make clusters whose average distance is at most this, however many that gives,
            in place of a number. k-means, which has no threshold, makes k.
        among: What is clustered: the unlabelled "pool" or the "candidates".
        max_items: The most items for average linkage. 10,000 take about a GB and ten seconds.

    Raises:
        ConfigError: An argument is out of range, or both `clusters` and `threshold` are given.
    """

    name = "cluster_margin"
    spaces = KINDS
    requires = frozenset[Signal]({"probabilities", "features"})

    factor: int = 10
    clusters: int | None = None
    threshold: float | None = None
    among: Among = "pool"
    max_items: int = 10_000

    def __post_init__(self) -> None:
        check_least(self, factor=1, clusters=1, max_items=1)
        if self.threshold is not None and not self.threshold >= 0:
            raise ConfigError(
                f"cluster_margin: threshold is {self.threshold}", fix="a distance, at least 0"
            )
        if self.threshold is not None and self.clusters is not None:
            raise ConfigError(
                "cluster_margin: both clusters and threshold are given", fix="give one of them"
            )
        if self.among not in get_args(Among):
            raise ConfigError(
                f"cluster_margin: there is nothing to cluster among {self.among!r}",
                fix=f"use {' or '.join(get_args(Among))}",
            )

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick k candidates, one from each cluster in turn."""
        k = check_request(state, k, self.name, self.requires)
        closeness = Margin().utilities(state, rng).values
        rows = rng.permutation(highest(closeness, min(self.factor * k, len(closeness)), rng))
        if self.among == "pool":
            of = self._clusters(state, state.unlabelled, k, rng)[rows]
        else:
            of = self._clusters(state, state.unlabelled[rows], k, rng)

        _, of, sizes = np.unique(of, return_inverse=True, return_counts=True)
        grouped = np.argsort(of, kind="stable")
        turns = np.empty(len(rows), dtype=np.int64)
        turns[grouped] = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        luck = rng.permutation(len(sizes))
        taken = np.lexsort((luck[of], sizes[of], turns))[:k]

        scores = -turns[taken] + 1 / (1 + sizes[of[taken]])
        why = [
            f"margin {1 - closeness[rows[i]]:.3f}, number {turns[i] + 1} from a cluster "
            f"of {sizes[of[i]]} candidates"
            for i in taken.tolist()
        ]
        return Selection(state.unlabelled[rows[taken]], scores, why)

    def _clusters(
        self, state: RoundState, positions: NDArray[np.int64], k: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """The cluster of each position, shape (n,)."""
        count = min(self.clusters or k, len(positions))
        if len(positions) <= self.max_items:
            return _average_linkage(state.features[positions], count, self.threshold)
        _log.warning(
            "cluster_margin: %d items are too many for average linkage (max_items is %d); %d "
            "clusters were made by k-means",
            len(positions),
            self.max_items,
            count,
        )
        return k_means(state.features, positions, count, rng).of


def _average_linkage(
    rows: NDArray[np.float32], count: int, threshold: float | None
) -> NDArray[np.int64]:
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(rows) == 1:
        return np.zeros(1, dtype=np.int64)
    merged = linkage(_distances(rows), method="average")
    if threshold is not None:
        return np.asarray(fcluster(merged, threshold, "distance"), dtype=np.int64)
    return np.asarray(fcluster(merged, count, "maxclust"), dtype=np.int64)


def _distances(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Euclidean distances of all pairs, shape (n(n - 1)/2,), in the order that scipy reads."""
    n = len(rows)
    # Near the origin, the squares expanded below lose the least precision.
    centred = rows.astype(np.float64)
    centred -= centred.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    apart = np.empty(n * (n - 1) // 2)
    filled = 0
    for part in chunks(n, n):
        block = centred[part] @ centred[part.start :].T
        block *= -2
        block += squares[part, None]
        block += squares[part.start :]
        np.sqrt(np.maximum(block, 0, out=block), out=block)
        for i, row in enumerate(block):
            beyond = row[i + 1 :]
            apart[filled : filled + len(beyond)] = beyond
            filled += len(beyond)
    return apart
