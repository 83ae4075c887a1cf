"""One item for each of k clusters of the unlabelled: diversity without a learner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmal.embed.clustering import k_means
from llmal.selectors.picking import check_request, highest
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState


@dataclass(frozen=True)
class KMeansCentres:
    """The item nearest to the centre of each of k clusters of the unlabelled embeddings.

    The pick of the largest cluster comes first: it speaks for the most items. Score: the share of
    the unlabelled items that its cluster holds. Where the texts have fewer than k distinct
    embeddings, some clusters are empty, and the rest is filled at random with score zero.

    Distances are Euclidean; normalise the embeddings for cosine.
    """

    name = "kmeans"
    requires = frozenset[Signal]({"embeddings"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the k items nearest to k centres."""
        k = check_request(state, k, self.name, self.requires)
        clusters = k_means(state.embeddings, state.unlabelled, k, rng)

        least = np.full(k, np.inf, dtype=np.float32)
        np.minimum.at(least, clusters.of, clusters.squared)
        central = rng.permutation(np.flatnonzero(clusters.squared == least[clusters.of]))
        # `unique` keeps the first of each cluster, which the permutation has made a random one.
        filled, first = np.unique(clusters.of[central], return_index=True)
        sizes = clusters.sizes[filled]
        order = highest(sizes, len(filled), rng)
        rows = central[first[order]]
        scores = sizes[order] / len(state.unlabelled)
        why = [f"nearest to the centre of a cluster of {size} items" for size in sizes[order]]

        missing = k - len(rows)
        if missing:
            rest = np.delete(np.arange(len(state.unlabelled)), rows)
            rows = np.concatenate([rows, rng.choice(rest, size=missing, replace=False)])
            scores = np.concatenate([scores, np.zeros(missing)])
            why += ["drawn at random: fewer distinct embeddings than picks"] * missing
        return Selection(state.unlabelled[rows], scores, why)
