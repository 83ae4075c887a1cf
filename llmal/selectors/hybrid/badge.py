"""BADGE: k-means++ over the gradients that the items' predicted labels would give."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.selectors.picking import check_request
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState
from llmal.task.spaces import KINDS

_log = logging.getLogger("llmal.selectors")

_Doubles = NDArray[np.float64]

_SAME = 1e-12
"""Gradients whose squared distance is below this share of their squared lengths are the same.
Far above what doubles lose on the way, and no more than a text differs that was embedded twice."""

_TRIES = 16
_MOST_TRIES = 1024
_PATIENCE = 1 / 16
"""Share of the comparisons of a pass over all items that refused draws may take before it. They
take longer each, with rows fetched from all over."""


@dataclass(frozen=True)
class Badge:
    """Uncertain and diverse at once: k-means++ seeds among gradient embeddings.

    With h the features of an item, p its probabilities and y its predicted label, the gradient
    of the loss in the last layer is g = (p - onehot(y)) ⊗ h: long where the label is in doubt,
    and pointing where the doubt lies. The first pick is the longest; each other is drawn with a
    probability proportional to the squared distance of its gradient to the nearest one picked.

    Gradients are never built: <g_i, g_j> = <a_i, a_j> <h_i, h_j> with a = p - onehot(y), so that
    N(C + d) numbers do for N·C·d. Nor are all distances updated after each pick. An upper
    bound is kept for each item, (|g_i| + shortest |g| picked)² at first; items are drawn by their
    bounds, and kept with the probability distance / bound, which gives k-means++'s own
    distribution. Bounds are replaced by the distances in one pass over the features, for all
    picks since the last, once too many draws were refused. Features are read once for the lengths
    and then seldom, in place of k times, and in chunks, so that they may stay on disk.

    Where fewer than k gradients are distinct, the rest is drawn at random, with the score zero and
    a warning.

    Score: the least squared distance between any two of the picks up to this one. It falls from
    pick to pick, which the distances at the time do not, drawn as they are. The first has no
    other: its score is 4|g|², the most that any two gradients can be apart.

    Where an item takes several labels, the loss is the sum of those of each label's yes and no, and
    the predicted labels y are those above one half: the gradient is (p - y) ⊗ h.

    Source: Ash et al., 2020, "Deep batch active learning by diverse, uncertain gradient lower
    bounds", and the authors' code. scikit-activeml's Badge also starts at the longest but keeps
    its squared length as a first distance, which makes the zero gradient one more centre: sure
    items are drawn less often there; `zero_centre` does the same.

    Args:
        zero_centre: Count the gradient zero, that of an item with a certain label, as picked
            before the first.
    """

    name = "badge"
    spaces = KINDS
    requires = frozenset[Signal]({"probabilities", "features"})

    zero_centre: bool = False

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick k seeds."""
        k = check_request(state, k, self.name, self.requires)
        seeding = _Seeding(state, rng, self.zero_centre)
        rows = np.empty(k, dtype=np.int64)
        apart = np.zeros(k)
        why: list[str] = []
        for i in range(k):
            drawn = seeding.draw() if i else seeding.longest()
            if drawn is None:
                break
            rows[i], apart[i] = drawn
            seeding.add(rows[i])
            length = float(np.sqrt(apart[i]))
            why.append(
                f"gradient {length:.3g} from the nearest picked"
                if i
                else f"longest gradient, {length:.3g}"
            )
        found = len(why)
        if found < k:
            rest = np.delete(np.arange(len(state.unlabelled)), rows[:found])
            rows[found:] = rng.choice(rest, size=k - found, replace=False)
            why += ["drawn at random: fewer distinct gradients than picks"] * (k - found)
            _log.warning(
                "badge: no other gradient was left after %d picks; %d more were drawn at random",
                found,
                k - found,
            )
        apart[0] *= 4
        return Selection(state.unlabelled[rows], np.minimum.accumulate(apart), why)


class _Gradients(NamedTuple):
    """Some gradients, as their factors.

    Attributes:
        errors: Shape (n, C): p - onehot(y), or p - y where an item takes several labels.
        features: Shape (n, d).
        lengths: Shape (n,).
    """

    errors: _Doubles
    features: _Doubles
    lengths: _Doubles


