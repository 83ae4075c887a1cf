"""BAL-PM: what a label tells the learner, and how sparse the acquired items are around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.embed.neighbours import Neighbours
from llmal.errors import ConfigError
from llmal.selectors.options import check_least
from llmal.selectors.picking import check_request, highest
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.selectors.uncertainty.committee import Bald
from llmal.task.spaces import KINDS

_FLOOR = 1e-4
"""Added to twice the distance, as in the authors' code: copies of a text have a logarithm."""

_CEILING_ITEMS = 256
"""Items whose distances give an upper bound to the distance of a neighbour."""

_FIRST = 1_024
"""Items evaluated at first; each further time as many as there are already."""

_ROUNDING = 1e-6


@dataclass(frozen=True)
class BayesianDensity:
    """BALD plus the entropy that an item adds to the acquired set, picked greedily (BAL-PM).

    Each pick has the highest BALD + beta (ln(2 d_k + 1e-4) - psi(n + 1) / d): d_k is the distance
    (Euclidean) from the item to its k-th nearest other item of the pool, n the number of acquired
    items (labelled or picked before) at most as far as that, d the number of dimensions. So a
    model that doubts a dense region does not fill the batch with it. Score: that sum, which falls
    from pick to pick.

    Source: Melo et al., 2024, "Deep Bayesian active learning for preference modeling in large
    language models", whose entropy is the estimator of Kraskov et al., 2004, and the authors'
    code. There, items are pairs of answers to a prompt, and distances are between prompts.

    Only items that can be among the picks have their neighbours searched: an item is at most as
    far from its k-th neighbour in the pool as from its k-th neighbour in a part of it. The picks
    are the same. The search is exact up to 10^10 comparisons, and beyond looks neighbours up in
    inverted lists, which is logged (`llmal.embed.neighbours`).

    Args:
        beta: Weight of the entropy; zero leaves BALD.
        neighbours: k of d_k; fewer in a smaller pool.

    Raises:
        ConfigError: An argument is out of range.
        SelectionError: The committee has one member.
    """

    name = "bayesian_density"
    spaces = KINDS
    requires = frozenset[Signal]({"committee", "embeddings"})

    beta: float = 0.01
    neighbours: int = 13

    def __post_init__(self) -> None:
        if not 0 <= self.beta < np.inf:
            raise ConfigError(f"bayesian_density: beta is {self.beta}", fix="zero or above")
        check_least(self, neighbours=1)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the k items, each the best after those before it."""
        k = check_request(state, k, self.name, self.requires)
        bald = Bald().utilities(state, rng).values
        evaluated = _Evaluated(state, bald, self.beta, self.neighbours, rng)
        rows = np.empty(k, dtype=np.int64)
        scores = np.empty(k)
        why: list[str] = []
        for pick in range(k):
            while evaluated.best() < evaluated.best_elsewhere():
                evaluated.grow()
            rows[pick], scores[pick], far, acquired = evaluated.take()
            why.append(
                f"a label tells {bald[rows[pick]]:.3f} nats; {acquired} acquired within {far:.3f}"
            )
        return Selection(state.unlabelled[rows], scores, why)


class _Evaluated:
    """The items whose score is known, and an upper bound of the score of every other."""

    def __init__(
        self,
        state: RoundState,
        bald: NDArray[np.float64],
        beta: float,
        neighbours: int,
        rng: np.random.Generator,
    ) -> None:
        self._embeddings = state.embeddings
        self._unlabelled = state.unlabelled
        self._bald = bald
        self._beta = beta
        self._dimensions = state.embeddings.shape[1]
        self._nearest = min(neighbours, state.size - 1)
        self._rng = rng
        self._index = Neighbours(state.embeddings, seed=int(rng.integers(2**31 - 1)))

        part = rng.permutation(state.size)[: max(_CEILING_ITEMS, 4 * neighbours)]
        # One neighbour more, because the item itself may be in the part.
        self._ceiling = self._far(Neighbours(state.embeddings, np.sort(part)), slice(None))
        self._bound = self._score(bald, self._ceiling, np.zeros(len(bald), dtype=np.int64))

        # Near the origin, the squares that are expanded lose the least precision.
        self._origin = state.embeddings[np.sort(part)].mean(axis=0)
        self._acquired = self._centred(state.labelled)
        self._items = np.empty(0, dtype=np.int64)
        self._rows = np.empty((0, self._dimensions), dtype=np.float32)
        self._distances = np.empty(0, dtype=np.float32)
        self._counts = np.empty(0, dtype=np.int64)
        self._scores = np.empty(0)

    def best(self) -> float:
        """The highest score of an item that is evaluated and left."""
        return float(self._scores.max()) if len(self._scores) else -np.inf

    def best_elsewhere(self) -> float:
        """What no score of another item exceeds; minus infinity if there is none."""
        return float(self._bound.max())

    def grow(self) -> None:
        """Evaluate the items of the highest bounds: as many again as there are."""
        left = np.flatnonzero(self._bound > -np.inf)
        wanted = min(len(left), max(_FIRST, len(self._items)))
        items = np.sort(left[highest(self._bound[left], wanted, self._rng)])
        self._bound[items] = -np.inf
        # Where the ceiling is zero there is nothing to search for: the item has many copies.
        distances = self._ceiling[items]
        apart = np.flatnonzero(distances)
        if len(apart):
            found = self._far(self._index, items[apart])
            distances[apart] = np.minimum(found, distances[apart])
        rows = self._centred(self._unlabelled[items])
        counts = np.zeros(len(items), dtype=np.int64)
        for part in chunks(len(items), max(self._dimensions, len(self._acquired))):
            counts[part] = _within(rows[part], self._acquired, distances[part]).sum(axis=1)
        self._items = np.concatenate([self._items, items])
        self._rows = np.concatenate([self._rows, rows])
        self._distances = np.concatenate([self._distances, distances])
        self._counts = np.concatenate([self._counts, counts])
        scores = self._score(self._bald[items], distances, counts)
        self._scores = np.concatenate([self._scores, scores])

    def take(self) -> tuple[int, float, float, int]:
        """The best item: its row, its score, its d_k, and how many acquired items that spans."""
        slot = int(self._rng.choice(np.flatnonzero(self._scores == self._scores.max())))
        taken = (
            int(self._items[slot]),
            float(self._scores[slot]),
            float(self._distances[slot]),
            int(self._counts[slot]),
        )
        new = self._rows[slot : slot + 1]
        self._acquired = np.concatenate([self._acquired, new])
        nearer = np.flatnonzero(_within(self._rows, new, self._distances)[:, 0])
        self._counts[nearer] += 1
        gone = self._scores == -np.inf
        self._scores[nearer] = self._score(
            self._bald[self._items[nearer]], self._distances[nearer], self._counts[nearer]
        )
        self._scores[gone] = -np.inf
        self._scores[slot] = -np.inf
        return taken

    def _centred(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(self._embeddings[positions] - self._origin)

    def _far(self, index: Neighbours, rows: NDArray[np.int64] | slice) -> NDArray[np.float32]:
        """Distance of each unlabelled item to the k-th other item of the index."""
        places = self._unlabelled[rows]
        return index.search(self._embeddings, self._nearest + 1, places)[0][:, -1]

    def _score(
        self,
        bald: NDArray[np.float64],
        distances: NDArray[np.float32],
        counts: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        from scipy.special import digamma

        entropy = np.log(2 * distances.astype(np.float64) + _FLOOR)
        entropy -= digamma(counts + 1) / self._dimensions
        return np.asarray(bald + self._beta * entropy)


def _within(
    rows: NDArray[np.float32], others: NDArray[np.float32], distances: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Whether each of the others is at most that far from each row, shape (n, m)."""
    squares = np.einsum("ij,ij->i", rows, rows)
    squared = squares[:, None] - 2 * rows @ others.T + np.einsum("ij,ij->i", others, others)
    # The k-th neighbour itself is within, however its distance was rounded.
    return np.asarray(squared <= (distances**2 + _ROUNDING * squares)[:, None])
