"""Useful and diverse: the most useful item of each of k clusters of useful items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from llmal.embed.clustering import k_means
from llmal.errors import SelectionError
from llmal.selectors.options import check_least
from llmal.selectors.picking import highest
from llmal.selectors.protocol import Selection, UtilitySelector
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import Wrapper, called

_ITERATIONS = 25
_LEAST_WEIGHT = 1e-6
"""Of the largest: an item of no use moves no centre, but can still seed one if need be."""


@dataclass(frozen=True)
class Diverse(Wrapper):
    """Spread any utility over clusters, so that a batch does not ask k times about one thing.

    The factor * k items of the highest utility are clustered into k, and the most useful of each
    cluster is picked. Where they have fewer than k distinct embeddings, some clusters are
    empty, and the rest is filled with the most useful items left. Score: the utility.

    `weighted` is the method of Zhdanov, 2019, "Diverse mini-batch active learning" [recall]: the
    clustering is weighted by the utilities, and the pick of a cluster is the item nearest to its
    centre. Without it, centres are plain means and the pick is the most useful item, which is
    the same idea for utilities of any scale and sign.

    Distances are Euclidean; normalise the embeddings for cosine.

    Args:
        selector: Gives the utilities.
        factor: Candidates for each pick. One: the selector's own picks.
        weighted: Whether to weight as Zhdanov does; utilities must not be negative then.

    Raises:
        ConfigError: `factor` is below one, or the selector has no utilities.
    """

    name = "diverse"

    selector: UtilitySelector
    factor: int = 10
    weighted: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_utilities(self.selector)
        check_least(self, factor=1)

    @property
    def reads(self) -> frozenset[Signal]:
        """The embeddings."""
        return frozenset({"embeddings"})

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick one item of each cluster, and what is missing by utility."""
        k = self._check_request(state, k)
        utilities = self.selector.utilities(state, rng)
        # Best first, so that an earlier place in `useful` means a higher utility.
        useful = highest(utilities.values, min(self.factor * k, len(state.unlabelled)), rng)
        if len(useful) == k:
            places, sizes = np.arange(k), np.ones(k, dtype=np.int64)
        elif self.weighted:
            places, sizes = self._nearest(state, useful, utilities.values[useful], k, rng)
        else:
            places, sizes = _best(state, useful, k, rng)
        which = "nearest to the centre" if self.weighted else "the best"
        reasons = {
            place: f"{which} of a cluster of {size} item{'s' * (size > 1)}"
            for place, size in zip(places.tolist(), sizes.tolist(), strict=True)
        }
        for place in np.delete(np.arange(len(useful)), places)[: k - len(places)].tolist():
            reasons[place] = "no cluster of its own: fewer distinct embeddings than picks"
        order = sorted(reasons)
        rows = useful[order]
        return Selection(
            state.unlabelled[rows],
            np.asarray(utilities.values[rows], dtype=np.float64),
            [f"{utilities.why(int(useful[place]))}; {reasons[place]}" for place in order],
            utilities.usage,
        )

    def _nearest(
        self,
        state: RoundState,
        useful: NDArray[np.int64],
        values: NDArray[np.float64],
        count: int,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if values.min() < 0:
            raise SelectionError(
                f"diverse cannot weight by the utilities of {called(self.selector)}: some are "
                "negative",
                fix="use weighted: false",
            )
        # Shuffled, so that equal distances are drawn.
        shuffled = rng.permutation(len(useful))
        rows = state.embeddings[state.unlabelled[useful[shuffled]]]
        of, squared = _weighted_k_means(rows, values[shuffled], count, rng)
        near = np.argsort(squared, kind="stable")
        clusters, first = np.unique(of[near], return_index=True)
        return shuffled[near[first]], np.bincount(of)[clusters]


def _best(
    state: RoundState, useful: NDArray[np.int64], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    clusters = k_means(state.embeddings, state.unlabelled[useful], count, rng)
    of, first = np.unique(clusters.of, return_index=True)
    return first, clusters.sizes[of]


def _weighted_k_means(
    rows: NDArray[np.float32], weights: NDArray[np.float64], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The cluster of each row, and its squared distance to the centre, both of shape (n,)."""
    import faiss
    from sklearn.cluster import kmeans_plusplus

    top = weights.max()
    shares = np.maximum(weights / top, _LEAST_WEIGHT) if top > 0 else np.ones(len(weights))
    seed = int(rng.integers(2**31 - 1))
    seeds, _ = kmeans_plusplus(rows, n_clusters=count, sample_weight=shares, random_state=seed)
    trained = faiss.Kmeans(
        rows.shape[1],
        count,
        niter=_ITERATIONS,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=len(rows),
    )
    trained.train(
        rows,
        weights=shares.astype(np.float32),
        init_centroids=np.ascontiguousarray(seeds, dtype=np.float32),
    )
    centres = cast(NDArray[np.float32], trained.centroids)
    nearest = faiss.IndexFlatL2(rows.shape[1])
    nearest.add(centres)
    of = nearest.search(rows, 1)[1][:, 0].astype(np.int64)
    apart = rows - centres[of]
    return of, np.einsum("ij,ij->i", apart, apart)
