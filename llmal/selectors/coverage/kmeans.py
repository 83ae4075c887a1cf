"""One item for each of k clusters of the unlabelled: diversity without a learner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llmal.core.words import counted
from llmal.embed.clustering import k_means
from llmal.selectors.picking import check_request, most_central
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
        rows = most_central(clusters, rng)
        sizes = clusters.sizes[clusters.of[rows]]
        scores = sizes / len(state.unlabelled)
        why = [
            f"nearest to the centre of a cluster of {counted(size, 'item')}"
            for size in sizes.tolist()
        ]

        missing = k - len(rows)
        if missing:
            rest = np.delete(np.arange(len(state.unlabelled)), rows)
            rows = np.concatenate([rows, rng.choice(rest, size=missing, replace=False)])
            scores = np.concatenate([scores, np.zeros(missing)])
            why += ["drawn at random: fewer distinct embeddings than picks"] * missing
        return Selection(state.unlabelled[rows], scores, why)
