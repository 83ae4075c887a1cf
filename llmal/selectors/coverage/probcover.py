"""ProbCover: the items whose balls cover the most of what is not yet covered."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmal.embed.chunks import chunks
from llmal.embed.clustering import k_means
from llmal.errors import ConfigError
from llmal.selectors.coverage.farthest import farthest_first
from llmal.selectors.options import check_least
from llmal.selectors.picking import check_request
from llmal.selectors.protocol import Selection
from llmal.selectors.signals import Signal
from llmal.selectors.state import RoundState

_log = logging.getLogger("llmal.selectors")

_ROUNDING = 1e-5
"""Difference of squared distances that float32 cannot tell, as a part of the largest square."""

_MOST_CLOSE = 100_000
"""Pairs of a block that are measured again in float64. More are copies of a text, not chance."""

_BLOCK = 512


@dataclass(frozen=True)
class ProbCover:
    """Greedy cover by balls of radius delta: dense regions first, each once. For small budgets.

    Items within delta (Euclidean) of a labelled item are covered. Each pick is the unlabelled item
    with the most uncovered items within delta of it; those are then covered. Score: how many they
    were. When all is covered, the rest is filled with the item farthest from the labelled and the
    picked, one after the other (as CoreSet does), with score zero; its reason says so.

    A ball is pure if all items in it are of one cluster of k-means, which stands for the
    labels that nobody has given yet. Without `delta`, it is the largest radius at which at least
    `purity` of the balls around labelled and unlabelled items are pure.

    Source: Yehuda et al., 2022, "Active learning through a covering lens". With the same `delta`
    the picks are those of scikit-activeml's ProbCover, which fills at random once all is covered.
    It tries radii in steps of 0.2; ours is the same rule without the steps, and so at any scale of
    the embeddings.

    Time and memory grow with the square of the number of items: at 20,000 items of 384 dimensions,
    about 50 MB of neighbours in bits.

    Args:
        delta: Radius of the balls. None: chosen by purity.
        purity: Least share of pure balls.
        clusters: Number of clusters that stand for labels: best the number of labels of the task.
            None: the number of labels seen among the labelled, at least 2.
        max_items: Of more unlabelled items than that, a random part of this size is covered and
            picked from, which is logged as a warning. The purity is measured on as many.

    Raises:
        ConfigError: An argument is out of range.
    """

    name = "probcover"
    requires = frozenset[Signal]({"embeddings"})
    spaces = ("single",)

    delta: float | None = None
    purity: float = 0.95
    clusters: int | None = None
    max_items: int = 20_000

    def __post_init__(self) -> None:
        if self.delta is not None and not 0 < self.delta < np.inf:
            raise ConfigError(f"probcover: delta is {self.delta}", fix="a radius above zero")
        if not 0 < self.purity < 1:
            raise ConfigError(f"probcover: purity is {self.purity}", fix="between 0 and 1")
        check_least(self, clusters=2, max_items=1)

    def select(self, state: RoundState, k: int, rng: np.random.Generator) -> Selection:
        """Pick the centres of k balls."""
        k = check_request(state, k, self.name, self.requires)
        part = state.unlabelled
        if len(part) > max(self.max_items, k):
            _log.warning(
                "probcover: of %d unlabelled items, %d drawn at random are covered and picked "
                "from (max_items)",
                len(part),
                max(self.max_items, k),
            )
            part = np.sort(rng.choice(part, size=max(self.max_items, k), replace=False))
        members = np.concatenate([state.labelled, part])
        if len(members) > self.max_items:
            members = np.sort(rng.choice(members, size=self.max_items, replace=False))
        delta = self._radius(state, members, rng) if self.delta is None else self.delta

        picked, covered = _cover(state.embeddings, part, state.labelled, delta, k, rng)
        indices = part[picked]
        why = [
            f"{count} item{'s' * (count > 1)} not yet covered within {delta:.3g}"
            for count in covered.tolist()
        ]
        missing = k - len(picked)
        if missing:
            rest = np.setdiff1d(state.unlabelled, indices)
            centres = np.concatenate([state.labelled, indices])
            rows, distances = farthest_first(state.embeddings, rest, centres, missing, rng)
            indices = np.concatenate([indices, rest[rows]])
            why += [
                f"all is covered within {delta:.3g}; {distance:.3f} from the nearest labelled or "
                "picked item"
                for distance in distances
            ]
        scores = np.concatenate([covered, np.zeros(missing)])
        return Selection(indices, scores, why)

    def _radius(
        self, state: RoundState, members: NDArray[np.int64], rng: np.random.Generator
    ) -> float:
        seen = max(2, len(np.unique(state.labels)))
        count = min(self.clusters or seen, len(members))
        of = k_means(state.embeddings, members, count, rng).of
        # A ball is pure as long as it ends before the nearest item of another cluster.
        reach = np.sort(_to_other_clusters(state.embeddings[members], of))
        allowed = reach[int((1 - self.purity) * len(reach) + 1e-9)]
        if not 0 < allowed < np.inf:
            if len(reach) > 1:
                _log.warning(
                    "probcover: the embeddings do not fall into clusters; a ball holds only "
                    "copies of its item (delta 0)"
                )
            return 0.0
        delta = float(np.nextafter(allowed, 0))
        _log.info(
            "probcover: delta %.4g, at which %.0f %% of balls are pure (%d clusters of %d items)",
            delta,
            100 * self.purity,
            count,
            len(members),
        )
        return delta


def _to_other_clusters(rows: NDArray[np.float32], of: NDArray[np.int64]) -> NDArray[np.float32]:
    """Distance of each row to the nearest of another cluster; infinite if there is none."""
    order = np.argsort(of, kind="stable")
    rows = rows[order] - rows.mean(axis=0)
    squares = np.einsum("ij,ij->i", rows, rows)
    ends = np.searchsorted(of[order], of[order], side="right")
    least = np.full(len(rows), np.inf, dtype=np.float32)
    start = 0
    while start < len(rows):
        end = int(ends[start])
        stop = min(start + _BLOCK, end)
        if end < len(rows):  # each pair of clusters once
            squared = squares[end:] - 2 * (rows[start:stop] @ rows[end:].T)
            squared += squares[start:stop, None]
            np.minimum(least[start:stop], squared.min(axis=1), out=least[start:stop])
            np.minimum(least[end:], squared.min(axis=0), out=least[end:])
        start = stop
    found = np.empty_like(least)
    found[order] = np.sqrt(np.maximum(least, 0))
    return found


def _cover(
    embeddings: NDArray[np.float32],
    part: NDArray[np.int64],
    labelled: NDArray[np.int64],
    delta: float,
    k: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Greedy cover, at most k picks: indices into `part`, and how many items each covers anew."""
    rows = embeddings[part]
    origin = rows.mean(axis=0)
    rows -= origin
    balls = _Balls(rows, delta)
    covered = np.zeros(len(part), dtype=np.bool_)
    for some in chunks(len(labelled), len(part)):
        covered |= balls.hold(embeddings[labelled[some]] - origin).any(axis=0)

    # Row j: who has the uncovered item j in its ball, as bits.
    targets = np.flatnonzero(~covered)
    holders = np.empty((len(targets), (len(part) + 7) // 8), dtype=np.uint8)
    gains = np.zeros(len(part), dtype=np.int64)
    for start in range(0, len(targets), _BLOCK):
        block = slice(start, start + _BLOCK)
        held = balls.hold(rows[targets[block]])
        gains += held.sum(axis=0)
        holders[block] = np.packbits(held, axis=1)

    picked: list[int] = []
    covers: list[int] = []
    left = np.ones(len(targets), dtype=np.bool_)
    while len(picked) < k and gains.max() > 0:
        best = int(rng.choice(np.flatnonzero(gains == gains.max())))
        picked.append(best)
        covers.append(int(gains[best]))
        anew = np.flatnonzero(left & ((holders[:, best // 8] >> (7 - best % 8)) & 1 > 0))
        left[anew] = False
        for some in chunks(len(anew), len(part) // 4 + 1):
            bits = np.unpackbits(holders[anew[some]], axis=1, count=len(part))
            gains -= bits.sum(axis=0, dtype=np.int64)
    return np.array(picked, dtype=np.int64), np.array(covers, dtype=np.int64)


class _Balls:
    """Balls around rows, shape (n, d), and which of them hold a vector."""

    def __init__(self, rows: NDArray[np.float32], delta: float) -> None:
        self._rows = rows
        self._squares = np.einsum("ij,ij->i", rows, rows)
        self._limit = delta**2
        self._rounding = _ROUNDING * float(self._squares.max())

    def hold(self, vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Shape (m, n), for m vectors: whether the ball around each row holds the vector."""
        squared = vectors @ (-2 * self._rows).T
        squared += self._squares
        squared += np.einsum("ij,ij->i", vectors, vectors)[:, None]
        squared -= self._limit
        held = np.asarray(squared <= self._rounding)
        inside = squared < -self._rounding
        if held.sum() - inside.sum() <= _MOST_CLOSE:
            close = np.nonzero(held & ~inside)
            apart = vectors[close[0]].astype(np.float64) - self._rows[close[1]]
            held[close] = np.einsum("ij,ij->i", apart, apart) <= self._limit
        return held
