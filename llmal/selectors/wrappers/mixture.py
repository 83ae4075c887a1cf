"""Some picks from each of several selectors: exploration beside exploitation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.core.records import Usage, total
from llmal.errors import ConfigError
from llmal.selectors.protocol import Selection, Selector
from llmal.selectors.state import RoundState
from llmal.selectors.wrappers.wrapper import Wrapper, called, highest_of


@dataclass(frozen=True)
class Mixture(Wrapper):
    """Share out the picks by weight; `(random, margin)` weighted `(0.1, 0.9)` is epsilon-random.

    Each selector gets the whole part of weight * k picks. The few left over are drawn, each
    selector with the chance of its fraction, so that the shares are right on average however small
    k is; always rounding alike would starve a small weight. In the order given, each selector picks
    from what those before it left, so that no item is picked twice.

    Picks are interleaved: a beginning of the batch holds the shares, too. Score: 1 - (i + 1/2) / n
    for the i-th of n picks of its selector, because scores of different selectors do not compare.

    Args:
        selectors: At least one.
        weights: One for each selector, in proportion; by default equal.

    Raises:
        ConfigError: There are no selectors, or the weights do not fit them.
    """

    name = "mixture"
    parts = ("selectors",)

    selectors: Sequence[Selector]
    weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.selectors, (list, tuple)):
            raise ConfigError("mixture: selectors is no list", fix="give a list of selectors")
        object.__setattr__(self, "selectors", tuple(self.selectors))
        super().__post_init__()
        if not self.selectors:
            raise ConfigError("mixture has no selectors", fix="give at least one")
        if self.weights is None:
            return
        object.__setattr__(self, "weights", tuple(self.weights))
        if len(self.weights) != len(self.selectors):
            raise ConfigError(
                f"mixture has {len(self.selectors)} selectors and {len(self.weights)} weights",
                fix="give one weight for each",
            )
        if not all(0 <= one < np.inf for one in self.weights) or not sum(self.weights):
            raise ConfigError(
                f"mixture: the weights are {list(self.weights)}",
                fix="none may be negative, and one must be above zero",
            )

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Have each selector pick its share."""
        k = self._check_request(state, k)
        rows = np.arange(len(state.unlabelled))
        indices: list[NDArray[np.int64]] = []
        scores: list[NDArray[np.float64]] = []
        why: list[str] = []
        usage = Usage()
        left = state
        for selector, share in zip(self.selectors, self._shares(k, rng).tolist(), strict=True):
            if not share:
                continue
            picks = selector.select(left, share, rng)
            indices.append(picks.indices)
            scores.append(1 - (np.arange(share) + 0.5) / share)
            why += [f"{called(selector)}: {reason}" for reason in picks.why]
            usage += picks.usage
            if sum(map(len, indices)) < k:
                taken = np.searchsorted(state.unlabelled, picks.indices)
                rows = np.setdiff1d(rows, taken, assume_unique=True)
                left = state.among(rows)
        together, worth = np.concatenate(indices), np.concatenate(scores)
        order = np.lexsort((rng.random(k), -worth))
        return Selection(together[order], worth[order], [why[i] for i in order.tolist()], usage)

    def _highest(self, state: RoundState, k: int) -> Usage:
        """The sum of what each can ask at most for the largest share that it can get."""
        return total(
            highest_of(one, state, int(np.ceil(exact)))
            for one, exact in zip(self.selectors, self._exact(k), strict=True)
        )

    def _exact(self, k: int) -> NDArray[np.float64]:
        weights = np.ones(len(self.selectors)) if self.weights is None else np.array(self.weights)
        # Rounded, so that three times 1/3 of 9 is not a hair below 3.
        return np.asarray((k * (weights / weights.sum())).round(9))

    def _shares(self, k: int, rng: np.random.Generator) -> NDArray[np.int64]:
        exact = self._exact(k)
        shares = np.floor(exact).astype(np.int64)
        left = k - int(shares.sum())
        if left:
            # Systematic sampling: equidistant points on the fractions laid end to end hit each
            # with the chance of its length, and none twice, as none is longer than the distance.
            order = rng.permutation(len(exact))
            ends = np.cumsum((exact - shares)[order])
            points = (np.arange(left) + rng.random()) * (ends[-1] / left)
            shares[order[np.searchsorted(ends, points, side="right")]] += 1
        return shares