class _Seeding:
    """k-means++ over n gradients, of which only the lengths are kept."""

    def __init__(self, state: RoundState, rng: np.random.Generator, zero_centre: bool) -> None:
        self._features = state.features
        self._probabilities = state.probabilities
        self._space = state.space
        self._positions = state.unlabelled
        self._rng = rng
        n = len(self._positions)
        self._lengths = np.empty(n)
        for part in chunks(n, self._features.shape[1]):
            factors = self._factors(part)
            # Not by BLAS, which may round equal rows differently.
            squares = [np.einsum("ij,ij->i", factor, factor) for factor in factors]
            self._lengths[part] = np.sqrt(squares[0] * squares[1])
        # Distances to the picks that all items have been compared with, and what is known of those
        # to all picks.
        self._nearest = np.full(n, np.inf)
        self._bounds = np.full(n, np.inf)
        if zero_centre:
            self._nearest = np.square(self._lengths)
            self._bounds = self._nearest.copy()
        self._summed: _Doubles | None = None
        self._shortest = np.inf
        self._pending = self._gradients(np.empty(0, dtype=np.int64))
        self._spent = 0

    def longest(self) -> tuple[int, float] | None:
        """The longest gradient and its squared length; None where all are zero."""
        longest = float(self._lengths.max())
        if not longest:
            return None
        return int(self._rng.choice(np.flatnonzero(self._lengths == longest))), longest**2

    def add(self, row: np.int64) -> None:
        """Count the gradient of this row as picked."""
        picked = self._gradients(np.array([row]))
        self._pending = _Gradients(*map(np.concatenate, zip(self._pending, picked, strict=True)))
        if picked.lengths[0] < self._shortest:
            self._shortest = float(picked.lengths[0])
            np.minimum(self._bounds, np.square(self._lengths + self._shortest), out=self._bounds)
            self._summed = None
        # Where sums of bounds are kept it may still be drawn, and is refused.
        self._bounds[row] = self._nearest[row] = 0

    def draw(self) -> tuple[int, float] | None:
        """A row, by its squared distance to the nearest gradient picked, and that distance.

        None where all are zero.
        """
        tries = _TRIES
        while True:
            if self._summed is None:
                self._summed = np.cumsum(self._bounds)
            total = self._summed[-1]
            if not total:
                return None
            drawn = np.searchsorted(self._summed, self._rng.random(tries) * total, side="right")
            # Rounding can take the product up to the sum itself.
            np.minimum(drawn, np.searchsorted(self._summed, total), out=drawn)
            squared = self._squared(drawn)
            kept = self._rng.random(tries) * self._bounds[drawn] < squared
            if kept.any():
                first = int(kept.argmax())
                return int(drawn[first]), float(squared[first])
            self._spent += tries * len(self._pending.lengths)
            tries = min(2 * tries, _MOST_TRIES)
            if self._spent >= _PATIENCE * len(self._bounds) * len(self._pending.lengths):
                self._tighten()

    def _tighten(self) -> None:
        """Compare all items with the picks since the last time."""
        width = max(self._features.shape[1], len(self._pending.lengths))
        for part in chunks(len(self._positions), width):
            self._nearest[part] = self._squared(part)
        np.minimum(self._bounds, self._nearest, out=self._bounds)
        self._pending = self._gradients(np.empty(0, dtype=np.int64))
        self._summed, self._spent = None, 0

    def _squared(self, rows: slice | NDArray[np.int64]) -> _Doubles:
        """Squared distance of each row to the nearest gradient picked, shape (n,)."""
        centres = self._pending
        some = self._gradients(rows)
        sums = np.square(some.lengths)[:, None] + np.square(centres.lengths)
        squared = (some.errors @ centres.errors.T) * (some.features @ centres.features.T)
        squared *= -2
        squared += sums
        squared[squared < _SAME * sums] = 0
        return np.asarray(np.minimum(squared.min(axis=1, initial=np.inf), self._nearest[rows]))

    def _gradients(self, rows: slice | NDArray[np.int64]) -> _Gradients:
        return _Gradients(*self._factors(rows), self._lengths[rows])

    def _factors(self, rows: slice | NDArray[np.int64]) -> tuple[_Doubles, _Doubles]:
        """Errors and features of some rows."""
        errors = self._probabilities[rows].astype(np.float64)
        predicted = self._space.decide(errors)
        if self._space.rows_sum_to_one:
            errors[np.arange(len(errors)), predicted] -= 1
        else:
            errors -= predicted
        return errors, self._features[self._positions[rows]].astype(np.float64)
