"""DropQuery: one item for each cluster of those whose prediction hangs on few of their features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.embed.clustering import k_means
from llmal.errors import ConfigError
from llmal.selectors.options import check_least
from llmal.selectors.picking import check_request, highest, most_central
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.task.spaces import KINDS


@dataclass(frozen=True)
class DropQuery:
    """Uncertain by dropout of features, diverse by clusters.

    Candidates are the items whose predicted label (or where an item takes several, one of them) is
    another in more than half of `passes`
    passes, each of which sets every feature to zero with probability `dropout`. They are
    clustered into k by k-means, and the pick of a cluster is the candidate nearest to its centre;
    the pick of the largest cluster comes first. With no more than k candidates, or where they
    have fewer than k distinct features, the rest is filled by the number of passes that changed
    the label, ties at random.

    Score: 1 + the share of the candidates that its cluster holds; of what is filled in, the share
    of passes that changed the label.

    Source: Gupte et al., 2024, "Revisiting active learning in the era of vision foundation
    models", and the authors' code, whose dropout scales the features that stay (`rescale`).
    scikit-activeml's DropQuery does not scale them, has 5 passes unless told otherwise, fills up
    with the last of the pool among equals, and clusters even when that leaves nothing to choose.

    Args:
        passes: Number of passes, M.
        dropout: Probability of a feature to be set to zero.
        rescale: Divide the features that stay by 1 - `dropout`, as networks do in training, so
            that the expected features are those of the item.

    Raises:
        ConfigError: An argument is out of range.
    """

    name = "dropquery"
    spaces = KINDS
    requires = frozenset[Signal]({"features", "predict"})

    passes: int = 3
    dropout: float = 0.75
    rescale: bool = True

    def __post_init__(self) -> None:
        check_least(self, passes=1)
        if not 0 < self.dropout < 1:
            raise ConfigError(
                f"dropquery: dropout is {self.dropout}", fix="it must lie between 0 and 1"
            )

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the most central candidates of k clusters, then those that changed most often."""
        k = check_request(state, k, self.name, self.requires)
        flips = self._flips(state, rng)
        candidates = np.flatnonzero(2 * flips > self.passes)
        rows, scores = np.zeros(0, dtype=np.int64), np.zeros(0)
        why: list[str] = []
        if len(candidates) > k:
            clusters = k_means(state.features, state.unlabelled[candidates], k, rng)
            central = most_central(clusters, rng)
            sizes = clusters.sizes[clusters.of[central]]
            rows, scores = candidates[central], 1 + sizes / len(candidates)
            why = [
                f"nearest to the centre of a cluster of {size} candidates; label changed in "
                f"{changed} of {self.passes} passes"
                for size, changed in zip(sizes.tolist(), flips[rows].tolist(), strict=True)
            ]
        if len(rows) < k:
            rest = np.setdiff1d(np.arange(len(flips)), rows, assume_unique=True)
            filled = rest[highest(flips[rest], k - len(rows), rng)]
            rows, scores = (
                np.concatenate([rows, filled]),
                np.concatenate([scores, flips[filled] / self.passes]),
            )
            why += [
                f"label changed in {changed} of {self.passes} passes; of no cluster, for want of "
                "candidates"
                for changed in flips[filled].tolist()
            ]
        return Selection(state.unlabelled[rows], scores, why)

    def _flips(self, state: RoundState, rng: np.random.Generator) -> NDArray[np.int64]:
        """In how many passes the predicted label is another, shape (U,)."""
        features = state.features
        flips = np.zeros(len(state.unlabelled), dtype=np.int64)
        scale = np.float32(1 / (1 - self.dropout) if self.rescale else 1)
        for part in chunks(len(flips), features.shape[1]):
            rows = features[state.unlabelled[part]]
            before = state.space.decide(state.predict(rows))
            rows *= scale
            drawn = np.empty_like(rows)
            for _ in range(self.passes):
                rng.random(dtype=np.float32, out=drawn)
                kept = np.multiply(rows, drawn >= self.dropout)
                changed = state.space.decide(state.predict(kept)) != before
                flips[part] += changed.reshape(len(rows), -1).any(axis=1)
        return flips
