"""CAL: items whose prediction differs from those of the labelled items beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.selectors.options import check_least
from llmal.selectors.protocol import Utilities
from llmal.selectors.ranking import Ranking
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_FLOOR = 1e-7
"""Smaller probabilities count as this one, about the resolution of float32."""


@dataclass(frozen=True)
class ContrastiveAL(Ranking):
    """Contrastive examples: near to labelled items, and predicted otherwise (CAL).

    Utility: mean over the `neighbours` nearest labelled items n of x of KL(p(·|n) ‖ p(·|x)), in
    nats. Neighbours are nearest by Euclidean distance in the learner's features, found by exact
    search; all labelled items, where there are fewer.

    Source: Margatina et al., 2021, "Active learning by acquiring contrastive examples", algorithm
    1, and the authors' code. That code normalises the features of transformers to length one
    first (`normalise`) and has no floor under the probabilities. scikit-activeml's ContrastiveAL
    gives these utilities with `normalise=False`, but looks at 5 neighbours unless told
    otherwise. small-text's ContrastiveActiveLearning normalises, has no floor, and takes
    neighbours from the whole pool, so that an item is compared with itself and other unlabelled
    items.

    Args:
        neighbours: Number of labelled neighbours of an item.
        normalise: Bring the features to length one before distances are taken: neighbours are
            then those of largest cosine.

    Raises:
        ConfigError: `neighbours` is below one.
    """

    name = "cal"
    requires = frozenset[Signal]({"labels", "labelled_probabilities", "probabilities", "features"})

    neighbours: int = 10
    normalise: bool = False

    def __post_init__(self) -> None:
        check_least(self, neighbours=1)

    def utilities(self, state: RoundState, rng: np.random.Generator) -> Utilities:
        """The mean divergence of its labelled neighbours from each item."""
        import faiss

        features, probabilities = state.features, state.probabilities
        base = self._rows(features, state.labelled)
        # Near the origin, the squares that faiss expands lose the least precision.
        centre = base.mean(axis=0)
        nearest = faiss.IndexFlatL2(base.shape[1])
        nearest.add(base - centre)
        near = min(self.neighbours, len(base))

        # Over neighbours n, mean KL(n ‖ x) = mean of sum p(n) ln p(n) - (mean p(n)) · ln p(x).
        known = _floored(state.labelled_probabilities)
        certain = (known * np.log(known)).sum(axis=1)
        values = np.empty(len(state.unlabelled))
        for part in chunks(len(values), max(base.shape[1], near * known.shape[1])):
            rows = self._rows(features, state.unlabelled[part])
            rows -= centre
            # In one order, so that items with the same neighbours get the same sums.
            found = np.sort(nearest.search(rows, near)[1], axis=1)
            cross = known[found].mean(axis=1) * np.log(_floored(probabilities[part]))
            values[part] = certain[found].mean(axis=1) - cross.sum(axis=1)
        np.maximum(values, 0, out=values)
        return Utilities(
            values,
            lambda row: (
                f"{values[row]:.3f} nats from the predictions of {near} labelled neighbours"
            ),
        )

    def _rows(
        self, features: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        rows = features[positions]
        if self.normalise:
            lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            rows /= np.where(lengths > 0, lengths, 1)[:, None]
        return rows


def _floored(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    raised = np.maximum(probabilities.astype(np.float64), _FLOOR)
    raised /= raised.sum(axis=1, keepdims=True)
    return raised
