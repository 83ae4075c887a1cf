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
from llmal.task.spaces import KINDS

_FLOOR = 1e-7
"""Smaller probabilities count as this one, about the resolution of float32."""


@dataclass(frozen=True)
class ContrastiveAL(Ranking):
    """Contrastive examples: near to labelled items, and predicted otherwise (CAL).

    Utility: mean over the `neighbours` nearest labelled items n of x of KL(p(·|n) ‖ p(·|x)), in
    nats. Neighbours are nearest by Euclidean distance in the learner's features, found by exact
    search; all labelled items, where there are fewer.

    Where an item takes several labels, the divergence is the mean of those of each label's yes and
    no.

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
    spaces = KINDS
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
        whole = state.space.rows_sum_to_one
        known = _answers(state.labelled_probabilities, whole)
        certain = (known * np.log(known)).sum(axis=1)
        values = np.empty(len(state.unlabelled))
        for part in chunks(len(values), max(base.shape[1], near * known.shape[1])):
            rows = self._rows(features, state.unlabelled[part])
            rows -= centre
            # In one order, so that items with the same neighbours get the same sums.
            found = np.sort(nearest.search(rows, near)[1], axis=1)
            cross = known[found].mean(axis=1) * np.log(_answers(probabilities[part], whole))
            values[part] = certain[found].mean(axis=1) - cross.sum(axis=1)
        np.maximum(values, 0, out=values)
        if not whole:
            values /= probabilities.shape[1]
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


def _answers(probabilities: NDArray[np.floating], whole: bool) -> NDArray[np.float64]:
    """Probabilities of answers that exclude each other: of the labels, shape (n, C), if rows are
    whole; else of each label's yes, and then of each one's no, shape (n, 2C).
    """
    if not whole:
        yes = np.clip(probabilities.astype(np.float64), _FLOOR, 1 - _FLOOR)
        return np.concatenate([yes, 1 - yes], axis=1)
    raised = np.maximum(probabilities.astype(np.float64), _FLOOR)
    raised /= raised.sum(axis=1, keepdims=True)
    return raised
